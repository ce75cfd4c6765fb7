"""A home to dispatch from, messages to plan, and a mail server to send them to."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from assets.communications.channels import FileChannel, LoopbackEndpoint, SmtpChannel, SmtpOptions, Transport
from assets.communications.dispatch import DispatchPolicy, DispatchResult, RecoveryResult, dispatch, recover
from assets.communications.messages import RenderedMessage
from assets.communications.outbox import PlanResult, plan
from assets.landing.archive import Archive
from assets.operations.canonical import canonical_bytes, sha256_hex
from assets.operations.runs import RunRef, begin_run, pin_run
from assets.operations.store import reading, writing
from assets.operations.tables import communication, communication_event
from tests.operations.stores import ManualClock

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
MONDAY = date(2026, 3, 2)
TUESDAY = date(2026, 3, 3)
QUICK = SmtpOptions(connect_seconds=5, reply_seconds=5, final_seconds=5)


def message(
    customer: str = "K1",
    *invoices: str,
    day: date = MONDAY,
    amount: str = "100.00",
    stage: int = 1,
    cycle: int = 1,
    formal: bool = False,
    release: bool | None = None,
    channel: str = "email",
    recipient: str | None = None,
    template_hash: str = "t1",
    text: str = "Please pay.",
    not_acted: Sequence[str] = (),
    run_id: str = "run",
    company: str = "C1",
    currency: str = "EUR",
    approvals: int | None = None,
    occasion: str | None = None,
) -> RenderedMessage:
    """A rendered message as the renderer makes it. One for an `occasion` takes no invoice a stage further."""
    if occasion is not None:
        invoices, not_acted, stage, cycle = (), (*invoices, *not_acted), 0, 0
    acted = invoices or (() if occasion is not None else (f"{customer}-F1",))
    items = [
        {
            "invoice_id": invoice,
            "invoice_number": f"nr-{invoice}",
            "open_amount": amount,
            "currency": currency,
            "stage_no": stage,
            "is_acted": invoice not in not_acted,
        }
        for invoice in (*acted, *not_acted)
    ]
    identity = [company, customer, channel, str(stage), str(cycle), items, day, template_hash, occasion]
    communication_id = sha256_hex(canonical_bytes(identity))[:26]
    address = recipient or f"{customer.lower()}@customer.test"
    row: dict[str, object] = {
        "communication_id": communication_id,
        "as_of_date": day,
        "company_id": company,
        "customer_id": customer,
        "channel": channel,
        "class": "formal" if formal else "friendly",
        "message_kind": "thank_you" if occasion is not None else "formal_notice" if formal else f"reminder_{stage}",
        "stage_no": stage,
        "cycle": cycle,
        "template_id": f"{channel}/en/x",
        "template_hash": template_hash,
        "policy_id": "policy-1",
        "requires_release": formal if release is None else release,
        "currency": currency,
        "total_amount": Decimal(amount) * len(items),
        "sender_email": "billing@creditor.test",
        "recipient_email": address,
        "items": json.dumps(items),
        "trace": "[]",
        "run_id": run_id,
        **({} if approvals is None else {"approvals_needed": approvals}),
        "occasion": occasion,
    }
    content = (
        _mail(communication_id, address, text) if channel == "email" else f"%PDF {communication_id} {text}".encode()
    )
    return RenderedMessage(
        communication_id=communication_id,
        row=row,
        content=content,
        extension="eml" if channel == "email" else "pdf",
        body_sha256=sha256_hex(content),
        recipient=address,
    )


def _mail(communication_id: str, address: str, text: str) -> bytes:
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["Message-ID"] = f"<{communication_id}@creditor.test>"
    mail["From"], mail["To"], mail["Subject"] = "billing@creditor.test", address, "Reminder"
    mail.set_content(f"{text}\n.\n.leading dots\n..two\n")
    return mail.as_bytes()


@dataclass
class Home:
    """An operations store with its folders, and shortcuts for what a day does with them."""

    engine: Engine
    clock: ManualClock
    folder: Path

    @property
    def bodies(self) -> Archive:
        return Archive(self.folder / "bodies")

    @property
    def outbox(self) -> Path:
        return self.folder / "outbox"

    def files(self) -> dict[str, bytes]:
        """Everything in the outbox folder, by name."""
        return {path.name: path.read_bytes() for path in sorted(self.outbox.glob("*/*"))}

    def begin(self, day: date = MONDAY, run_id: str | None = None, policy: str = "p1") -> RunRef:
        run_id = run_id or f"run-{day}"
        with writing(self.engine) as connection:
            begin_run(connection, self.clock, run_id, day, policy, "code-1", "tijdig")
            return pin_run(connection, run_id, 1)

    def plan(self, *messages: RenderedMessage, run: RunRef | None = None, **options: Any) -> PlanResult:
        day = messages[0].row["as_of_date"] if messages else MONDAY
        assert isinstance(day, date)
        run = run or self.begin(day, f"run-{day}-{self.next_number()}")
        return plan(self.engine, self.clock, run, messages, body_archive=self.bodies, **options)

    def next_number(self) -> int:
        with reading(self.engine) as connection:
            return len(connection.execute(select(communication_event.c.seq)).all())

    def file_transport(self) -> Transport:
        files = FileChannel(self.outbox)
        return Transport({"email": files, "letter": files})

    def dispatch(self, transport: Transport | None = None, **options: Any) -> DispatchResult:
        options.setdefault("timezone", AMSTERDAM)
        return dispatch(self.engine, self.clock, transport or self.file_transport(), self.bodies, **options)

    def recover(self, transport: Transport | None = None, **options: Any) -> RecoveryResult:
        options.setdefault("timezone", AMSTERDAM)
        return recover(self.engine, self.clock, transport or self.file_transport(), **options)

    def states(self) -> dict[str, str]:
        with reading(self.engine) as connection:
            rows = connection.execute(select(communication.c.communication_id, communication.c.state))
            return {row.communication_id: row.state for row in rows}

    def row(self, rendered: RenderedMessage) -> Any:
        with reading(self.engine) as connection:
            return connection.execute(
                select(communication).where(communication.c.communication_id == rendered.communication_id)
            ).one()

    def path(self, rendered: RenderedMessage) -> list[str]:
        """The states a message went through."""
        with reading(self.engine) as connection:
            return list(
                connection.execute(
                    select(communication_event.c.to_state)
                    .where(communication_event.c.communication_id == rendered.communication_id)
                    .order_by(communication_event.c.seq)
                ).scalars()
            )


@dataclass(frozen=True)
class Catcher:
    """A running mail server."""

    port: int
    inbox: Path
    since: int = 0

    def channel(self, options: SmtpOptions = QUICK) -> SmtpChannel:
        return SmtpChannel(LoopbackEndpoint("127.0.0.1", self.port), options)

    def transport(self, **options: Any) -> Transport:
        return Transport({"email": self.channel(**options)})

    def kept(self) -> list[Mapping[str, Any]]:
        if not self.inbox.exists():
            return []
        return [json.loads(line) for line in self.inbox.read_text(encoding="utf-8").splitlines()[self.since :]]

    def count(self) -> Counter[str]:
        """How many times each communication_id was accepted."""
        return Counter(mail["message_id"].strip("<>").partition("@")[0] for mail in self.kept())


@contextmanager
def running_catcher(folder: Path) -> Iterator[Catcher]:
    inbox = folder / "inbox.jsonl"
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.dispatch.mailcatcher", str(inbox)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline()
        assert port, "the mail server did not start"
        yield Catcher(int(port), inbox)
    finally:
        process.terminate()
        process.wait(timeout=10)


def policy(**changes: Any) -> DispatchPolicy:
    return DispatchPolicy(**changes)

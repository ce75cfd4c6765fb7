"""What a day did, counted: the figures `tijdig run` prints and reports as JSON."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from assets.billing.source import ERP
from assets.billing.source import INBOX as BILLING_INBOX
from assets.communications.outbox import BRAKE
from assets.invoicing.landing import ROWS
from assets.landing.expectations import RESULTS, read_results
from assets.landing.warehouse import reading as reading_warehouse
from assets.operations.control import control
from assets.operations.store import reading as reading_store
from assets.operations.tables import (
    archived_dataset,
    audit_event,
    audit_payload,
    communication,
    landed_source,
    landing_batch,
)
from orchestration.installation import Installation

SENT_STATES = ("sent", "delivered", "closed_unknown")
# Sources nobody offered as a file: what was pulled from the ERP, and what was made of invoice documents.
NO_FILES = (ERP, ROWS)
FAILED_STATES = ("failed_permanent", "failed_exhausted", "bounced", "complained")


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run of a day. Amounts are decimal texts by currency: nothing is summed across currencies."""

    as_of_date: date
    run_id: str
    batch_id: int
    mode: str
    files: dict[str, int]
    statements: int
    entries: int
    allocated_amount: dict[str, str]
    proposed: int
    unapplied_amount: dict[str, str]
    decisions: dict[str, int]
    stages: dict[str, int]
    reasons: dict[str, int]
    tasks: dict[str, int]
    communications: dict[str, int]
    brakes: list[str]
    quarantined: list[str]
    refused_messages: list[str]
    gaps: list[str]
    warnings: list[str]
    seconds: float

    @property
    def holds_something(self) -> bool:
        """Whether a brake holds something, or a file or a message was refused (exit code 4)."""
        return bool(self.brakes or self.quarantined or self.refused_messages)

    def as_json(self) -> dict[str, Any]:
        """The figures as one JSON document."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {"as_of_date": self.as_of_date.isoformat(), "seconds": round(self.seconds, 1)}

    def for_the_journal(self) -> dict[str, Any]:
        """The same for the audit journal, whose canonical JSON holds no floats."""
        return self.as_json() | {"seconds": f"{self.seconds:.1f}"}


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the operations store knows of a run."""

    batch_id: int
    outcomes: Counter[str]
    quarantined: list[str]
    states: Counter[str]
    refused_messages: list[str]
    brakes: list[str]
    mode: str
    notices: list[str]


def _stored(store: Connection, run_id: str, day: date) -> _Stored:
    batch_id = int(store.execute(select(landing_batch.c.batch_id).where(landing_batch.c.run_id == run_id)).scalar_one())
    sources = store.execute(
        select(landed_source.c.outcome, landed_source.c.original_name, landed_source.c.message).where(
            landed_source.c.batch_id == batch_id, landed_source.c.inbox.not_in(NO_FILES)
        )
    ).all()
    messages = store.execute(
        select(communication.c.state, communication.c.held_reason).where(communication.c.as_of_date == day)
    ).all()
    refused: Iterable[str] = store.execute(
        select(audit_payload.c.payload)
        .join(audit_event, audit_event.c.seq == audit_payload.c.seq)
        .where(audit_event.c.run_id == run_id, audit_event.c.type == "message_refused")
        .order_by(audit_event.c.seq)
    ).scalars()
    return _Stored(
        batch_id=batch_id,
        outcomes=Counter(row.outcome for row in sources),
        quarantined=[f"{row.original_name}: {row.message}" for row in sources if row.outcome == "quarantined"],
        states=Counter(row.state for row in messages),
        refused_messages=[str(json.loads(payload)["reason"]) for payload in refused],
        brakes=sorted(
            {row.held_reason for row in messages if row.state == "held" and row.held_reason.startswith(BRAKE)}
        ),
        mode=control(store).mode,
        # What was unusual about an extract that was taken: its columns, repeated keys, a brake a person let go.
        notices=[
            f"{row.table_name}: {row.message}"
            for row in store.execute(
                select(landed_source.c.table_name, landed_source.c.message)
                .where(
                    landed_source.c.batch_id == batch_id,
                    landed_source.c.outcome == "taken",
                    landed_source.c.inbox.in_((ERP, BILLING_INBOX)),
                    landed_source.c.message.is_not(None),
                )
                .order_by(landed_source.c.ordinal)
            )
        ],
    )


def expectation_warnings(installation: Installation, run_id: str) -> list[str]:
    """What the suites found unusual in what this run landed, and let pass."""
    with reading_store(installation.store) as store:
        archived: Iterable[str] = store.execute(
            select(archived_dataset.c.sha256)
            .where(archived_dataset.c.run_id == run_id, archived_dataset.c.kind == RESULTS)
            .order_by(archived_dataset.c.seq)
        ).scalars()
        results = [row for sha256 in archived for row in read_results(installation.archive.get(sha256))]
    return [
        f"{row['table_name']}: {row['message'].removeprefix('warning: ')}"
        for row in results
        if row["is_met"] and row["message"]
    ]


def summarise(installation: Installation, run_id: str, day: date, seconds: float) -> Summary:
    """Counts what the run `run_id` of `day` did, from the operations store and the warehouse."""
    with reading_store(installation.store) as store:
        stored = _stored(store, run_id, day)
    batch_id, states = stored.batch_id, stored.states
    with reading_warehouse(installation.home.warehouse) as warehouse:
        return Summary(
            as_of_date=day,
            run_id=run_id,
            batch_id=batch_id,
            mode=stored.mode,
            files={name: stored.outcomes[name] for name in ("taken", "duplicate", "quarantined")},
            statements=_count(warehouse, "select count(*) from raw.bank_statements where batch_id = ?", batch_id),
            entries=_count(warehouse, "select count(*) from raw.bank_entries where batch_id = ?", batch_id),
            allocated_amount=_amounts(
                warehouse,
                "select currency, sum(amount) from reconciliation.payment_allocations where allocated_on = ? group by currency order by currency",
                day,
            ),
            proposed=_count(warehouse, "select count(distinct entry_key) from reconciliation.match_proposals"),
            unapplied_amount=_amounts(
                warehouse,
                "select currency, sum(unapplied_amount) from reconciliation.unapplied_payments where unapplied_amount > 0 and reason <> 'not_a_receipt' group by currency order by currency",
            ),
            decisions=_counts(
                warehouse,
                "select action, count(*) from dunning.dunning_decisions where as_of_date = ? group by action order by action",
                day,
            ),
            stages=_counts(
                warehouse,
                "select cast(stage_no as varchar), count(*) from dunning.dunning_decisions where as_of_date = ? and action in ('message', 'task') group by stage_no order by stage_no",
                day,
            ),
            reasons=_counts(
                warehouse,
                "select reason_code, count(*) from dunning.dunning_decisions where as_of_date = ? group by reason_code order by count(*) desc, reason_code",
                day,
            ),
            tasks=_counts(
                warehouse,
                "select task_kind, count(*) from tasks.tasks where as_of_date = ? and status = 'open' group by task_kind order by task_kind",
                day,
            ),
            communications={
                "planned": sum(count for state, count in states.items() if state not in ("superseded", "cancelled")),
                "held": states["held"],
                "sent": sum(states[state] for state in SENT_STATES),
                "failed": sum(states[state] for state in FAILED_STATES) + len(stored.refused_messages),
                "in_doubt": states["in_doubt"],
            },
            brakes=stored.brakes,
            quarantined=stored.quarantined,
            refused_messages=stored.refused_messages,
            gaps=[
                f"{account} {kind} {first} to {last}: {message}"
                for account, kind, first, last, message in warehouse.execute(
                    "select account_iban, kind, from_on, to_on, message from banking.statement_gaps order by account_iban, from_on, kind"
                ).fetchall()
            ],
            warnings=stored.notices + expectation_warnings(installation, run_id),
            seconds=seconds,
        )


def _count(warehouse: duckdb.DuckDBPyConnection, query: str, *values: object) -> int:
    return int(warehouse.execute(query, list(values)).fetchall()[0][0])


def _counts(warehouse: duckdb.DuckDBPyConnection, query: str, *values: object) -> dict[str, int]:
    return {str(name): int(count) for name, count in warehouse.execute(query, list(values)).fetchall()}


def _amounts(warehouse: duckdb.DuckDBPyConnection, query: str, *values: object) -> dict[str, str]:
    return {str(currency): f"{amount:.2f}" for currency, amount in warehouse.execute(query, list(values)).fetchall()}

"""A landing room with a company and customers, and an inbox that documents are put into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from sqlalchemy import select

from assets.billing.landing import land_files
from assets.invoicing.landing import DocumentsLanded, land_documents
from assets.operations.store import reading
from assets.operations.tables import register_event
from orchestration.answers import answer_recorder
from simulation.invoice_documents import Document, DocumentLine, Trader
from tests.landing.rooms import Rooms, open_rooms

ACCOUNT = "NL91ABNA0417164300"

US = Trader(
    "Voorbeeld Handel B.V.",
    "NL",
    "NL001234567B01",
    ("0106", "12345678"),
    ("0106", "12345678"),
    postal_code="1015 AA",
    city="Amsterdam",
)
MOLENAAR = Trader(
    "Molenaar B.V.", "NL", "NL009876543B01", ("0106", "87654321"), ("0106", "87654321"), postal_code="3511 AB"
)
BRUGGE = Trader("Brugge Textiel NV", "BE", "BE0403170701", ("0208", "0403170701"), ("0208", "0403170701"))
STRANGER = Trader("Nobody We Know GmbH", "DE", "DE811111111", None, ("9930", "DE811111111"))

COMPANIES = """company_id,name,country,iban,vat_number,registration_number
VB,Voorbeeld Handel B.V.,NL,NL91ABNA0417164300;BE68539007547034,NL 0012.34.567.B01,12345678
VS,Voorbeeld Services B.V.,NL,NL44RABO0123456789,NL002345678B01,23456789
"""
CUSTOMERS = """company_id,customer_id,name,country,vat_number,registration_number,payment_terms_days,postal_code
VB,K1,Molenaar B.V.,NL,NL009876543B01,87654321,14,3511AB
VB,K2,Brugge Textiel NV,BE,,0403.170.701,,8000
VB,K3,Jansen,NL,,,,1011 AA
VS,K1,Another Customer,NL,NL003333333B01,33333333,,
"""

INVOICE = Document(
    number="2026-0042",
    seller=US,
    buyer=MOLENAAR,
    issued_on=date(2026, 3, 2),
    due_on=date(2026, 4, 1),
    lines=(DocumentLine("1", "Office chairs", 10_000, quantity=4, order_line="10"),),
    vat_cents=2_100,
    iban=ACCOUNT,
    payment_reference="RF18539007547034",
    order_number="PO-77",
)


def document(**changes: object) -> Document:
    """The usual invoice, changed."""
    return replace(INVOICE, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Mailbox:
    """Documents in, rows and reasons out."""

    rooms: Rooms

    def bill(self, run_id: str = "extract", **files: str) -> None:
        """Lands files of the billing extract."""
        for name, content in files.items():
            self.rooms.put("billing", f"{name}.csv", content)
        land_files(self.rooms.run(run_id), self.rooms.room.billing_inbox)

    def land(self, run_id: str, files: Mapping[str, bytes]) -> DocumentsLanded:
        """Lands documents in a batch of their own."""
        for name, content in files.items():
            self.rooms.put("invoices", name, content)
        recorder = answer_recorder(self.rooms.store, self.rooms.room.clock)
        return land_documents(self.rooms.run(run_id), self.rooms.room.invoices_inbox, recorder)

    def rows(self, columns: str, table: str = "invoice_documents") -> list[tuple[object, ...]]:
        return self.rooms.rows(f"select {columns} from raw.{table} order by all")

    def refusals(self) -> dict[str, str]:
        """Reason code by file name, from quarantine itself."""
        reasons = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in (self.rooms.root / "quarantine").glob("*.reason.json")
        ]
        return {reason["file"]: reason["code"] for reason in reasons}

    def reason(self, name: str) -> str:
        """The sentence of a refusal."""
        for path in (self.rooms.root / "quarantine").glob("*.reason.json"):
            reason = json.loads(path.read_text(encoding="utf-8"))
            if reason["file"] == name:
                return str(reason["message"])
        raise AssertionError(f"{name} was not refused")

    def events(self) -> list[dict[str, object]]:
        with reading(self.rooms.store) as connection:
            rows = connection.execute(select(register_event).order_by(register_event.c.seq)).mappings().all()
        return [
            {"company": row["company_id"], "on": row["effective_on"], "by": row["recorded_by"]}
            | json.loads(row["payload"])
            for row in rows
        ]


def open_mailbox(root: Path) -> Mailbox:
    mailbox = Mailbox(open_rooms(root))
    mailbox.bill(companies=COMPANIES, customers=CUSTOMERS)
    return mailbox

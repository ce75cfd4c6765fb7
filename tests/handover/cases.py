"""A hand-over as the tables would tell of it: two invoices, one part paid, three messages, a promise and a dispute."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from assets.handover.enclosures import Enclosed, Enclosure
from assets.handover.facts import Facts

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
GOLDEN = Path(__file__).parent / "golden"
AS_OF = date(2026, 11, 20)
HANDOVER = "5f0c1a92bb01d4e77a3310ce90"
FORMAL = "9a1b2c3d4e5f60718293a4b5c6"


def facts(**changes: Any) -> Facts:
    """The facts of the case, with some of them replaced."""
    parts: dict[str, Any] = {
        "handovers": [
            {
                "company_id": "VB",
                "as_of_date": AS_OF,
                "handover_id": HANDOVER,
                "customer_id": "K2",
                "agency": "Incassobureau De Brug B.V.",
                "destination": "agency",
                "handed_over_on": date(2026, 11, 19),
                "fee_basis": "paid_on_success",
                "success_fee_percent": Decimal("15.00"),
                "terms": "costs of a summons only after consent",
                "open_amount": Decimal("2500.00"),
                "interest_amount": Decimal("25.68"),
                "costs_amount": Decimal("375.00"),
                "is_provisional": False,
                "currency": "EUR",
                "recorded_by": "M. Visser",
            }
        ],
        "creditor": {
            "company_id": "VB", "name": "Voorbeeld Handel B.V.", "country": "NL", "iban": "NL91ABNA0417164300", "bic": "ABNANL2A",
            "vat_number": "NL001234567B01", "registration_number": "12345678", "street": "Keizersgracht 1", "postal_code": "1015 AA",
            "city": "Amsterdam", "email_from": "debiteuren@voorbeeld.example", "phone": "+31 20 555 0100", "language": "nl",
        },
        "debtor": {
            "customer_id": "K2", "name": "Brandsma & Zonen B.V.", "department": "T.a.v. crediteuren", "street": "Dorpsstraat 2",
            "postal_code": "3511 AB", "city": "Utrecht", "country": "NL", "language": "nl", "email": "crediteuren@brandsma.example",
            "phone": None, "vat_number": "NL009876543B01", "registration_number": "87654321", "is_natural_person": False,
            "payment_terms_days": 30,
        },
        "laws": [{"currency": "EUR", "country": "NL", "debtor_kind": "business", "interest_claim": "always", "costs_claim": "always"}],
        "invoices": [
            _invoice("F1", "2026-0101", date(2026, 9, 20), "1500.00", "1500.00"),
            _invoice("F2", "2026-0117", date(2026, 10, 10), "1200.00", "1000.00", document_path="2026/0117.pdf"),
        ],
        "lines": [
            {"company_id": "VB", "invoice_id": "F1", "line_number": 1, "description": "Pomp", "line_amount": Decimal("1500.00"), "quantity": Decimal("1.000"), "unit_price": Decimal("1500.00"), "order_line": None},
        ],
        "documents": [],
        "ledger": [
            {"invoice_id": "F2", "booked_on": date(2026, 10, 30), "kind": "payment", "component": "principal", "amount": Decimal("200.00"), "reference": "b" * 26, "rule_id": "reference_in_text", "account_iban": "NL91ABNA0417164300", "counterparty_name": "Brandsma & Zonen", "counterparty_iban": "NL20INGB0001234567", "remittance": "deel 2026-0117", "file_sha256": "f" * 64, "ordinal": 3},
        ],
        "interest": [
            {"invoice_id": "F1", "segment_no": 1, "from_on": date(2026, 9, 21), "to_on": AS_OF, "days": 61, "base_amount": Decimal("1500.00"), "rate_basis_points": 1040, "interest_amount": Decimal("26.07"), "is_provisional": False, "source": "BW 6:119a and 6:120(2)"},
        ],
        "charges": [],
        "messages": [
            _message("3f2a91bc07d4e85a6612c0de91", date(2026, 10, 20), "email", "reminder_1", 1, ["2026-0101"], 150000, "eml"),
            _message(FORMAL, date(2026, 11, 2), "registered_letter", "formal_notice", 4, ["2026-0101", "2026-0117"], 250000, "pdf"),
        ],
        "events": [
            _event(1, "promise_made", date(2026, 10, 25), {"invoices": ["2026-0101"], "promised_on": "2026-10-31", "amount": "1500.00"}),
            _event(2, "call_made", date(2026, 10, 24), {"customer": "K2", "outcome": "no answer"}),
            _event(3, "registered_letter", date(2026, 11, 3), {"communication_id": FORMAL, "tracking_number": "RR123456785NL"}),
            _event(4, "registered_letter", date(2026, 11, 6), {"communication_id": FORMAL, "tracking_number": "RR123456785NL", "received_on": "2026-11-05"}),
            _event(5, "handed_over", date(2026, 11, 19), {"customer": "K2", "invoices": ["2026-0101", "2026-0117"], "agency": "Incassobureau De Brug B.V."}),
        ],
    }  # fmt: skip
    return Facts(**{**parts, **changes})


def enclosed() -> Enclosed:
    """What was enclosed: both messages, one of the two documents."""
    reminder, formal = facts().messages
    bodies = {
        message["communication_id"]: {
            "file": f"messages/{message['sent_on']}-{message['message_kind']}-{message['communication_id']}.{message['extension']}",
            "sha256": message["body_sha256"],
        }
        for message in (reminder, formal)
    }
    document = {"named": "2026/0117.pdf", "file": "documents/002-2026-0117.pdf", "sha256": "d" * 64}
    return Enclosed(
        files=(
            Enclosure(document["file"], document["sha256"]),
            *(Enclosure(body["file"], body["sha256"]) for body in bodies.values()),
        ),
        of_invoices={"F1": [], "F2": [document]},
        of_messages=bodies,
    )


def _invoice(invoice_id: str, number: str, due_on: date, total: str, open_amount: str, **more: Any) -> dict[str, Any]:
    return {
        "invoice_id": invoice_id,
        "invoice_number": number,
        "issued_on": date(2026, 8, 21),
        "due_on": due_on,
        "days_overdue": (AS_OF - due_on).days,
        "total_amount": Decimal(total),
        "credited_amount": Decimal("0.00"),
        "paid_amount": Decimal(total) - Decimal(open_amount),
        "written_off_amount": Decimal("0.00"),
        "open_amount": Decimal(open_amount),
        "currency": "EUR",
        "payment_reference": None,
        "order_number": "PO-7",
        "project_number": None,
        "delivered_at": datetime(2026, 8, 21, 9, 30, tzinfo=UTC),
        "delivery_status": "received",
        "description": None,
        "document_path": None,
        **more,
    }


def _message(
    communication_id: str,
    sent_on: date,
    channel: str,
    kind: str,
    stage: int,
    numbers: list[str],
    total: int,
    extension: str,
) -> dict[str, Any]:
    return {
        "communication_id": communication_id,
        "sent_on": sent_on,
        "channel": channel,
        "message_kind": kind,
        "stage_no": stage,
        "state": "sent",
        "recipient": "crediteuren@brandsma.example",
        "total_minor": total,
        "currency": "EUR",
        "body_sha256": communication_id[:2] * 32,
        "extension": extension,
        "invoices": numbers,
        "history": [{"state": "sent", "at": datetime(sent_on.year, sent_on.month, sent_on.day, 8, 0, 1, tzinfo=UTC)}],
    }


def _event(seq: int, kind: str, effective_on: date, payload: dict[str, Any]) -> dict[str, Any]:
    return {
        "seq": seq,
        "kind": kind,
        "effective_on": effective_on,
        "recorded_at": datetime(effective_on.year, effective_on.month, effective_on.day, 14, 0, tzinfo=UTC),
        "recorded_by": "M. Visser",
        "payload": payload,
    }

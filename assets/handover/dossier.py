"""The dossier as one document: everything the agency needs, in one shape for JSON and for paper."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from assets.handover.enclosures import Enclosed
from assets.handover.facts import Facts, Row
from assets.operations.canonical import timestamp

FORMAT = "tijdig-handover-1"

_CREDITOR = (
    "name",
    "country",
    "iban",
    "bic",
    "vat_number",
    "registration_number",
    "street",
    "postal_code",
    "city",
    "email_from",
    "phone",
)
_DEBTOR = (
    "customer_id",
    "name",
    "department",
    "street",
    "postal_code",
    "city",
    "country",
    "language",
    "email",
    "phone",
    "vat_number",
    "registration_number",
    "is_natural_person",
    "payment_terms_days",
)


def write_dossier(facts: Facts, enclosed: Enclosed, as_of_date: date, *, is_rehearsal: bool) -> Row:
    """The document of one hand-over, from its facts. Equal facts give an equal document."""
    handover = facts.handovers[0]
    receipts = _receipts(facts.events)
    return {
        "format": FORMAT,
        "handover_id": handover["handover_id"],
        "company_id": handover["company_id"],
        "as_of_date": as_of_date,
        "is_rehearsal": is_rehearsal,
        "handed_over_on": handover["handed_over_on"],
        "agency": handover["agency"],
        "destination": handover["destination"],
        "recorded_by": handover["recorded_by"],
        "fee": {name: handover[name] for name in ("fee_basis", "success_fee_percent", "terms")},
        "creditor": _taken(facts.creditor, _CREDITOR),
        "debtor": _taken(facts.debtor, _DEBTOR),
        "claims": [_claim(row, facts.laws) for row in facts.handovers],
        "invoices": [_invoice(invoice, facts, enclosed) for invoice in facts.invoices],
        "messages": [
            {
                **_taken(
                    message,
                    (
                        "communication_id",
                        "sent_on",
                        "channel",
                        "message_kind",
                        "stage_no",
                        "state",
                        "recipient",
                        "currency",
                    ),
                ),
                "total_amount": Decimal(message["total_minor"]).scaleb(-2),
                "invoices": message["invoices"],
                "history": message["history"],
                "registered": receipts.get(message["communication_id"]),
                "body": enclosed.of_messages[message["communication_id"]],
            }
            for message in facts.messages
        ],
        "correspondence": [
            _taken(event, ("seq", "kind", "effective_on", "recorded_at", "recorded_by", "payload"))
            for event in facts.events
            if event["kind"] != "registered_letter"
        ],
        "enclosures": [vars(file) for file in enclosed.files],
    }


def dossier_json(document: Mapping[str, Any]) -> bytes:
    """The document as JSON: sorted keys, amounts as text with a dot, dates ISO, moments UTC. Equal documents, equal bytes."""
    return (json.dumps(_plain(document), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode("utf-8")


def _claim(row: Row, laws: Sequence[Row]) -> Row:
    law = next((law for law in laws if law["currency"] == row["currency"]), {})
    parts = (row["open_amount"], row["interest_amount"], row["costs_amount"] or Decimal(0))
    return {
        "currency": row["currency"],
        "principal_amount": row["open_amount"],
        "interest_amount": row["interest_amount"],
        "costs_amount": row["costs_amount"],
        "total_amount": sum(parts, Decimal(0)),
        "is_provisional": row["is_provisional"],
        "law": law.get("country"),
        "debtor_kind": law.get("debtor_kind"),
        # Where it says if_agreed or after_letter, the amounts are what the law allows under that condition.
        "interest_claim": law.get("interest_claim"),
        "costs_claim": law.get("costs_claim"),
    }


def _invoice(invoice: Row, facts: Facts, enclosed: Enclosed) -> Row:
    invoice_id = invoice["invoice_id"]
    return {
        **{name: value for name, value in invoice.items() if name != "document_path"},
        "lines": [
            _without(line, "company_id", "invoice_id") for line in facts.lines if line["invoice_id"] == invoice_id
        ],
        "documents": enclosed.of_invoices[invoice_id],
        "ledger": [_without(row, "invoice_id") for row in facts.ledger if row["invoice_id"] == invoice_id],
        "interest": [_without(row, "invoice_id") for row in facts.interest if row["invoice_id"] == invoice_id],
        "charges_claimed": [_without(row, "invoice_id") for row in facts.charges if row["invoice_id"] == invoice_id],
    }


def _receipts(events: Sequence[Row]) -> dict[str, Row]:
    """What is known of each registered letter: every field as it was said last."""
    receipts: dict[str, Row] = {}
    for event in events:
        if event["kind"] == "registered_letter":
            payload = event["payload"]
            known = receipts.setdefault(str(payload["communication_id"]), {"posted_on": event["effective_on"]})
            known.update(_without(payload, "communication_id"))
    return receipts


def _taken(row: Mapping[str, Any], names: Sequence[str]) -> Row:
    return {name: row.get(name) for name in names}


def _without(row: Mapping[str, Any], *names: str) -> Row:
    return {name: value for name, value in row.items() if name not in names}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return timestamp(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_plain(inner) for inner in value]
    raise TypeError(f"{value!r} cannot enter a dossier: use text, a Decimal, a date or an integer")

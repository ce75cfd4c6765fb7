"""Message rows as the warehouse would hand them over: one believable case per kind and language, and a way to vary them."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from assets.communications.templates import MESSAGE_KINDS, template_hashes

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
GOLDEN = Path(__file__).parent / "golden"
AS_OF = date(2026, 11, 20)
HASHES = template_hashes(TEMPLATES)

SENDER_NL: dict[str, Any] = {
    "sender_name": "Van Houten Techniek B.V.",
    "sender_street": "Kanaaldijk 118",
    "sender_postal_code": "5611 AB",
    "sender_city": "Eindhoven",
    "sender_country": "NL",
    "sender_email": "debiteuren@vanhouten-techniek.example",
    "sender_phone": "+31 40 555 01 23",
    "sender_vat_number": "NL004495445B01",
    "sender_registration_number": "17012345",
    "sender_iban": "NL91ABNA0417164300",
    "sender_bic": "ABNANL2A",
}
SENDER_BE: dict[str, Any] = {
    "sender_name": "Brouwershuis Leuven NV",
    "sender_street": "Vaartkom 31",
    "sender_postal_code": "3000",
    "sender_city": "Leuven",
    "sender_country": "BE",
    "sender_email": "boekhouding@brouwershuis.example",
    "sender_phone": "+32 16 55 01 23",
    "sender_vat_number": "BE0403170701",
    "sender_registration_number": "0403.170.701",
    "sender_iban": "BE68539007547034",
    "sender_bic": "GKCCBEBB",
}
RECIPIENT_NL: dict[str, Any] = {
    "customer_id": "10482",
    "recipient_name": "Bouwbedrijf IJsselmeer & Zonen B.V.",
    "recipient_department": "T.a.v. de crediteurenadministratie",
    "recipient_email": "crediteuren@ijsselmeer-zonen.example",
    "recipient_street": "’s-Gravelandseweg 27-B",
    "recipient_postal_code": "1217 EH",
    "recipient_city": "Hilversum",
    "recipient_country": "NL",
    "recipient_vat_number": "NL001234567B01",
}
RECIPIENT_FOREIGN: dict[str, Any] = {
    "customer_id": "K-20077",
    "recipient_name": "Müller & Söhne Anlagenbau GmbH",
    "recipient_department": "Accounts Payable",
    "recipient_email": "kreditoren@mueller-soehne.example",
    "recipient_street": "Königsallee 12",
    "recipient_postal_code": "40212",
    "recipient_city": "Düsseldorf",
    "recipient_country": "DE",
    "recipient_vat_number": "DE136695976",
}
_NEXT: dict[str, tuple[str | None, date | None]] = {
    "pre_due_notice": ("reminder_1", date(2026, 12, 7)),
    "reminder_1": ("reminder_2", date(2026, 12, 9)),
    "reminder_2": ("formal_notice", date(2026, 12, 9)),
    "formal_notice": (None, None),
}


def item(
    number: str, due_on: date, total: str, paid: str = "0.00", *, order: str | None = None, **more: Any
) -> dict[str, Any]:
    """One invoice of thirty days' term; amounts as text, as the warehouse writes them into JSON."""
    return {
        "invoice_id": f"id-{number}",
        "invoice_number": number,
        "issued_on": (due_on - timedelta(days=30)).isoformat(),
        "due_on": due_on.isoformat(),
        "days_overdue": (AS_OF - due_on).days,
        "total_amount": total,
        "paid_amount": paid,
        "open_amount": str(Decimal(total) - Decimal(paid)),
        "currency": "EUR",
        "order_number": order,
        "project_number": None,
        "payment_reference": None,
        "stage_no": 1,
        "is_acted": True,
        **more,
    }


def row(channel: str, language: str, message_kind: str, items: list[dict[str, Any]], **columns: Any) -> dict[str, Any]:
    """A complete row of `communications_due`; `columns` replace single values."""
    template_id = f"{channel}/{language}/{message_kind}"
    next_kind, next_step_on = _NEXT[message_kind]
    credit = Decimal(columns.pop("credit_amount", "0.00"))
    items_amount = sum((Decimal(each["open_amount"]) for each in items), Decimal(0))
    numbers = " ".join(each["invoice_number"] for each in items)
    complete: dict[str, Any] = {
        "communication_id": "3f2a91bc07d4e85a6612c0de91",
        "as_of_date": AS_OF,
        "company_id": "VHT",
        "channel": channel,
        "class": "formal" if message_kind == "formal_notice" else "friendly",
        "language": language,
        "message_kind": message_kind,
        "scenario_id": "standard",
        "stage_no": 1,
        "cycle": 1,
        "template_id": template_id,
        "template_hash": HASHES.get(template_id, "none"),
        "policy_id": "standard-2026",
        "requires_release": message_kind == "formal_notice",
        "currency": "EUR",
        "items_amount": items_amount,
        "credit_amount": credit,
        "total_amount": items_amount - credit,
        "pay_by_on": date(2026, 12, 4),
        "oldest_due_on": min(date.fromisoformat(each["due_on"]) for each in items),
        **SENDER_NL,
        **RECIPIENT_NL,
        "payment_reference": None,
        "payment_text": f"{columns.get('customer_id', RECIPIENT_NL['customer_id'])} {numbers}",
        "next_message_kind": next_kind,
        "next_step_on": next_step_on,
        "owner": "Marieke de Bruijn",
        "run_id": "run-1",
        "items": items,
        "trace": "[]",
    }
    complete.update(columns)
    if not isinstance(complete["items"], str):
        complete["items"] = json.dumps(complete["items"])
    return complete


def overdue_items(count: int) -> list[dict[str, Any]]:
    """Invoices past their due date, some paid in part, some without an order number."""
    return [
        item(
            f"2026-{1041 + place:05d}",
            date(2026, 11, 12) - timedelta(days=3 * (place % 17)),
            f"{Decimal(48250 + 37311 * place) / 100:.2f}",
            "250.00" if place % 4 == 1 else "0.00",
            order=None if place % 3 == 2 else f"PO-{88120 + place}",
        )
        for place in range(count)
    ]


def golden_rows() -> dict[str, Mapping[str, Any]]:
    """The golden cases by name: every channel, language and kind once, with differing shapes of content."""
    rows: dict[str, Mapping[str, Any]] = {}
    for channel in ("email", "letter"):
        for language in ("nl", "en"):
            for message_kind in MESSAGE_KINDS:
                rows[f"{channel}.{language}.{message_kind}"] = _golden(channel, language, message_kind)
    return rows


def _golden(channel: str, language: str, message_kind: str) -> dict[str, Any]:
    foreign = RECIPIENT_FOREIGN if language == "en" else {}
    if message_kind == "pre_due_notice":
        due_on = date(2026, 11, 27)
        single = item("2026-01102", due_on, "12480.00", order="PO-88190", payment_reference="RF18539007547034")
        return row(
            channel, language, message_kind, [single], pay_by_on=due_on, payment_reference="RF18539007547034", **foreign
        )
    if message_kind == "reminder_1":
        single = item("2026-01041", date(2026, 11, 2), "1234.56", order="PO-88120")
        columns = {**foreign, **(SENDER_BE if language == "nl" else {})}
        reference = {"payment_reference": "202600012320"} if language == "nl" else {}
        return row(channel, language, message_kind, [single], **columns, **reference)
    if message_kind == "reminder_2":
        return row(channel, language, message_kind, overdue_items(4), credit_amount="150.00", **foreign)
    registered = "registered_letter" if channel == "letter" else channel
    return row(registered, language, message_kind, overdue_items(3), **foreign)

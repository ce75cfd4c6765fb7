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
    next_kind, next_step_on = _NEXT.get(message_kind, (None, None))
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
        "oldest_due_on": min((date.fromisoformat(each["due_on"]) for each in items), default=None),
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
        "occasion": None,
        "particulars": {},
    }
    complete.update(columns)
    if not isinstance(complete["particulars"], str):
        complete["particulars"] = json.dumps(complete["particulars"])
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
            rows[f"{channel}.{language}.formal_notice.charges"] = charged(
                "registered_letter" if channel == "letter" else channel, language
            )
    return rows


def charged(channel: str, language: str, **columns: Any) -> dict[str, Any]:
    """A formal notice that claims interest over two half-years, the second provisional, and costs of which part was paid."""
    first, second = item("2026-01041", date(2026, 5, 31), "10000.00"), item("2026-01055", date(2026, 10, 31), "1000.00")
    segments = [
        _segment("2026-01041", date(2026, 6, 1), date(2026, 6, 30), "10000.00", 1015, "83.42"),
        _segment("2026-01041", date(2026, 7, 1), AS_OF, "10000.00", 1040, "407.45"),
        _segment("2026-01055", date(2026, 11, 1), AS_OF, "1000.00", 1040, "5.70", is_provisional=True),
    ]
    charges = {
        "interest_amount": Decimal("496.57"),
        "costs_amount": Decimal("885.00"),
        "total_amount": Decimal("12381.57"),
        "calculation": json.dumps(segments),
    }
    foreign = RECIPIENT_FOREIGN if language == "en" else {}
    return row(channel, language, "formal_notice", [first, second], **foreign, **{**charges, **columns})


def _segment(
    number: str, from_on: date, to_on: date, base: str, rate: int, interest: str, *, is_provisional: bool = False
) -> dict[str, Any]:
    return {
        "invoice_number": number,
        "from_on": from_on.isoformat(),
        "to_on": to_on.isoformat(),
        "days": (to_on - from_on).days + 1,
        "base_amount": base,
        "rate_basis_points": rate,
        "interest_amount": interest,
        "is_provisional": is_provisional,
        "source": "BW 6:119a and 6:120(2)",
    }


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
    if message_kind in _OCCASIONS:
        return _OCCASIONS[message_kind](channel, language, foreign)
    registered = "registered_letter" if channel == "letter" else channel
    return row(registered, language, message_kind, overdue_items(3), **foreign)


def _agreement(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    """A promise over several invoices in Dutch, a longer term for one in English."""
    is_promise = language == "nl"
    items = overdue_items(2) if is_promise else [item("2026-01102", date(2026, 12, 18), "12480.00", order="PO-88190")]
    particulars = {
        "agreement": "promise" if is_promise else "extension",
        "agreed_on": "2026-11-19",
        "was_due_on": "2026-11-27",
        "resumes_on": "2026-12-21" if is_promise else "2026-12-23",
    }
    return occasion_row(
        channel, language, "agreement_confirmation", items, particulars, pay_by_on=date(2026, 12, 18), **foreign
    )


def _dispute(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    """A line of an invoice not yet due by e-mail; a whole invoice by letter."""
    is_part = channel == "email"
    single = item(
        "2026-01102", date(2026, 11, 27), "12480.00", order="PO-88190", open_amount="9980.00" if is_part else "0.00"
    )
    particulars = {
        "opened_on": "2026-11-20",
        "line_numbers": "3, 5" if is_part else None,
        "disputed_amount": "2500.00" if is_part else "12480.00",
        "what_continues": "part" if is_part else None,
        "still_due_on": "2026-11-27" if is_part else None,
    }
    pay_by_on = date(2026, 11, 27) if is_part else None
    return occasion_row(channel, language, "dispute_received", [single], particulars, pay_by_on=pay_by_on, **foreign)


def _rebill(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    single = item("2026-01140", date(2026, 12, 19), "9980.00", order="PO-88190")
    particulars = {
        "original_invoice_number": "2026-01102",
        "credit_note_number": "2026-C0031",
        "credited_amount": "12480.00",
    }
    return occasion_row(
        channel, language, "rebill_notice", [single], particulars, pay_by_on=date(2026, 12, 19), **foreign
    )


def _receipt(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    single = item("2026-01102", date(2026, 12, 11), "12480.00", order="PO-88190")
    particulars = {"document_path": None}
    return occasion_row(
        channel, language, "receipt_check", [single], particulars, pay_by_on=date(2026, 12, 11), **foreign
    )


def _thanks(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    items = [each | {"paid_amount": each["total_amount"], "open_amount": "0.00"} for each in overdue_items(2)]
    settled = sum((Decimal(each["paid_amount"]) for each in items), Decimal(0))
    return occasion_row(
        channel, language, "thank_you", items, {"settled_amount": str(settled)}, pay_by_on=None, **foreign
    )


def _question(channel: str, language: str, foreign: dict[str, Any]) -> dict[str, Any]:
    particulars = {"received_on": "2026-11-13", "received_amount": "2500.00", "unplaced_amount": "2000.00"}
    return occasion_row(channel, language, "unplaced_money_request", [], particulars, pay_by_on=None, **foreign)


_OCCASIONS = {
    "agreement_confirmation": _agreement,
    "dispute_received": _dispute,
    "rebill_notice": _rebill,
    "receipt_check": _receipt,
    "thank_you": _thanks,
    "unplaced_money_request": _question,
}


def occasion_row(
    channel: str,
    language: str,
    message_kind: str,
    items: list[dict[str, Any]],
    particulars: Mapping[str, str | None],
    **columns: Any,
) -> dict[str, Any]:
    """A row of a message that is no stage of a track: it takes no invoice a stage further."""
    listed = [each | {"stage_no": 0, "cycle": 0, "is_acted": False} for each in items]
    stated = {"occasion": f"{message_kind}/1", "particulars": dict(particulars), "stage_no": 0, "cycle": 0}
    return row(channel, language, message_kind, listed, **stated, scenario_id=None, **columns)

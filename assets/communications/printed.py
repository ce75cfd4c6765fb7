"""A message in the words, dates and figures of its language: the one set of strings that e-mail, plain text and letter all print."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from assets.communications import formats
from assets.communications.facts import Item, Message, Party
from assets.communications.formats import MINUS, NO_BREAK_SPACE
from assets.communications.kinds import PARTS
from assets.communications.qr import MAX_TEXT, payment_payload

Pair = dict[str, Any]
NOTHING = "–"


@dataclass(frozen=True)
class Printed:
    """Everything the layouts show, formatted, still unescaped. `variables` is what the wording may use."""

    variables: Mapping[str, object]
    facts: list[Pair]
    lines: list[Pair]
    sums: list[Pair]
    payment: list[Pair]
    sender_lines: list[str]
    recipient_lines: list[str]
    signature: list[str]
    footer: list[str]
    qr_payload: str | None
    calculation: list[Pair] = field(default_factory=list)
    calculation_notes: list[str] = field(default_factory=list)


def print_message(message: Message, labels: Mapping[str, Any], *, is_enclosed: bool = False) -> Printed:
    """Format every figure and date of the message once, for all its layouts. `is_enclosed`: a document goes with it."""
    remittance = fit_remittance(message.payment_text)
    quoted = formats.format_payment_reference(message.payment_reference, message.sender.country) or remittance
    return Printed(
        variables=_variables(message) | {"is_enclosed": is_enclosed},
        facts=_facts(message, labels),
        lines=[_line(item, message.language) for item in message.items],
        sums=_sums(message, labels),
        payment=_payment(message, labels, quoted) if message.asks_money else [],
        sender_lines=_letterhead_lines(message.sender, message.recipient.country, message.language),
        recipient_lines=_envelope_lines(message.recipient, message.sender.country, message.language),
        signature=_signature(message, labels),
        footer=_footer(message, labels),
        qr_payload=payment_payload(
            name=message.sender.name,
            iban=message.iban,
            bic=message.bic,
            amount=message.total_amount,
            currency=message.currency,
            payment_reference=message.payment_reference,
            remittance=quoted,
        )
        if message.asks_money
        else None,
        calculation=_calculation(message, labels),
        calculation_notes=_calculation_notes(message, labels),
    )


def labels_of(message_kind: str, labels: Mapping[str, Any]) -> dict[str, Any]:
    """The labels as this kind of message words them: what a table column or a sum is called depends on what is asked."""
    return {**labels, **labels["by_kind"].get(message_kind, {})}


def parts_of(wording: Mapping[str, list[str]], labels: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a confirmation that the wording fills, each under its heading."""
    return [{"heading": labels[part], "paragraphs": wording[part]} for part in PARTS if wording[part]]


def print_particular(value: Decimal | date | str | None, message: Message) -> str | None:
    """A particular as it is printed in running text."""
    if isinstance(value, Decimal):
        return formats.format_money(value, message.currency, message.language)
    return formats.format_date_long(value, message.language) if isinstance(value, date) else value


def short_reference(communication_id: str) -> str:
    """What a reader quotes on the telephone: the first ten characters of the communication id, in capitals."""
    return communication_id[:10].upper()


def fit_remittance(text: str) -> str:
    """At most 140 characters, the length of a SEPA remittance text, cut between two words rather than inside a number."""
    if len(text) <= MAX_TEXT:
        return text
    head, blank, _ = text[: MAX_TEXT + 1].rpartition(" ")
    return (head if blank else text[:MAX_TEXT]).rstrip(" ,;")


def _variables(message: Message) -> dict[str, object]:
    language = message.language
    return {
        "channel": "email" if message.channel == "email" else "letter",
        "one_invoice": len(message.items) == 1,
        "one_due_date": _has_one_due_date(message),
        "invoice_number": message.items[0].invoice_number if message.items else None,
        "customer_number": message.customer_id,
        "total_amount": formats.format_money(message.total_amount, message.currency, language),
        "pay_by_on": formats.format_date_long(message.pay_by_on, language) if message.pay_by_on else None,
        "oldest_due_on": formats.format_date_long(message.oldest_due_on, language) if message.oldest_due_on else None,
        "next_message_kind": message.next_message_kind,
        "next_step_on": formats.format_date_long(message.next_step_on, language) if message.next_step_on else None,
        "contact_person": message.contact_person,
        "sender_name": message.sender.name,
        "sender_phone": message.sender.phone.replace(" ", NO_BREAK_SPACE),
        "sender_email": message.sender.email,
        "recipient_name": message.recipient.name,
        "particulars": {name: print_particular(value, message) for name, value in message.particulars.items()},
        "with_interest": message.interest_amount != Decimal(0),
        "with_costs": message.costs_amount != Decimal(0),
        "interest_amount": formats.format_money(message.interest_amount, message.currency, language),
        "costs_amount": formats.format_money(message.costs_amount, message.currency, language),
    }


def _has_one_due_date(message: Message) -> bool:
    return len({item.due_on for item in message.items}) == 1


def _facts(message: Message, labels: Mapping[str, Any]) -> list[Pair]:
    return _pairs(
        (labels["date"], formats.format_date_long(message.as_of_date, message.language)),
        (labels["our_reference"], short_reference(message.communication_id)),
        (labels["customer_number"], message.customer_id),
        (labels["your_vat_number"], message.recipient.vat_number),
        (labels["contact_person"], message.contact_person),
        # In an e-mail the contact paragraph says it, and the reader need only answer.
        (labels["phone"], message.sender.phone if message.channel != "email" else None),
        (labels["email"], message.sender.email if message.channel != "email" else None),
    )


def _line(item: Item, language: str) -> Pair:
    return {
        "invoice_number": item.invoice_number,
        "issued_on": formats.format_date_short(item.issued_on, language),
        "due_on": formats.format_date_short(item.due_on, language),
        "order": " / ".join(number for number in (item.order_number, item.project_number) if number),
        "total_amount": formats.format_amount(item.total_amount, language),
        "paid_amount": formats.format_amount(item.paid_amount, language),
        "open_amount": formats.format_amount(item.open_amount, language),
    }


def _sums(message: Message, labels: Mapping[str, Any]) -> list[Pair]:
    if not message.items:
        return []
    settled = message.particulars.get("settled_amount")
    amount = settled if isinstance(settled, Decimal) else message.total_amount
    total = {
        "label": labels["total"],
        "amount": formats.format_money(amount, message.currency, message.language),
    }
    parts = [
        (labels["credit_amount"], MINUS, message.credit_amount),
        (labels["interest_amount"], "", message.interest_amount),
        (labels["costs_amount"], "", message.costs_amount),
    ]
    between = [
        {"label": label, "amount": sign + formats.format_amount(amount, message.language)}
        for label, sign, amount in parts
        if amount != Decimal(0)
    ]
    if not between:
        return [total]
    items = {"label": labels["items_amount"], "amount": formats.format_amount(message.items_amount, message.language)}
    return [items, *between, total]


def _calculation(message: Message, labels: Mapping[str, Any]) -> list[Pair]:
    """How the interest came about, a row per segment; and what was paid of it before, or claimed otherwise, so that it adds up."""
    if message.interest_amount == Decimal(0):
        return []
    language = message.language
    rows = [
        {
            "invoice_number": segment.invoice_number,
            "from_on": formats.format_date_short(segment.from_on, language),
            "to_on": formats.format_date_short(segment.to_on, language),
            "days": str(segment.days),
            "base_amount": formats.format_amount(segment.base_amount, language),
            "rate": formats.format_amount(Decimal(segment.rate_basis_points).scaleb(-2), language)
            + f"{NO_BREAK_SPACE}%"
            + (f"{NO_BREAK_SPACE}*" if segment.is_provisional else ""),
            "interest_amount": formats.format_amount(segment.interest_amount, language),
        }
        for segment in message.segments
    ]
    other = message.interest_amount - sum((segment.interest_amount for segment in message.segments), Decimal(0))
    if rows and other != Decimal(0):
        nothing = dict.fromkeys(("from_on", "to_on", "days", "base_amount", "rate"), "")
        amount = formats.format_amount(other, language)
        rows.append({"invoice_number": labels["interest_other"], **nothing, "interest_amount": amount})
    return rows


def _calculation_notes(message: Message, labels: Mapping[str, Any]) -> list[str]:
    if message.interest_amount == Decimal(0) or not any(segment.is_provisional for segment in message.segments):
        return []
    return [str(labels["provisional_note"])]


def _payment(message: Message, labels: Mapping[str, Any], quoted: str) -> list[Pair]:
    kind = "payment_reference" if message.payment_reference else "remittance"
    # Before the due date nobody is asked to pay one invoice on the day another falls due.
    pay_by = labels["pay_by" if message.message_kind != "pre_due_notice" or _has_one_due_date(message) else "first_due"]
    rows = _pairs(
        (labels["to_pay"], formats.format_money(message.total_amount, message.currency, message.language)),
        (pay_by, formats.format_date_long(message.pay_by_on, message.language) if message.pay_by_on else None),
        ("IBAN", formats.group_in_fours(message.iban)),
        ("BIC", message.bic),
        (labels["account_holder"], message.sender.name),
        (_by_country(labels[kind], message.sender.country), quoted),
    )
    strong = {labels["to_pay"], pay_by}
    return [row | {"is_strong": row["label"] in strong} for row in rows]


def _envelope_lines(party: Party, other_country: str, language: str) -> list[str]:
    """Name to country as sorting machines want them: a Dutch town in capitals, the country, in capitals, only across a border."""
    city = party.city.upper() if party.country == "NL" else party.city
    country = formats.country_name(party.country, language).upper() if party.country != other_country else ""
    return [line for line in (party.name, party.department, party.street, _town(party, city), country) if line]


def _letterhead_lines(party: Party, other_country: str, language: str) -> list[str]:
    country = formats.country_name(party.country, language) if party.country != other_country else ""
    return [line for line in (party.name, party.street, _town(party, party.city), country) if line]


def _town(party: Party, city: str) -> str:
    return (NO_BREAK_SPACE * 2).join(part for part in (party.postal_code.replace(" ", NO_BREAK_SPACE), city) if part)


def _signature(message: Message, labels: Mapping[str, Any]) -> list[str]:
    department = str(labels["department"])
    return [message.sender.name, ", ".join(part for part in (message.contact_person, department) if part)]


def _footer(message: Message, labels: Mapping[str, Any]) -> list[str]:
    sender = message.sender
    registration = _by_country(labels["registration_number"], sender.country)
    address = [
        sender.name,
        sender.street,
        NO_BREAK_SPACE.join(part for part in (sender.postal_code, sender.city) if part),
    ]
    numbers = [
        f"{registration}{NO_BREAK_SPACE}{sender.registration_number}" if sender.registration_number else "",
        f"{labels['vat_number']}{NO_BREAK_SPACE}{sender.vat_number}" if sender.vat_number else "",
        f"IBAN{NO_BREAK_SPACE}{formats.group_in_fours(message.iban)}",
        f"BIC{NO_BREAK_SPACE}{message.bic}" if message.bic else "",
    ]
    return [" · ".join(part for part in parts if part) for parts in (address, numbers)]


def _by_country(label: Mapping[str, str], country: str) -> str:
    return label.get(country, label[""])


def _pairs(*pairs: tuple[str, str | None]) -> list[Pair]:
    return [{"label": label, "value": value} for label, value in pairs if value]

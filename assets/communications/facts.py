"""A message row, read strictly: every column that is printed must be there, of its type, and make sense beside the others.

The row was decided and added up in SQL. What is checked here is only whether it may be printed as it stands: whether its own sums
agree and its dates lie on the side of the due date that its wording claims.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import cast

from assets.communications.formats import clean, compact, is_valid_iban
from assets.communications.kinds import kind_of
from assets.communications.messages import InvalidValue, MissingVariable
from assets.communications.templates import split_template_id

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})+")


@dataclass(frozen=True)
class Party:
    """A company as it stands on an envelope. Absent parts are empty."""

    name: str
    department: str
    street: str
    postal_code: str
    city: str
    country: str
    email: str
    phone: str
    vat_number: str
    registration_number: str


@dataclass(frozen=True)
class Item:
    """One invoice of the message; amounts in the message's currency."""

    invoice_number: str
    issued_on: date
    due_on: date
    total_amount: Decimal
    paid_amount: Decimal
    open_amount: Decimal
    order_number: str
    project_number: str


# What a kind says beside its invoices: amounts end in `_amount`, dates in `_on`, all else is text. Absent ones are None.
Particulars = Mapping[str, Decimal | date | str | None]


@dataclass(frozen=True)
class Segment:
    """A stretch of days in which neither the rate nor the amount that bears interest changes, as the calculation prints it."""

    invoice_number: str
    from_on: date
    to_on: date
    days: int
    base_amount: Decimal
    rate_basis_points: int
    interest_amount: Decimal
    is_provisional: bool


@dataclass(frozen=True)
class Message:
    """What one message is to say, before it is written in a language. One that asks for no money has a total of zero and no day to pay by."""

    communication_id: str
    template_id: str
    template_hash: str
    channel: str
    language: str
    message_kind: str
    message_class: str
    as_of_date: date
    company_id: str
    customer_id: str
    currency: str
    items: tuple[Item, ...]
    items_amount: Decimal
    credit_amount: Decimal
    total_amount: Decimal
    pay_by_on: date | None
    oldest_due_on: date | None
    particulars: Particulars
    sender: Party
    recipient: Party
    iban: str
    bic: str
    payment_reference: str
    payment_text: str
    next_message_kind: str | None
    next_step_on: date | None
    contact_person: str | None
    interest_amount: Decimal = Decimal("0.00")
    costs_amount: Decimal = Decimal("0.00")
    segments: tuple[Segment, ...] = ()

    @property
    def asks_money(self) -> bool:
        """Whether the reader is asked to pay something."""
        return self.total_amount > 0


def read_message(row: Mapping[str, object]) -> Message:
    """Read and check a row. Raises `MissingVariable`, `InvalidValue` or `UnknownTemplate`, naming template and column."""
    reader = _Reader(row, template_id=str(row.get("template_id") or "of no name"))
    template_id = reader.text("template_id")
    channel, language, message_kind = split_template_id(template_id)
    message = Message(
        communication_id=reader.matching("communication_id", r"[0-9a-zA-Z-]{8,64}", "8 to 64 letters and digits"),
        template_id=template_id,
        template_hash=reader.text("template_hash"),
        channel=reader.equal_to("channel", channel),
        language=reader.equal_to("language", language),
        message_kind=reader.equal_to("message_kind", message_kind),
        message_class=reader.text("class"),
        as_of_date=reader.day("as_of_date"),
        company_id=reader.text("company_id"),
        customer_id=reader.text("customer_id"),
        currency=reader.matching("currency", r"[A-Z]{3}", "three capitals"),
        items=_read_items(reader, is_required=kind_of(message_kind).items != "none"),
        items_amount=reader.amount("items_amount"),
        credit_amount=reader.amount("credit_amount"),
        total_amount=reader.amount("total_amount"),
        pay_by_on=reader.day_or_none("pay_by_on")
        if kind_of(message_kind).asks != "always"
        else reader.day("pay_by_on"),
        oldest_due_on=reader.day_or_none("oldest_due_on")
        if kind_of(message_kind).items == "none"
        else reader.day("oldest_due_on"),
        particulars=_read_particulars(reader, kind_of(message_kind).particulars),
        sender=_read_party(reader, "sender", is_postal=channel != "email", needs_email=channel == "email"),
        recipient=_read_party(reader, "recipient", is_postal=channel != "email", needs_email=channel == "email"),
        iban=compact(reader.text("sender_iban")),
        bic=compact(reader.text_or_empty("sender_bic")),
        payment_reference=reader.text_or_empty("payment_reference"),
        payment_text=reader.text_or_empty("payment_text"),
        next_message_kind=reader.text_or_empty("next_message_kind") or None,
        next_step_on=reader.day_or_none("next_step_on"),
        contact_person=reader.text_or_empty("owner") or None,
        interest_amount=reader.amount_or_zero("interest_amount"),
        costs_amount=reader.amount_or_zero("costs_amount"),
        segments=_read_segments(reader),
    )
    _check(message, reader)
    return message


def _read_party(reader: "_Reader", role: str, *, is_postal: bool, needs_email: bool) -> Party:
    postal = reader.text if is_postal else reader.text_or_empty
    is_sender = role == "sender"
    email = reader.text(f"{role}_email") if needs_email else reader.text_or_empty(f"{role}_email")
    if email and (is_sender or needs_email) and not is_email_address(email):
        raise reader.invalid(f"{role}_email", email, "exactly one plain e-mail address")
    return Party(
        name=reader.text(f"{role}_name"),
        department="" if is_sender else reader.text_or_empty("recipient_department"),
        street=postal(f"{role}_street"),
        postal_code=postal(f"{role}_postal_code"),
        city=postal(f"{role}_city"),
        country=postal(f"{role}_country"),
        email=email,
        phone=reader.text_or_empty("sender_phone") if is_sender else "",
        vat_number=reader.text_or_empty(f"{role}_vat_number"),
        registration_number=reader.text_or_empty("sender_registration_number") if is_sender else "",
    )


def _read_particulars(reader: "_Reader", required: tuple[str, ...]) -> Particulars:
    value = reader.value("particulars")
    try:
        stated = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as broken:
        raise reader.invalid("particulars", "text", f"a JSON object ({broken})") from broken
    if not isinstance(stated, dict):
        raise reader.invalid("particulars", "something else", "a JSON object")
    inner = _Reader(stated, reader.template_id, "particulars.")
    for name in required:
        inner.value(name)
    return {name: _read_particular(inner, name) for name in stated}


def _read_particular(reader: "_Reader", name: str) -> Decimal | date | str | None:
    if reader.value_or_none(name) in (None, ""):
        return None
    if name.endswith("_amount"):
        return reader.amount(name)
    return reader.day(name) if name.endswith("_on") else reader.text(name)


def _read_items(reader: "_Reader", *, is_required: bool) -> tuple[Item, ...]:
    value = reader.value("items")
    try:
        rows = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as broken:
        raise reader.invalid("items", "text", f"a JSON array ({broken})") from broken
    if rows == [] and not is_required:
        return ()
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise reader.invalid("items", "something else", "a JSON array of at least one invoice")
    return tuple(_read_item(_Reader(row, reader.template_id, f"items[{place}].")) for place, row in enumerate(rows))


def _read_segments(reader: "_Reader") -> tuple[Segment, ...]:
    value = reader.row.get("calculation") or "[]"
    try:
        rows = json.loads(value) if isinstance(value, str) else value
    except json.JSONDecodeError as broken:
        raise reader.invalid("calculation", "text", f"a JSON array ({broken})") from broken
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise reader.invalid("calculation", "something else", "a JSON array of stretches of days")
    return tuple(
        _read_segment(_Reader(row, reader.template_id, f"calculation[{place}].")) for place, row in enumerate(rows)
    )


def _read_segment(reader: "_Reader") -> Segment:
    segment = Segment(
        invoice_number=reader.text("invoice_number"),
        from_on=reader.day("from_on"),
        to_on=reader.day("to_on"),
        days=reader.whole("days"),
        base_amount=reader.amount("base_amount"),
        rate_basis_points=reader.whole("rate_basis_points"),
        interest_amount=reader.amount("interest_amount"),
        is_provisional=bool(reader.value_or_none("is_provisional")),
    )
    if (segment.to_on - segment.from_on).days + 1 != segment.days:
        raise reader.invalid("days", segment.days, f"the days from {segment.from_on} to {segment.to_on}, both included")
    return segment


def _read_item(reader: "_Reader") -> Item:
    return Item(
        invoice_number=reader.text("invoice_number"),
        issued_on=reader.day("issued_on"),
        due_on=reader.day("due_on"),
        total_amount=reader.amount("total_amount"),
        paid_amount=reader.amount("paid_amount"),
        open_amount=reader.amount("open_amount"),
        order_number=reader.text_or_empty("order_number"),
        project_number=reader.text_or_empty("project_number"),
    )


def _check(message: Message, reader: "_Reader") -> None:
    """Refuse what would be untrue on paper: sums that do not add up, a term that has passed, nothing to pay, a dead account."""
    kind = kind_of(message.message_kind)
    if kind.items == "none" and message.items:
        raise reader.invalid("items", "an invoice", "none: this kind of message is about no invoice")
    if kind.items == "paid":
        if any(item.open_amount != 0 for item in message.items):
            raise reader.invalid("items", "an invoice with something open", "only invoices that are paid")
    elif any(item.open_amount < 0 or (item.open_amount == 0 and kind.asks != "perhaps") for item in message.items):
        raise reader.invalid("items", "an invoice with nothing open", "only invoices with an open amount above zero")
    if sum((item.open_amount for item in message.items), Decimal(0)) != message.items_amount:
        raise reader.invalid("items_amount", message.items_amount, "the sum of the open amounts of the items")
    charges = message.interest_amount + message.costs_amount
    if min(message.interest_amount, message.costs_amount) < 0:
        raise reader.invalid("interest_amount", charges, "interest and costs of zero or more")
    if message.credit_amount < 0 or message.items_amount - message.credit_amount + charges != message.total_amount:
        raise reader.invalid(
            "total_amount",
            message.total_amount,
            "items_amount less a credit_amount of zero or more, and interest and costs on top",
        )
    if message.total_amount < 0 or (message.total_amount == 0 and kind.asks == "always"):
        raise reader.invalid(
            "total_amount", message.total_amount, "an amount above zero; who owes nothing gets no message"
        )
    if message.total_amount > 0 and kind.asks == "never":
        raise reader.invalid("total_amount", message.total_amount, "zero: this kind of message asks for no money")
    _check_dates(message, reader)
    if not is_valid_iban(message.iban):
        raise reader.invalid("sender_iban", message.iban, "an IBAN with valid check digits")
    if not message.payment_reference and not message.payment_text:
        raise reader.missing("payment_text", "is empty, and so is payment_reference: the payer has nothing to quote")
    if not message.sender.phone and not message.sender.email:
        raise reader.missing("sender_phone", "is empty, and so is sender_email: the reader cannot reach anybody")


def _check_dates(message: Message, reader: "_Reader") -> None:
    if message.asks_money and message.pay_by_on is None:
        raise reader.missing("pay_by_on", "is empty, while something is to be paid")
    if message.pay_by_on is not None and message.pay_by_on < message.as_of_date:
        raise reader.invalid(
            "pay_by_on", message.pay_by_on, f"a day not before the message's own, {message.as_of_date}"
        )
    if message.items and min(item.due_on for item in message.items) != message.oldest_due_on:
        raise reader.invalid("oldest_due_on", message.oldest_due_on, "the earliest due date of the items")
    allowed = kind_of(message.message_kind).items
    if allowed == "not_due" and any(item.due_on < message.as_of_date for item in message.items):
        raise reader.invalid(
            "items", "an invoice past its due date", "only invoices still to fall due in a pre-due notice"
        )
    if allowed == "overdue" and any(item.due_on >= message.as_of_date for item in message.items):
        raise reader.invalid("items", "an invoice not yet overdue", "only invoices past their due date in a reminder")


@dataclass(frozen=True)
class _Reader:
    """Takes typed values out of a row; each failure names the template and the column."""

    row: Mapping[str, object]
    template_id: str
    prefix: str = ""

    def value(self, column: str) -> object:
        value = self.value_or_none(column)
        if value is None or value == "":
            raise self.missing(column, "is empty")
        return value

    def value_or_none(self, column: str) -> object:
        if column not in self.row:
            raise self.missing(column, "is not in the message row")
        return self.row[column]

    def text(self, column: str) -> str:
        text = clean(str(self.value(column)))
        if not text:
            raise self.missing(column, "is empty")
        return text

    def text_or_empty(self, column: str) -> str:
        value = self.value_or_none(column)
        return "" if value is None else clean(str(value))

    def matching(self, column: str, pattern: str, meaning: str) -> str:
        text = self.text(column)
        if re.fullmatch(pattern, text) is None:
            raise self.invalid(column, text, meaning)
        return text

    def equal_to(self, column: str, expected: str) -> str:
        text = self.text(column)
        if text != expected:
            raise self.invalid(column, text, f"{expected!r}, as its template_id says")
        return text

    def day(self, column: str) -> date:
        self.value(column)
        return cast(date, self.day_or_none(column))

    def day_or_none(self, column: str) -> date | None:
        value = self.value_or_none(column)
        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            return value.date()
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError as broken:
            raise self.invalid(column, value, "a date") from broken

    def amount(self, column: str) -> Decimal:
        value = self.value(column)
        if isinstance(value, (float, bool)):
            raise self.invalid(column, value, "a decimal; a float cannot hold money exactly")
        try:
            amount = Decimal(str(value))
            rounded = amount.quantize(Decimal("0.01"))
        except InvalidOperation as broken:
            raise self.invalid(column, value, "an amount") from broken
        if not amount.is_finite() or rounded != amount:
            raise self.invalid(column, value, "an amount with at most two decimals")
        return rounded

    def amount_or_zero(self, column: str) -> Decimal:
        """An amount that rows of before the column came do not have."""
        return Decimal("0.00") if self.row.get(column) in (None, "") else self.amount(column)

    def whole(self, column: str) -> int:
        value = self.value(column)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.invalid(column, value, "a whole number")
        return value

    def missing(self, column: str, why: str) -> MissingVariable:
        return MissingVariable(
            f"Template {self.template_id} needs {self.prefix}{column}, which {why}",
            where=f"column {self.prefix}{column}, template {self.template_id}",
            remedy="complete the record it comes from; the message is made on the next run",
        )

    def invalid(self, column: str, value: object, expected: str) -> InvalidValue:
        return InvalidValue(
            f"Column {self.prefix}{column} holds {clean(str(value))[:80]!r}; expected {expected}",
            where=f"column {self.prefix}{column}, template {self.template_id}",
            remedy="correct the record it comes from; the message is made on the next run",
        )


def is_email_address(text: str) -> bool:
    """One plain `local@domain` address (RFC 5321 without quoted or literal forms): no list, no display name, no line break."""
    local = text.partition("@")[0]
    return len(text) <= 254 and ".." not in local and not local.startswith(".") and _ADDRESS.fullmatch(text) is not None

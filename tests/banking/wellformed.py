"""What must be true of every file that a reader let through, checked again without the readers' own help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement

_CODES_LISTED = re.search(r"Codes: ([a-z_,\s]+)\.", UnreadableStatement.__doc__ or "")
assert _CODES_LISTED is not None
CODES = frozenset(_CODES_LISTED[1].replace(",", " ").split())
"""The documented codes of UnreadableStatement."""

_CURRENCY = re.compile("[A-Z]{3}")
_KEY = re.compile("[0-9a-f]{26}")
# Two-digit years reach from 1980 to 2079; a longer one outside of that is a slip of the pen, not a bank day.
_YEARS = range(1980, 2080)


def _is_money(value: object) -> bool:
    return isinstance(value, Decimal) and value.is_finite() and value.as_tuple().exponent == -2 and abs(value) < 10**16


def _is_day(value: object) -> bool:
    return type(value) is date and value.year in _YEARS


def _is_text(value: object) -> bool:
    """Text that can be stored: not empty, no NUL, encodable."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return False
    return value.encode("utf-8", "replace").decode() == value


def problems(read: StatementFile) -> list[str]:
    """Everything that is wrong with a file that was read; empty when it may be trusted."""
    found: list[str] = []
    if not read.statements:
        found.append("no statement at all")
    expected = 1
    for statement in read.statements:
        found.extend(_of_statement(statement))
        for entry in statement.entries:
            if entry.ordinal != expected:
                found.append(f"ordinal {entry.ordinal} where {expected} was due")
            expected += 1
            found.extend(_of_entry(entry, statement))
    return found


def _of_statement(statement: Statement) -> Iterator[str]:
    if not _KEY.fullmatch(statement.statement_key):
        yield f"statement key {statement.statement_key!r}"
    if not statement.account_iban.isalnum():
        yield f"account {statement.account_iban!r}"
    if statement.entry_count != len(statement.entries):
        yield f"{statement.entry_count} entries counted, {len(statement.entries)} there"
    opening, closing = statement.opening_amount, statement.closing_amount
    for amount in (opening, closing):
        if amount is not None and not _is_money(amount):
            yield f"balance {amount!r}"
    for day in (statement.from_on, statement.to_on, statement.opening_on, statement.closing_on):
        if day is not None and not _is_day(day):
            yield f"statement day {day!r}"
    # A CODA may be of a "separate application", which is no statement of the account.
    if statement.format != "coda" and statement.is_informative == statement.format.startswith(("camt.053", "mt940")):
        yield f"{statement.format} informative: {statement.is_informative}"
    if not statement.is_informative:
        if opening is None or closing is None:
            yield "a statement without balances"
        elif opening + sum((entry.amount for entry in statement.entries), Decimal(0)) != closing:
            yield "opening and entries do not make closing"
    if (statement.currency is None and not statement.is_informative) or (
        statement.currency is not None and not _CURRENCY.fullmatch(statement.currency)
    ):
        yield f"statement currency {statement.currency!r}"


def _of_entry(entry: Entry, statement: Statement) -> Iterator[str]:
    if (entry.statement_key, entry.account_iban) != (statement.statement_key, statement.account_iban):
        yield "an entry of another statement"
    if not _is_money(entry.amount):
        yield f"amount {entry.amount!r}"
    if not _CURRENCY.fullmatch(entry.currency) or (statement.currency and entry.currency != statement.currency):
        yield f"currency {entry.currency!r}"
    if not _is_day(entry.booked_on):
        yield f"booked on {entry.booked_on!r}"
    if entry.valued_on is not None and not _is_day(entry.valued_on):
        yield f"valued on {entry.valued_on!r}"
    if entry.charges_amount is not None and not _is_money(entry.charges_amount):
        yield f"charges {entry.charges_amount!r}"
    if entry.original_amount is not None and not _is_money(entry.original_amount):
        yield f"original amount {entry.original_amount!r}"
    if entry.original_currency is not None and not _CURRENCY.fullmatch(entry.original_currency):
        yield f"original currency {entry.original_currency!r}"
    for name in (
        "bank_reference",
        "end_to_end_id",
        "mandate_id",
        "creditor_id",
        "counterparty_name",
        "counterparty_iban",
        "counterparty_bic",
        "structured_reference",
        "structured_reference_kind",
        "remittance",
        "return_reason",
        "transaction_code",
        "payment_batch_id",
    ):
        value = getattr(entry, name)
        if value is not None and not _is_text(value):
            yield f"{name} {value!r}"
    if entry.structured_reference is not None and not entry.structured_reference.isalnum():
        yield f"structured reference {entry.structured_reference!r}"
    if entry.structured_reference_kind not in (None, "RF", "OGM", "CUR"):
        yield f"kind of reference {entry.structured_reference_kind!r}"
    if any(not 0 <= place < len(entry.remittance or "") for place in entry.wraps):
        yield f"wraps {entry.wraps} outside of the remittance"


def totals(read: StatementFile) -> list[tuple[str, str | None, Decimal | None, Decimal | None, Decimal]]:
    """What the file says about money: account, currency, balances and booked sum of each statement."""
    return [
        (
            one.account_iban,
            one.currency,
            one.opening_amount,
            one.closing_amount,
            sum((e.amount for e in one.entries), Decimal(0)),
        )
        for one in read.statements
    ]

"""Names for statements and entries that depend on what they say, not on the file that says it.

Both keys are the first 26 hex digits of SHA-256 over a UTF-8 string of parts joined by `|`. Parts that people or
programs may re-wrap or re-space are reduced to letters and digits first (`values.normalise`), so no part can hold a `|`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from hashlib import sha256

from assets.banking.statements import Entry
from assets.banking.values import normalise

KEY_LENGTH = 26


def _digest(joined: str) -> str:
    return sha256(joined.encode("utf-8")).hexdigest()[:KEY_LENGTH]


def _day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def _money(value: Decimal | None) -> str:
    if value is None:
        return ""
    # As readers write it, with two decimals, an amount is its own text; any other way of writing it must not matter.
    text = str(value)
    return text if text[-3:-2] == "." and "E" not in text else f"{value:.2f}"


def statement_key(
    account_iban: str,
    currency: str | None,
    statement_id: str | None,
    sequence_no: int | None,
    from_on: date | None,
    to_on: date | None,
    opening_amount: Decimal | None,
    closing_amount: Decimal | None,
) -> str:
    """Identity of a statement: the same statement in another file, under another name or encoding, has the same key.

    Joined: `statement|1|account|currency|id|sequence|from|to|opening|closing`, absent parts empty.
    """
    parts = (
        "statement",
        "1",
        account_iban,
        currency or "",
        normalise(statement_id),
        "" if sequence_no is None else str(sequence_no),
        _day(from_on),
        _day(to_on),
        _money(opening_amount),
        _money(closing_amount),
    )
    return _digest("|".join(parts))


def landed_key(key: str, format_read: str) -> str:
    """A statement's key in the log: its own among those of its family of formats (`camt.053`, `camt.052`, `mt940`, `coda`).

    What announces a statement may carry the same id, number, days and balances. Known by one key, the announcement would
    keep the statement out, and its money would never be read.
    """
    family = ".".join(format_read.split(".")[:2])
    return _digest(f"{family}|{key}")


def content_of(entry: Entry, account_iban: str) -> str:
    """The joined string that `content_key` and `entry_key` are made from; landing hashes it in SQL, a column at a time."""
    return "|".join(
        (
            "entry",
            "1",
            account_iban,
            _day(entry.booked_on),
            _day(entry.valued_on),
            _money(entry.amount),
            entry.currency,
            normalise(entry.bank_reference),
            normalise(entry.end_to_end_id),
            entry.counterparty_iban or "",
            # What the payer wrote, in either form: a structured reference is remittance information too.
            normalise(entry.remittance) + normalise(entry.structured_reference),
        )
    )


def content_key(entry: Entry, account_iban: str) -> str:
    """What two genuinely identical payments of one day share: `entry_key` without the occurrence number.

    Joined: `entry|1|account|booked|valued|amount|currency|bank reference|end-to-end id|counterparty account|remittance
    followed by structured reference`. The booking day and the account are part of it, so counting equal content keys
    counts equal entries of that account and day.
    """
    return _digest(content_of(entry, account_iban))


def entry_key(entry: Entry, account_iban: str, occurrence: int) -> str:
    """The contract's `entry_key`: the joined string of `content_key`, then `|` and the occurrence number from 1."""
    return _digest(f"{content_of(entry, account_iban)}|{occurrence}")


def entry_keys(entries: Iterable[Entry], already_seen: dict[str, int] | None = None) -> list[str]:
    """One key per entry, in order; twins get occurrence 1, 2, ...

    `already_seen` maps content keys to how often they occur in *other* statements of the account; it is updated, so one
    mapping carried over all statements of a batch numbers them through.
    """
    seen = {} if already_seen is None else already_seen
    keys = []
    for entry in entries:
        content = content_of(entry, entry.account_iban)
        digest = _digest(content)
        occurrence = seen.get(digest, 0) + 1
        seen[digest] = occurrence
        keys.append(_digest(f"{content}|{occurrence}"))
    return keys

"""What a bank statement says, whichever format it came in: the shapes that every reader produces.

The fields of `Statement` and `Entry` are the columns of `raw.bank_statements` and `raw.bank_entries` without those that
only landing knows (batch, file, entry key). Money is `Decimal` with exactly two decimals; a credit is positive and a
debit negative. `None` means the bank did not say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple


class Entry(NamedTuple):
    """One booked movement, or one detail of a batch booking whose details add up to it.

    `ordinal` counts the rows of the file from 1. `detail_ordinal` is 0 for a movement that stands on its own and 1..n for
    the details of a split batch. The three last fields are no columns: they carry what `candidate_references` needs.

    A named tuple and no frozen dataclass: a million of these are made a day, and this is a fifth of the cost.
    """

    ordinal: int
    detail_ordinal: int
    statement_key: str
    account_iban: str
    booked_on: date
    valued_on: date | None
    amount: Decimal
    currency: str
    bank_reference: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    counterparty_name: str | None = None
    counterparty_iban: str | None = None
    """The other side's account, without spaces. A domestic number where the bank gave no IBAN."""
    counterparty_bic: str | None = None
    structured_reference: str | None = None
    """Upper case letters and digits only; kept as text, since leading zeros count."""
    structured_reference_kind: str | None = None
    """RF (ISO 11649), OGM (Belgian 12 digits), CUR (Dutch betalingskenmerk); None when the file does not tell."""
    remittance: str | None = None
    """The free text as one line, runs of white space made one space. Never cut short."""
    is_return: bool = False
    is_reversal: bool = False
    return_reason: str | None = None
    transaction_code: str | None = None
    payment_batch_id: str | None = None
    charges_amount: Decimal | None = None
    """What the bank kept, positive, in the currency of the account."""
    original_amount: Decimal | None = None
    original_currency: str | None = None
    details_lacking: str | None = None
    """Why the row may stand for payments it does not tell: `batch` (the bank says it sums up several, or that the details
    are in another message), `incomplete` (details that do not add up), `plain` (an entry without any detail, which need
    not have one). None for a payment."""
    payment_count: int | None = None
    """How many payments the bank says such a row sums up."""
    servicer_reference: str | None = None
    """The bank's reference of the whole entry (`AcctSvcrRef`); told of rows that lack details, and of notified ones."""
    entry_reference: str | None = None
    """The entry's reference in its message (`NtryRef`); told of the same rows."""
    parser_version: str = ""
    wraps: tuple[int, ...] = ()
    """Offsets in `remittance` where the file broke a line inside a word: the space there may have been lost."""
    referred_documents: tuple[str, ...] = ()
    """Document numbers the payer named in structured form (ISO 20022 `RfrdDocInf/Nb`)."""
    further_references: tuple[tuple[str | None, str], ...] = ()
    """(kind, reference) of every structured reference after the first."""


ENTRY_COLUMNS: tuple[str, ...] = tuple(
    name for name in Entry._fields if name not in ("wraps", "referred_documents", "further_references")
)
"""The fields of `Entry` that are columns of `raw.bank_entries`, in order."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one account: opening balance, booked movements, closing balance, and they add up.

    An informative one (camt.052, camt.054) may lack balances and must never count as money: the same movements come
    again in the statement of the day.
    """

    statement_key: str
    format: str
    account_iban: str
    currency: str | None
    statement_id: str | None
    sequence_no: int | None
    from_on: date | None
    to_on: date | None
    opening_on: date | None
    opening_amount: Decimal | None
    closing_on: date | None
    closing_amount: Decimal | None
    entry_count: int
    is_informative: bool
    entries: tuple[Entry, ...] = ()


STATEMENT_COLUMNS: tuple[str, ...] = tuple(name for name in Statement.__dataclass_fields__ if name != "entries")
"""The fields of `Statement` that are columns of `raw.bank_statements`, in order."""


Part = Statement | Sequence[Entry]
"""What a reader hands out as it goes: entries of the statement being read, a few thousand at a time, and after the last of
them the `Statement` they belong to, its own `entries` empty. Nothing of it may be used before the reader has ended without
an UnreadableStatement, since a file is taken whole or not at all."""


@dataclass(frozen=True, slots=True)
class StatementFile:
    """A file read whole. `format` is `camt.053.001.08` and the like, `mt940` or `coda`."""

    format: str
    statements: tuple[Statement, ...]

    @property
    def entry_count(self) -> int:
        """How many entries (batch details counted one by one) the file holds."""
        return sum(statement.entry_count for statement in self.statements)


def gathered(parts: Iterable[Part]) -> StatementFile:
    """Everything a reader hands out, in memory: for files that are known to be small."""
    statements: list[Statement] = []
    entries: list[Entry] = []
    for part in parts:
        if isinstance(part, Statement):
            statements.append(replace(part, entries=tuple(entries)))
            entries = []
        else:
            entries.extend(part)
    return StatementFile(statements[0].format, tuple(statements))


class Reference(NamedTuple):
    """Something in an entry that may name an invoice. Whether it does is for the matching rules to say.

    `source`: structured, remittance, end_to_end or referred_document. `kind`: RF, OGM, CUR or token. `reference` holds
    only A-Z and 0-9. The span is where it stands in the remittance text. `is_valid` is the outcome of the check digits,
    None for a token, which has none.
    """

    position: int
    source: str
    kind: str
    reference: str
    span_start: int | None
    span_end: int | None
    span_text: str
    is_valid: bool | None


class UnreadableStatement(Exception):
    """A file that must go to quarantine: nothing of it may be used.

    Codes: empty_file, unknown_format, ambiguous_format, encoding, malformed, truncated, doctype_forbidden, no_statement,
    missing_account, balance_missing, control_total_mismatch, currency_mismatch, invalid_amount, too_many_decimals,
    invalid_date.
    `position` says where (a line, a statement, an entry); `account_iban` is the account if it was already known, so that
    its customers can be held.
    """

    def __init__(self, code: str, message: str, position: str | None = None, account_iban: str | None = None) -> None:
        super().__init__(message if position is None else f"{message} ({position})")
        self.code = code
        self.message = message
        self.position = position
        self.account_iban = account_iban

    def located(self, position: str | None, account_iban: str | None) -> UnreadableStatement:
        """The same refusal with what the caller knows added; what is already known stays."""
        return UnreadableStatement(
            self.code, self.message, self.position or position, self.account_iban or account_iban
        )

"""One camt statement: what its elements say made into rows, and the sums that must agree."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from tempfile import TemporaryFile
from typing import IO, Any

from assets.banking.camt_elements import Booked, Detail, Header
from assets.banking.keys import statement_key
from assets.banking.markup import LONGEST_TEXT
from assets.banking.statements import Entry, Statement, UnreadableStatement
from assets.banking.values import account_number, dot_amount, identifier, is_digits, iso_date, normalise, one_line

PARSER_VERSION = "camt-3"
CHUNK = 2_000
"""Rows that are handed out together."""

Balance = tuple[str, Decimal, date | None]
"""Currency, signed amount, day."""
_Party = tuple[str | None, str | None, str | None]  # name, account, BIC

_CURRENCY = re.compile(r"[A-Z]{3}")
# External bank transaction sub-families that say "this undoes an earlier payment" (ISO 20022 external code sets).
_RETURN_FAMILIES = frozenset({"UPDD", "PRDD", "RCDD", "RRTN"})
_TRUE = frozenset({"true", "1"})
# A piece of free text has room for 140 characters, so where one is full the next may go on inside a word.
_FULL_PIECE = 140
_MIDNIGHT = re.compile(r"T00:00(?::00(?:\.0*)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_ONE_DAY = timedelta(days=1)
NO_DETAIL = Detail()
# Of several details that stay together as one row: what holds for the row if all of them say it.
_MAY_AGREE = (
    "servicer_reference",
    "end_to_end_id",
    "mandate_id",
    "batch_id",
    "group_batch_id",
    "creditor_id",
    "returned",
    "return_reason",
)
_ONE_IS_ENOUGH = ("returned", "return_reason")
_CODES = ("domain", "family", "sub_family", "own_code")


def amount_of(text: str | None) -> Decimal:
    """An amount that must be there."""
    if text is None:
        raise UnreadableStatement("invalid_amount", "an amount element is missing or empty")
    return dot_amount(text)


def signed(amount: Decimal, indicator: str | None) -> Decimal:
    """Credits positive, debits negative; nothing else is understood."""
    if indicator == "CRDT":
        return amount
    if indicator == "DBIT":
        return -amount
    raise UnreadableStatement("malformed", f"credit/debit indicator is {indicator!r}: CRDT or DBIT expected")


def day_of(day: str | None, time: str | None) -> date | None:
    """The date of a date-or-date-time choice, or None when absent."""
    if day is not None:
        return iso_date(day)
    return None if time is None else iso_date(time)


def account_of(header: Header) -> str | None:
    """The account a statement is about, None when it names none."""
    return account_number(header.iban) or account_number(header.other_account)


class Details:
    """The details of one entry: a list that goes to a temporary file when it is long.

    Whether a batch may be split is known when its last detail has been read, and a direct debit run may have a million.
    """

    __slots__ = ("file", "held", "written")

    def __init__(self) -> None:
        self.held: list[Detail] = []
        self.file: IO[bytes] | None = None
        self.written = 0

    def __len__(self) -> int:
        return self.written + len(self.held)

    def __iter__(self) -> Iterator[Detail]:
        if self.file is not None:
            self.file.seek(0)
            for _ in range(self.written // CHUNK):
                yield from pickle.load(self.file)  # noqa: S301 - our own, and nobody else can reach the file
        yield from self.held

    def append(self, detail: Detail) -> None:
        """Adds one; not to be mixed with iterating."""
        self.held.append(detail)
        if len(self.held) == CHUNK:
            if self.file is None:
                self.file = TemporaryFile()  # noqa: SIM115 - gone with the last reference to it
            pickle.dump(self.held, self.file, pickle.HIGHEST_PROTOCOL)
            self.written += CHUNK
            self.held = []


class Report:
    """One `Stmt`, `Rpt` or `Ntfctn`: its header first, then its entries one by one, then the sums.

    `ready` holds the rows that may be handed out, a chunk at a time.
    """

    def __init__(
        self,
        header: Header,
        balances: dict[str, list[Balance]],
        format: str,
        *,
        is_statement: bool,
        number: int,
        rows_before: int,
    ) -> None:
        self.header = header
        self.format = format
        self.is_statement = is_statement
        self.number = number
        self.ordinal = self.rows_before = rows_before
        self.rows: list[Entry] = []
        self.ready: list[Iterable[Sequence[Entry]]] = []
        self.read = 0
        self.all_booked = True
        self.credits = self.debits = Decimal(0)
        self.owner = normalise(header.owner)
        account = account_of(header)
        try:
            if account is None:
                raise UnreadableStatement("missing_account", "the statement names no account")
            self.account = account
            self._read_header(balances)
        except UnreadableStatement as error:
            raise error.located(f"statement {number}", account) from None

    def _read_header(self, balances: dict[str, list[Balance]]) -> None:
        header = self.header
        opening, closing = _ends(balances)
        if self.is_statement and (opening is None or closing is None):
            raise UnreadableStatement("balance_missing", "no opening or no closing balance: it cannot be checked")
        self.currency = header.currency
        for balance in (opening, closing):
            if balance is not None:
                self.currency = self.currency or balance[0]
                if balance[0] != self.currency:
                    raise UnreadableStatement(
                        "currency_mismatch", f"balance in {balance[0]}, account in {self.currency}"
                    )
        if self.currency is not None:
            _check_currency(self.currency)
        self.opening_amount: Decimal | None = opening[1] if opening else None
        self.opening_on: date | None = opening[2] if opening else None
        self.closing_amount: Decimal | None = closing[1] if closing else None
        self.closing_on: date | None = closing[2] if closing else None
        self.from_on = day_of(header.from_day, header.from_time) or self.opening_on
        self.to_on = _last_day(header, self.from_on) or self.closing_on
        if self.is_statement and self.to_on is None:
            raise UnreadableStatement("invalid_date", "the statement tells neither its period nor the day it closes")
        self.sequence_no = _sequence(header)
        self.key = statement_key(
            self.account,
            self.currency,
            header.statement_id,
            self.sequence_no,
            self.from_on,
            self.to_on,
            self.opening_amount,
            self.closing_amount,
        )

    def take(self, booked: Booked, details: Details, batch_id: str | None) -> None:
        """Adds one entry, if it is booked. `batch_id` is that of a batch without details."""
        self.read += 1
        # Only BOOK counts. A statement that gives no status holds booked entries by definition of the message.
        status = booked.status or booked.own_status
        if status is not None and status.upper() != "BOOK":
            self.all_booked = False
            return
        try:
            amount = self._entry(booked, details, batch_id)
        except UnreadableStatement as error:
            raise error.located(f"statement {self.number}, entry {self.read}", self.account) from None
        if amount < 0:
            self.debits -= amount
        else:
            self.credits += amount
        if len(self.rows) >= CHUNK:
            self._hand_out()

    def _hand_out(self) -> None:
        self.ready.append((self.rows,))
        self.rows = []

    def closed(self) -> Statement:
        """The statement, once its sums are right; its last rows are then in `ready`."""
        if self.is_statement:
            try:
                self._check_totals()
            except UnreadableStatement as error:
                raise error.located(f"statement {self.number}", self.account) from None
        if self.rows:
            self._hand_out()
        return Statement(
            statement_key=self.key,
            format=self.format,
            account_iban=self.account,
            currency=self.currency,
            statement_id=self.header.statement_id,
            sequence_no=self.sequence_no,
            from_on=self.from_on,
            to_on=self.to_on,
            opening_on=self.opening_on,
            opening_amount=self.opening_amount,
            closing_on=self.closing_on,
            closing_amount=self.closing_amount,
            entry_count=self.ordinal - self.rows_before,
            is_informative=not self.is_statement,
        )

    def _check_totals(self) -> None:
        assert self.opening_amount is not None
        assert self.closing_amount is not None
        total = self.credits - self.debits
        if self.opening_amount + total != self.closing_amount:
            raise UnreadableStatement(
                "control_total_mismatch",
                f"opening {self.opening_amount} and booked entries {total} make {self.opening_amount + total}, "
                f"closing is {self.closing_amount}",
            )
        # The bank's own sums, where given: two lost entries that cancel out would pass the check above. They may
        # include entries that are not booked, so they only speak when all are.
        for name, text, booked in (
            ("TtlCdtNtries", self.header.credit_sum, self.credits),
            ("TtlDbtNtries", self.header.debit_sum, self.debits),
        ):
            if self.all_booked and text is not None and dot_amount(text) != booked:
                raise UnreadableStatement("control_total_mismatch", f"{name} says {text}, the entries make {booked}")

    # -- entries -----------------------------------------------------------------------------------------------------

    def _entry(self, booked: Booked, details: Details, batch_id: str | None) -> Decimal:
        """Adds the rows of one booked entry and returns its signed amount."""
        currency = booked.currency or ""
        amount = signed(amount_of(booked.amount), booked.indicator)
        if currency != self.currency:
            if self.currency is not None:
                raise UnreadableStatement(
                    "currency_mismatch", f"entry in {currency or 'no currency'}, account in {self.currency}"
                )
            _check_currency(currency)
        is_batch = details.written > 0 or len(details.held) > 1
        if is_batch and _adds_up(details, currency, amount):
            first, self.ordinal = self.ordinal + 1, self.ordinal + len(details)
            rows = self._split(booked, details, currency, amount, first)
            if details.file is None:
                self.rows.extend(rows)
            else:
                self._hand_out()
                self.ready.append(_chunks(rows))
            return amount
        self.ordinal += 1
        lacking, count = None, booked.batch_count
        if is_batch:
            # The details do not make up the entry, so nobody can say which payer paid what: it is kept whole, with
            # everything that was written and whatever all of them agree on.
            detail, party = self._together(details, booked, amount)
            lacking, count = "incomplete", len(details)
        else:
            detail = details.held[0] if details.held else NO_DETAIL._replace(group_batch_id=batch_id)
            party = self._counterparty(detail, booked, amount)
            if details.held and (count or 0) > 1:
                # One of several is told: whoever it names did not pay the whole.
                lacking, party = "incomplete", (None, None, None)
                detail = detail._replace(end_to_end_id=None, mandate_id=None)
            elif booked.is_sum and _names_nobody(detail, party):
                lacking = "batch"
            elif not details.held:
                lacking = "plain"
        self.rows.append(self._row(self.ordinal, 0, booked, detail, amount, currency, party, lacking, count))
        return amount

    def _split(self, booked: Booked, details: Details, currency: str, total: Decimal, first: int) -> Iterator[Entry]:
        """A row for each detail of a batch that adds up."""
        for number, detail in enumerate(details):
            amount = _detail_amount(detail, currency, total)
            assert amount is not None
            party = self._counterparty(detail, booked, amount)
            yield self._row(first + number, number + 1, booked, detail, amount, currency, party)

    def _row(
        self,
        ordinal: int,
        number: int,
        booked: Booked,
        detail: Detail,
        amount: Decimal,
        currency: str,
        party: _Party,
        lacking: str | None = None,
        count: int | None = None,
    ) -> Entry:
        """The row of an entry or, if `number` is not 0, of one of its details."""
        is_linked = lacking is not None or not self.is_statement
        valued_on = day_of(booked.value_day, booked.value_time)
        code = _transaction_code(detail.domain, detail.family, detail.sub_family, detail.own_code)
        if code is None:
            code = _transaction_code(booked.domain, booked.family, booked.sub_family, booked.own_code)
        original_amount, original_currency = _original(detail, None if number else booked, currency, amount)
        wraps: tuple[int, ...] = ()
        texts, references, documents = detail.texts, detail.references, detail.documents
        if texts is None and references is None and documents is None:
            additional = detail.additional or (None if number else booked.additional)
            remittance = one_line(additional)
        elif texts is None:
            remittance = None
        elif len(texts) == 1:
            remittance = one_line(texts[0])
        else:
            remittance, wraps = _joined(texts)
        kind, reference = references[0] if references else (None, None)
        bank_reference = detail.servicer_reference or booked.servicer_reference or booked.reference
        batch_id = detail.batch_id or detail.group_batch_id
        name, account, bic = party
        fields = (
            ordinal,
            number,
            self.key,
            self.account,
            day_of(booked.booked_day, booked.booked_time) or self._booking_day(valued_on),
            valued_on,
            amount,
            currency,
            bank_reference and identifier(bank_reference),
            detail.end_to_end_id and identifier(detail.end_to_end_id),
            detail.mandate_id and identifier(detail.mandate_id),
            detail.creditor_id,
            name,
            account,
            bic,
            reference,
            kind,
            remittance,
            _is_return(detail, booked),
            booked.reversal in _TRUE,
            detail.return_reason,
            code,
            batch_id and identifier(batch_id),
            detail.charges or (None if number else booked.charges),
            original_amount,
            original_currency,
            lacking,
            count if lacking is not None else None,
            identifier(booked.servicer_reference) if is_linked and booked.servicer_reference else None,
            identifier(booked.reference) if is_linked and booked.reference else None,
            PARSER_VERSION,
            wraps,
            tuple(documents) if documents else (),
            tuple(references[1:]) if references else (),
        )
        return Entry._make(fields)  # as Entry(...), in half the time

    def _booking_day(self, valued_on: date | None) -> date:
        """Where the bank gives an entry no booking date: the day the statement closes, or the report was made."""
        if self.closing_on is not None:
            return self.closing_on
        if valued_on is not None:
            return valued_on
        created = self.header.created or self.header.message_created
        if created is None:
            raise UnreadableStatement("invalid_date", "the entry has no booking date, nor has the statement")
        return iso_date(created)

    def _counterparty(self, detail: Detail, booked: Booked, amount: Decimal) -> _Party:
        """Name, account and BIC of the other side: the debtor of a credit, the creditor of a debit.

        A return names the parties of the payment it undoes, so there the order turns; and whoever the bank means, the
        other side is never the owner of this account.
        """
        only_bic = None
        is_debtor_first = (amount > 0) != _is_return(detail, booked)
        for is_debtor in (is_debtor_first, not is_debtor_first):
            if is_debtor:
                name, bic = detail.debtor or detail.ultimate_debtor, detail.debtor_bic
                account, other_account = detail.debtor_iban, detail.debtor_other_account
            else:
                name, bic = detail.creditor or detail.ultimate_creditor, detail.creditor_bic
                account, other_account = detail.creditor_iban, detail.creditor_other_account
            if account is not None:
                account = account_number(account)
            if account is None and other_account is not None:
                account = account_number(other_account)
            if account is None and name is None:
                only_bic = only_bic or bic
            elif account != self.account and (account is not None or not self.owner or normalise(name) != self.owner):
                return name and one_line(name), account, bic
        return None, None, only_bic

    def _together(self, details: Details, booked: Booked, amount: Decimal) -> tuple[Detail, _Party]:
        """What several details say as one, and the other side: every text and reference in order, the rest if all agree.

        A detail that is silent about the payer or an id disagrees, or one payer among silent ones would get the total.
        """
        agreed: dict[str, Any] = {}
        texts: list[str] = []
        references: list[tuple[str | None, str]] = []
        documents: list[str] = []
        length = 0
        for detail in details:
            party = self._counterparty(detail, booked, amount)
            said = {name: getattr(detail, name) for name in _MAY_AGREE}
            said |= zip(("name", "account", "bic"), party, strict=True)
            said["codes"] = tuple(getattr(detail, name) for name in _CODES)
            for name, value in said.items():
                if value is None and name in _ONE_IS_ENOUGH:
                    continue
                if agreed.setdefault(name, value) != value:
                    agreed[name] = _DISAGREED
            references += detail.references or ()
            documents += detail.documents or ()
            length += sum(map(len, detail.texts or ()))
            if length <= LONGEST_TEXT:  # no one reads on, and a row must fit into memory
                texts += detail.texts or ()
        agreed = {name: None if value is _DISAGREED else value for name, value in agreed.items()}
        agreed |= zip(_CODES, agreed.pop("codes") or (None,) * len(_CODES), strict=True)
        party = agreed.pop("name", None), agreed.pop("account", None), agreed.pop("bic", None)
        together = NO_DETAIL._replace(
            texts=texts or None, references=references or None, documents=documents or None, **agreed
        )
        return together, party


_DISAGREED = object()


def _chunks(rows: Iterator[Entry]) -> Iterator[Sequence[Entry]]:
    chunk = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _check_currency(currency: str) -> None:
    """ISO 20022 ActiveOrHistoricCurrencyCode: three capitals."""
    if _CURRENCY.fullmatch(currency) is None:
        raise UnreadableStatement("currency_mismatch", f"{currency!r} is no currency: a code such as EUR expected")


def _last_day(header: Header, first: date | None) -> date | None:
    """The last day of the period. One that runs to midnight ends on the day before."""
    last = day_of(header.to_day, header.to_time)
    if last is None or first is None or last <= first or header.to_time is None:
        return last
    return last - _ONE_DAY if _MIDNIGHT.fullmatch(header.to_time, 10) else last


def _sequence(header: Header) -> int | None:
    """The electronic sequence number, else the legal one. Zero is what banks write who do not number."""
    for number in (header.electronic_number, header.legal_number):
        if number and len(number) <= 18 and is_digits(number) and int(number):
            return int(number)
    return None


def _ends(balances: dict[str, list[Balance]]) -> tuple[Balance | None, Balance | None]:
    """The opening and the closing booked balance, each None when absent.

    OPBD or the previous closing PRCD opens, CLBD closes; on a page of a longer statement the interim ITBD stands in, the
    first for a missing opening and the last for a missing closing. Of each kind the first and the last are there.
    """
    interim = balances.get("ITBD", [])
    openings = balances.get("OPBD") or balances.get("PRCD") or interim[:1]
    closings = balances.get("CLBD") or interim[-1:]
    opening, closing = (openings[0] if openings else None), (closings[-1] if closings else None)
    return opening, None if closing is opening else closing  # one interim balance cannot be both ends


def _detail_amount(detail: Detail, currency: str, total: Decimal) -> Decimal | None:
    """The signed amount of one detail of an entry, None when it is not known in the currency of the entry."""
    amount, detail_currency = detail.amount, detail.currency
    if amount is None:
        amount, detail_currency = detail.transaction_amount, detail.transaction_currency
    if amount is None or (detail_currency or "") != currency:
        return None
    return signed(dot_amount(amount), detail.indicator or ("CRDT" if total >= 0 else "DBIT"))


def _adds_up(details: Iterable[Detail], currency: str, total: Decimal) -> bool:
    """Whether the amounts of a batch's details are all known, in the entry's currency, and add up to it."""
    rest = total
    for detail in details:
        amount = _detail_amount(detail, currency, total)
        if amount is None:
            return False
        rest -= amount
    return not rest


def _names_nobody(detail: Detail, party: _Party) -> bool:
    """Whether nothing in a lone detail tells who paid or what for: many a bank puts only its references there."""
    name, account, _ = party
    said = (name, account, detail.end_to_end_id, detail.texts, detail.references, detail.documents, detail.mandate_id)
    return all(value is None for value in said)


def _is_return(detail: Detail, booked: Booked) -> bool:
    """By return information, indicator or code, never by sign."""
    if detail.returned or booked.reversal in _TRUE:
        return True
    family = detail.sub_family if detail.domain or detail.own_code else booked.sub_family
    return family in _RETURN_FAMILIES


@lru_cache(maxsize=1024)
def _transaction_code(domain: str | None, family: str | None, sub_family: str | None, own: str | None) -> str | None:
    """`domain/family/sub-family`, or else the bank's own code."""
    return one_line("/".join(part for part in (domain, family, sub_family) if part) or own)


def _original(
    detail: Detail, booked: Booked | None, currency: str, amount: Decimal
) -> tuple[Decimal | None, str | None]:
    """What the payer instructed, where it is not what was booked; else the amount before it was exchanged.

    `booked` is the entry if the row stands for all of it.
    """
    text, written_in = detail.instructed_amount, detail.instructed_currency
    if text is None and booked is not None:
        text, written_in = booked.instructed_amount, booked.instructed_currency
    if text is not None:
        if written_in == currency and dot_amount(text) == abs(amount):
            return None, None
        return _foreign(text, written_in)
    if detail.transaction_amount is not None and detail.transaction_currency != currency:
        return _foreign(detail.transaction_amount, detail.transaction_currency)
    if detail.amount is not None and detail.currency != currency:
        return _foreign(detail.amount, detail.currency)
    if booked is not None and booked.transaction_amount is not None and booked.transaction_currency != currency:
        return _foreign(booked.transaction_amount, booked.transaction_currency)
    return None, None


def _foreign(text: str, currency: str | None) -> tuple[Decimal | None, str | None]:
    """An amount that was not booked. No currency, or three decimals, are no reason to lose the money that was."""
    if currency is None or _CURRENCY.fullmatch(currency) is None:
        return None, None
    try:
        return dot_amount(text), currency
    except UnreadableStatement as error:
        if error.code == "too_many_decimals":
            return None, currency
        raise


def _joined(texts: Sequence[str]) -> tuple[str | None, tuple[int, ...]]:
    """Several pieces of free text as one line, and where a word may go on from one piece to the next.

    A piece that is full goes over into the next without a space; the place is a wrap, so that both readings are tried.
    """
    joined: list[str] = []
    wraps: list[int] = []
    length = 0
    is_full = False
    for text in texts:
        line = one_line(text)
        if line is None:
            continue
        if is_full and not text[0].isspace():
            wraps.append(length)
        elif joined:
            joined.append(" ")
            length += 1
        joined.append(line)
        length += len(line)
        is_full = len(text) == _FULL_PIECE and not text[-1].isspace()
    return "".join(joined) or None, tuple(wraps)

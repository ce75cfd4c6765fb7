"""CODA 2, the coded statement of Belgian banks (Febelfin): fixed records of 128 characters.

Record 0 opens a block, 1 gives the old balance, 2.1 to 2.3 a movement, 3.1 to 3.3 information about it, 8 the new balance,
4 free text, and 9 closes the block with counts and sums. Several blocks may follow one another in a file. Positions in
comments count from 1, as the standard does.

The file is gone through twice: an entry carries the key of its statement, and that depends on the new balance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from assets.banking.keys import statement_key
from assets.banking.statements import Entry, Part, Statement, UnreadableStatement
from assets.banking.structured import is_ogm, kind_by_shape
from assets.banking.text_file import TextFile
from assets.banking.values import (
    BIC,
    CURRENCY,
    IBAN,
    account_number,
    belgian_iban,
    ddmmyy,
    identifier,
    is_digits,
    normalise,
    one_line,
    thousandths_amount,
)

PARSER_VERSION = "coda-3"
CHUNK = 2_000

_LENGTH = 128
_HEADER = re.compile(r"0{5}[0-9]{6}[0-9 ]{3}05")
_REASON = re.compile(r"[A-Z]{2}[0-9]{2}|[A-Z]{4}")
_DUPLICATE = "D"
_MAIN_APPLICATION = "00000"
# A detail with one of these types is a payment of its own inside a batch. The others (8 and 9) break one payment down
# into charges and VAT, and belong to the payment they stand under.
_PAYMENT_DETAILS = frozenset("567")
# Movements that are totals, of the customer's own file or of the bank: what they are made of may be in another application.
_TOTALS = frozenset("12")
_RETURN_TYPES = frozenset("12345")  # reject, return, refund, reversal, cancellation
_REVERSAL_TYPE = "4"
# Where the fields of a structured communication end (Febelfin, annex III): amounts, rates and dates, but also the numbers
# of cards, terminals, bills and invoices, which would run into one another.
_FIELDS = {
    "103": (12,),
    "105": (15, 15, 12, 3, 12, 2, 15),
    "106": (15, 15, 12, 1, 15),
    "108": (15, 15, 12, 6, 6),
    "111": (1, 6, 3, 6, 6, 6, 6, 1, 16, 10),
    "113": (16, 1, 6, 6, 6, 4, 1, 16, 10, 15, 12, 3, 5, 2, 5),
    "114": (1, 6, 3, 6, 6, 4, 1, 16, 10, 16),
    "115": (16, 1, 6, 6, 6, 4, 6, 6, 15, 1, 16, 10, 12),
    "121": (15, 6, 6, 6, 11, 3, 3, 13, 12),
    "122": (4, 12, 15, 1, 13, 6),
    "123": (6, 6, 15, 12, 4, 1, 13),
    "124": (20, 1, 12, 15, 6),
    "125": (12, 15, 15, 15),
}
_UNPAID = frozenset("1234")  # technical, not specified, disagreed, the debtor's account


@dataclass(slots=True)
class _Movement:
    """The records of one movement or detail, as written."""

    line: int
    sequence: str
    detail: int
    amount: Decimal
    first: str  # record 2.1
    second: str = ""  # record 2.2
    third: str = ""  # record 2.3
    information: list[str] = field(default_factory=list)  # texts of the records 3 that are free
    information_is_free: bool = False  # whether the last record 3.1 was, which its 3.2 and 3.3 continue
    other_name: str = ""  # the name in a record 3.1 about the other party
    charges_amount: Decimal | None = None
    original: tuple[Decimal, str] | None = None


@dataclass(slots=True)
class _Block:
    """One block as it stands in the file: all but its movements. Lines are numbers from 1."""

    first_line: int
    header: str
    last_line: int = 0
    old: str = ""
    new: str = ""
    trailer: str = ""
    records: int = 0  # of types 1, 2, 3 and 8
    account: str | None = None


@dataclass(frozen=True, slots=True)
class _Booked:
    """What the entries of a statement have in common. `counts_bytes`: see `_text_of`."""

    key: str
    account: str
    currency: str
    counts_bytes: bool


def is_coda(text: str) -> bool:
    """Whether a text begins with a CODA header record (type 0, application code 05)."""
    first = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    return _HEADER.match(first) is not None or (len(first) == _LENGTH and first[:5] == "00000" and first[127] == "2")


def coda_parts(file: TextFile) -> Iterator[Part]:
    """All statements of a CODA file, their entries before them.

    Raises UnreadableStatement when a record is not 128 characters, a block lacks its trailer, or counts, sums or balances
    do not agree.
    """
    counts_bytes = _counts_bytes(file)
    encoding = "latin-1" if counts_bytes else None
    blocks = _blocks(file.lines(encoding))
    line, rows = 1, 0
    lines = file.lines(encoding)
    for block in blocks:
        try:
            statement, booked = _statement(block, counts_bytes)
            body = islice(lines, block.first_line - line, block.last_line + 1 - line)
            line = block.last_line + 1
            before = rows
            entries: list[Entry] = []
            for entry in _entries(body, block, booked, rows):
                entries.append(entry)
                rows += 1
                if len(entries) == CHUNK:
                    yield entries
                    entries = []
        except UnreadableStatement as error:
            raise error.located(f"lines {block.first_line} to {block.last_line}", block.account) from None
        if entries:
            yield entries
        yield replace(statement, entry_count=rows - before)


def _counts_bytes(file: TextFile) -> bool:
    """CODA counts places. Where an accent takes two bytes of a record's 128, the bytes are what is counted."""
    if file.is_plain or file.encoding != "utf-8":
        return False
    return all(len(line) in (0, _LENGTH) for line in file.raw_lines())


def _blocks(lines: Iterable[str]) -> list[_Block]:
    """Cuts the file into blocks; every record has its length and its place."""
    blocks: list[_Block] = []
    block: _Block | None = None
    short: tuple[int, int] | None = None  # a record of another length, which is a cut where nothing follows it
    last = 0
    for number, line in enumerate(lines, start=1):
        if len(line) != _LENGTH and not line.strip() and (block is None or short is not None):
            continue
        last = number
        if short is not None:
            break
        if len(line) != _LENGTH:
            short = number, len(line)
            continue
        kind = line[0]
        if kind == "2" or kind == "3":
            if block is None:
                raise UnreadableStatement("malformed", f"record {kind!r} stands outside a block", f"line {number}")
            block.records += 1
        elif kind == "0":
            if block is not None:
                message = "a block starts before the last one ended"
                raise UnreadableStatement("truncated", message, f"line {number}", block.account)
            block = _Block(number, line)
        elif block is None:
            raise UnreadableStatement("malformed", f"record {kind!r} stands outside a block", f"line {number}")
        elif kind == "9":
            block.trailer, block.last_line = line, number
            blocks.append(block)
            block = None
        elif kind == "1":
            if block.old:
                raise UnreadableStatement("malformed", "a second old balance", f"line {number}", block.account)
            block.old, block.account = line, _account(line[1], line[5:42])
            block.records += 1
        elif kind == "8":
            if block.new:
                raise UnreadableStatement("malformed", "a second new balance", f"line {number}", block.account)
            block.new = line
            block.records += 1
        elif kind != "4":
            raise UnreadableStatement("malformed", f"unknown record {line[:2]!r}", f"line {number}", block.account)
    account = block.account if block else None
    if short is not None:
        code = "truncated" if short[0] == last else "malformed"
        message = f"a record is {_LENGTH} characters long, this one {short[1]}"
        raise UnreadableStatement(code, message, f"line {short[0]}", account)
    if block is not None:
        raise UnreadableStatement("truncated", "the file ends without record 9", f"line {last}", account)
    if not blocks:
        raise UnreadableStatement("no_statement", "the file holds no statement")
    return blocks


def _account(structure: str, written: str) -> str | None:
    """Positions 6-42 of records 1 and 8: the account by its structure (0 and 1 domestic, 2 and 3 IBAN)."""
    if structure in "23":
        return account_number(written[:34])
    if structure == "0":
        return belgian_iban(written[:12]) or account_number(written[:12])
    return account_number(written[:34])


def _currency(structure: str, written: str) -> str:
    return written[13:16] if structure == "0" else written[34:37]


def _signed(sign: str, text: str) -> Decimal:
    """Sign position (0 credit, 1 debit) and fifteen digits."""
    amount = thousandths_amount(text)
    if sign == "0":
        return amount
    if sign == "1":
        return -amount
    raise UnreadableStatement("invalid_amount", f"sign {sign!r} is neither 0 (credit) nor 1 (debit)")


def _statement(block: _Block, counts_bytes: bool) -> tuple[Statement, _Booked]:
    """The statement of a block, its entries not counted yet, and what they will need to know of it."""
    old, new, account = block.old, block.new, block.account
    if not old:
        raise UnreadableStatement("balance_missing", "record 1 with the old balance is missing")
    if account is None:
        raise UnreadableStatement("missing_account", "record 1 names no account")
    currency = _currency(old[1], old[5:42])
    if CURRENCY.fullmatch(currency) is None:
        raise UnreadableStatement("currency_mismatch", f"{currency!r} in record 1 is no currency")
    opening_amount, opening_on = _signed(old[42], old[43:58]), ddmmyy(old[58:64])
    if new:
        closing_amount, closing_on = _signed(new[41], new[42:57]), ddmmyy(new[57:63]) or opening_on
        if new[1:4] != old[2:5]:
            raise UnreadableStatement("malformed", "records 1 and 8 belong to different statements")
        closing_currency = _currency(old[1], new[4:41])
        if closing_currency != currency:
            message = f"record 1 is in {currency} and record 8 in {closing_currency!r}"
            raise UnreadableStatement("currency_mismatch", message)
    elif block.records > 1:
        raise UnreadableStatement("balance_missing", "record 8 with the new balance is missing")
    else:  # a day without movements may end without a new balance: nothing changed up to the day of the file
        closing_amount, closing_on = opening_amount, _created_on(block.header, opening_on)
    statement_id = old[2:5].strip() or None
    sequence_no = int(old[125:128]) or None if is_digits(old[125:128]) else None
    key = statement_key(
        account, currency, statement_id, sequence_no, opening_on, closing_on, opening_amount, closing_amount
    )
    statement = Statement(
        statement_key=key,
        format="coda",
        account_iban=account,
        currency=currency,
        statement_id=statement_id,
        sequence_no=sequence_no,
        from_on=opening_on,
        to_on=closing_on,
        opening_on=opening_on,
        opening_amount=opening_amount,
        closing_on=closing_on,
        closing_amount=closing_amount,
        entry_count=0,
        # A separate application repeats movements that the account's own statement books, some of them as one sum.
        is_informative=block.header[83:88].strip() not in ("", _MAIN_APPLICATION),
    )
    return statement, _Booked(key, account, currency, counts_bytes)


def _created_on(header: str, opening_on: date | None) -> date | None:
    """The day up to which a block without new balance speaks: that of its making, never before the old balance.

    A duplicate is made on a later day than what it repeats, so its day says nothing.
    """
    created_on = ddmmyy(header[5:11])
    if created_on is None or header[16] == _DUPLICATE or (opening_on is not None and created_on < opening_on):
        return opening_on
    return created_on


def _entries(body: Iterable[str], block: _Block, booked: _Booked, rows: int) -> Iterator[Entry]:
    """The entries of a block; when they are all out, counts, sums and balances have been found to agree."""
    debits = credits = Decimal(0)
    for movement, details in _grouped(body, block):
        if movement.amount < 0:
            debits -= movement.amount
        else:
            credits += movement.amount
        for payment, parent, number in (
            _payments(movement, details, booked.currency) if details else ((movement, None, 0),)
        ):
            rows += 1
            try:
                lacking = _lacking(movement, details) if parent is None else None
                yield _entry(payment, parent, number, rows, booked, lacking)
            except UnreadableStatement as error:
                raise error.located(f"line {payment.line}", None) from None
    _check_trailer(block, debits, credits)
    _check_balances(block, credits - debits)


def _check_trailer(block: _Block, debits: Decimal, credits: Decimal) -> None:
    """Record 9: how many records 1, 2, 3 and 8 there are, and what was debited and credited."""
    count = block.trailer[16:22]
    if not is_digits(count) or int(count) != block.records:
        raise UnreadableStatement(
            "control_total_mismatch", f"record 9 counts {count.strip() or 'no'} records, there are {block.records}"
        )
    for name, text, booked in (("debits", block.trailer[22:37], debits), ("credits", block.trailer[37:52], credits)):
        if thousandths_amount(text) != booked:
            raise UnreadableStatement(
                "control_total_mismatch",
                f"record 9 gives {name} of {thousandths_amount(text)}, the movements make {booked}",
            )


def _check_balances(block: _Block, total: Decimal) -> None:
    opening = _signed(block.old[42], block.old[43:58])
    if not block.new:
        return
    closing = _signed(block.new[41], block.new[42:57])
    if opening + total != closing:
        raise UnreadableStatement(
            "control_total_mismatch",
            f"old balance {opening} and movements {total} make {opening + total}, new balance is {closing}",
        )


def _grouped(body: Iterable[str], block: _Block) -> Iterator[tuple[_Movement, list[_Movement]]]:
    """Each movement (detail number 0000) with its details, as its records stand in the file."""
    parent: _Movement | None = None
    last: _Movement | None = None
    details: list[_Movement] = []
    for number, line in enumerate(body, start=block.first_line):
        kind = line[0]
        if kind == "2":
            article = line[1]
            if article == "1":
                last = _movement(line, number)
                if not last.detail:
                    if parent is not None:
                        yield parent, details
                    parent, details = last, []
                elif parent is None or parent.sequence != last.sequence:
                    raise UnreadableStatement("malformed", "a detail without its movement", f"line {number}")
                else:
                    details.append(last)
                continue
            if last is None or last.sequence != line[2:6]:
                raise UnreadableStatement("malformed", "a record belongs to no movement", f"line {number}")
            if article == "2":
                last.second = line
            elif article == "3":
                last.third = line
            else:
                raise UnreadableStatement("malformed", f"unknown record {line[:2]!r}", f"line {number}")
        elif kind == "3":
            if last is None or last.sequence != line[2:6]:
                raise UnreadableStatement("malformed", "a record belongs to no movement", f"line {number}")
            _take_information(last, line, number)
    if parent is not None:
        yield parent, details


def _movement(line: str, number: int) -> _Movement:
    if not is_digits(line[6:10]):
        raise UnreadableStatement("malformed", f"detail number {line[6:10]!r} is no number", f"line {number}")
    try:
        amount = _signed(line[31], line[32:47])
    except UnreadableStatement as error:
        raise error.located(f"line {number}", None) from None
    return _Movement(number, line[2:6], int(line[6:10]), amount, line)


def _take_information(movement: _Movement, line: str, number: int) -> None:
    """Records 3.1 to 3.3. Structured ones (position 40 = 1) tell of parties and charges; 001 names the other party."""
    article = line[1]
    if article == "1":
        movement.information_is_free = line[39] != "1"
        if movement.information_is_free:
            movement.information.append(line[40:113])
        elif line[40:43] == "001":
            movement.other_name = line[43:113]
    elif article not in "23":
        raise UnreadableStatement("malformed", f"unknown record {line[:2]!r}", f"line {number}")
    elif movement.information_is_free:
        movement.information.append(line[10:115] if article == "2" else line[10:100])


def _payments(
    parent: _Movement, details: list[_Movement], currency: str
) -> Iterable[tuple[_Movement, _Movement | None, int]]:
    """(payment, its batch, number in the batch): a batch is split when its payments add up to it.

    Details of type 8 and 9 break the payment before them down, so they are noted there and never counted.
    """
    payments: list[_Movement] = []
    broken_down: dict[int, list[_Movement]] = {}
    for detail in details:
        if detail.first[53] in _PAYMENT_DETAILS:
            payments.append(detail)
        else:
            broken_down.setdefault(payments[-1].line if payments else parent.line, []).append(detail)
    for payment in (parent, *payments):
        _note_breakdown(payment, broken_down.get(payment.line, ()), currency)
    if not payments or sum((payment.amount for payment in payments), Decimal(0)) != parent.amount:
        return ((parent, None, 0),)
    # A batch of one is no batch, but only the detail knows who paid.
    is_batch = len(payments) > 1
    return ((payment, parent, number if is_batch else 0) for number, payment in enumerate(payments, start=1))


def _note_breakdown(payment: _Movement, parts: Iterable[_Movement], currency: str) -> None:
    """Notes what the details say about one payment: what was deducted from it, and its original amount."""
    amounts = [part.amount for part in parts]
    if payment.amount > 0 and sum(amounts, Decimal(0)) == payment.amount:
        payment.charges_amount = -sum((amount for amount in amounts if amount < 0), Decimal(0)) or None
    for part in parts:
        if part.first[61] == "1" and part.first[62:65] == "105":
            payment.original = _original(_communicated(part)[3:], 15, currency) or payment.original


def _communicated(movement: _Movement) -> str:
    """Positions 63-115, 11-63 and 83-125: one text of 149 places, so a full line runs on and a short one ends in spaces."""
    return movement.first[62:115] + movement.second[10:63].ljust(53) + movement.third[82:125].ljust(43)


def _original(rest: str, start: int, currency: str) -> tuple[Decimal, str] | None:
    """An amount of 15 places, a rate of 12 and a currency of 3, as communication types 105 and 113 have them."""
    digits, original_currency = rest[start : start + 15], rest[start + 27 : start + 30].strip()
    # Thousandths of a foreign currency are no reason to lose what was booked in our own.
    if (
        CURRENCY.fullmatch(original_currency) is None
        or original_currency == currency
        or not is_digits(digits)
        or digits[-1] != "0"
    ):
        return None
    return thousandths_amount(digits), original_currency


def _lacking(movement: _Movement, details: list[_Movement]) -> str | None:
    """Why an unsplit movement may stand for several payments, see `Entry.details_lacking`."""
    if any(detail.first[53] in _PAYMENT_DETAILS for detail in details):
        return "incomplete"
    return "batch" if movement.first[53] in _TOTALS else None


def _entry(
    movement: _Movement,
    parent: _Movement | None,
    number: int,
    ordinal: int,
    booked: _Booked,
    lacking: str | None,
) -> Entry:
    first, second, third = movement.first, movement.second, movement.third
    valued_on = ddmmyy(first[47:53])
    booked_on = ddmmyy(first[115:121]) or valued_on
    if booked_on is None:
        raise UnreadableStatement("invalid_date", "the movement has neither an entry date nor a value date")
    text = _communicated(movement) if second or third else first[62:115]
    if booked.counts_bytes:
        text = _text_of(text)
    facts = _communication(text, booked.currency) if first[61] == "1" else _Communication(remittance=one_line(text))
    remittance = facts.remittance
    if remittance is None and facts.reference is None and movement.information:
        told = "".join(movement.information)
        remittance = one_line(_text_of(told) if booked.counts_bytes else told)
    code = first[53:61]
    reason = None
    has_return = False
    if second[112:113] in _RETURN_TYPES:
        reason = second[113:117].strip() or None
        has_return = reason is None or _REASON.fullmatch(reason) is not None
    # Transactions 49 and 99 of a family are its cancellations and corrections; which payment they undo is not said.
    is_reversal = (
        code[3:5] in ("49", "99")
        or (has_return and second[112] == _REVERSAL_TYPE)
        or facts.return_type == _REVERSAL_TYPE
    )
    name = third[47:82] if third[47:82].strip() else movement.other_name
    bic = second[98:109].strip()
    original = facts.original or movement.original
    return Entry(
        ordinal=ordinal,
        detail_ordinal=number,
        statement_key=booked.key,
        account_iban=booked.account,
        booked_on=booked_on,
        valued_on=valued_on,
        amount=movement.amount,
        currency=booked.currency,
        bank_reference=identifier(first[10:31]),
        end_to_end_id=identifier(second[63:98]),
        mandate_id=facts.mandate_id,
        creditor_id=facts.creditor_id,
        counterparty_name=one_line(_text_of(name) if booked.counts_bytes else name),
        counterparty_iban=_counterparty(third[10:44], booked.account) if third else None,
        counterparty_bic=bic if bic and BIC.fullmatch(bic) else None,
        structured_reference=facts.reference,
        structured_reference_kind=facts.kind,
        remittance=remittance,
        is_return=has_return or facts.is_return,
        is_reversal=is_reversal,
        return_reason=(reason if has_return else None) or facts.return_reason,
        transaction_code=code.strip() or None,
        payment_batch_id=identifier(parent.second[63:98]) if parent is not None else None,
        charges_amount=movement.charges_amount,
        original_amount=original[0] if original else None,
        original_currency=original[1] if original else None,
        details_lacking=lacking,
        servicer_reference=identifier((parent or movement).first[10:31]) if lacking or parent else None,
        parser_version=PARSER_VERSION,
    )


def _text_of(places: str) -> str:
    """The text of places that were counted in bytes, each byte a character so far."""
    if places.isascii():
        return places
    return places.encode("latin-1").decode("utf-8", errors="replace")


@lru_cache(maxsize=8192)
def _counterparty(written: str, own_account: str) -> str | None:
    """Positions 11-44 of record 2.3; what follows them is the currency."""
    compact = normalise(written)
    if not IBAN.fullmatch(compact):
        compact = belgian_iban(compact[:12]) or compact if is_digits(compact[:12]) else compact
    return None if compact == own_account else account_number(compact)


class _Communication(NamedTuple):
    """What a communication zone says."""

    remittance: str | None = None
    reference: str | None = None
    kind: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    is_return: bool = False
    return_type: str | None = None
    return_reason: str | None = None
    original: tuple[Decimal, str] | None = None


def _communication(text: str, currency: str) -> _Communication:
    """A structured communication: a type of three digits and its fields (Febelfin, annex III).

    100 is an ISO 11649 reference, 101 and 102 the Belgian twelve digits; 105, 113 and 115 carry an original amount or the
    twelve digits among other things; 107 and 127 are direct debits. The others are the bank's own forms (interest, charges,
    cards) and are kept as text.
    """
    kind, rest = text[:3], text[3:]
    if kind == "100":
        reference = normalise(rest[:35])
        return _Communication(
            reference=reference or None, kind=("RF" if reference.startswith("RF") else kind_by_shape(reference))
        )
    if kind in ("101", "102"):
        reference = normalise(rest[:12])
        return _Communication(
            reference=reference or None, kind="OGM" if reference else None, remittance=one_line(rest[12:])
        )
    if kind == "107":
        return _old_direct_debit(rest)
    if kind == "127":
        return _direct_debit(rest)
    reference = {"105": rest[45:57], "115": rest[93:105]}.get(kind, "")
    is_reference = is_ogm(reference)
    return _Communication(
        remittance=_fields(kind, rest),
        reference=reference if is_reference else None,
        kind="OGM" if is_reference else None,
        original=_original(rest, {"105": 15, "113": 66}[kind], currency) if kind in ("105", "113") else None,
    )


def _fields(kind: str, rest: str) -> str | None:
    """The fields of a communication as words, so that no number runs into its neighbour."""
    words, at = [kind], 0
    for width in _FIELDS.get(kind, ()):
        words.append(rest[at : at + width])
        at += width
    return one_line(" ".join((*words, rest[at:])))


def _old_direct_debit(rest: str) -> _Communication:
    """Type 107 (DOM80, before SEPA): mandate 12, pivot date 6, comment 30, paid (0) or reason 1, creditor 11."""
    return _Communication(
        remittance=one_line(rest[18:48]),
        mandate_id=identifier(rest[:12]),
        creditor_id=identifier(rest[49:60]),
        is_return=rest[48:49] in _UNPAID,
    )


def _direct_debit(rest: str) -> _Communication:
    """Type 127: settlement date 6, type 1, scheme 1, paid or reason 1, creditor 35, mandate 35, text 62, R-type 1, reason 4."""
    return_type, reason = rest[141:142], rest[142:146].strip()
    has_return = return_type in _RETURN_TYPES if return_type else False
    return _Communication(
        remittance=one_line(rest[79:141]),
        creditor_id=identifier("".join(rest[9:44].split())),
        mandate_id=identifier(rest[44:79]),
        is_return=has_return or rest[8:9] in _UNPAID,
        return_type=return_type if has_return else None,
        return_reason=reason or None if has_return else None,
    )

"""CODA 2, the coded statement of Belgian banks (Febelfin): fixed records of 128 characters.

Record 0 opens a block, 1 gives the old balance, 2.1 to 2.3 a movement, 3.1 to 3.3 information about it, 8 the new balance,
4 free text, and 9 closes the block with counts and sums. Several blocks may follow one another in a file. Positions in
comments count from 1, as the standard does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from assets.banking.keys import statement_key
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from assets.banking.structured import kind_by_shape
from assets.banking.values import (
    BIC,
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

PARSER_VERSION = "coda-1"

_LENGTH = 128
_HEADER = re.compile(r"0000\d{6}\d{3}05")
_REASON = re.compile(r"[A-Z]{2}[0-9]{2}|[A-Z]{4}")
# A detail with one of these types is a payment of its own inside a batch. The others (8 and 9) break one payment down
# into charges and VAT, and belong to the payment they stand under.
_PAYMENT_DETAILS = frozenset("567")
_RETURN_TYPES = frozenset("12345")  # reject, return, refund, reversal, cancellation
_REVERSAL_TYPE = "4"


@dataclass(slots=True)
class _Movement:
    """The records of one movement or detail, as written."""

    line: int
    sequence: str
    detail: int
    first: str  # record 2.1
    second: str = ""  # record 2.2
    third: str = ""  # record 2.3
    information: list[str] = field(default_factory=list)  # texts of the records 3 that are free
    information_is_free: bool = False  # whether the last record 3.1 was, which its 3.2 and 3.3 continue
    charges_amount: Decimal | None = None
    original: tuple[Decimal, str] | None = None


@dataclass(slots=True)
class _Block:
    line: int
    old: str = ""
    new: str = ""
    movements: list[_Movement] = field(default_factory=list)
    records: int = 0
    account: str | None = None


def is_coda(text: str) -> bool:
    """Whether decoded text begins with a CODA header record (type 0, application code 05)."""
    first = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    return _HEADER.match(first) is not None or (len(first) == _LENGTH and first[:5] == "00000" and first[127] == "2")


def read_coda(text: str) -> StatementFile:
    """All statements of decoded CODA text.

    Raises UnreadableStatement when a record is not 128 characters, a block lacks its trailer, or counts, sums or balances
    do not agree.
    """
    statements: list[Statement] = []
    rows = 0
    block: _Block | None = None
    lines = text.replace("\x1a", "").split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r")
        if not line and block is None:
            continue
        if len(line) != _LENGTH:
            code = "truncated" if number == len(lines) else "malformed"
            message = f"a record is 128 characters long, this one {len(line)}"
            raise UnreadableStatement(code, message, f"line {number}", block.account if block else None)
        kind = line[0]
        if kind == "0":
            if block is not None:
                raise UnreadableStatement(
                    "truncated", "a block starts before the last one ended", f"line {number}", block.account
                )
            block = _Block(number)
        elif block is None:
            raise UnreadableStatement("malformed", f"record {kind!r} stands outside a block", f"line {number}")
        elif kind == "9":
            statement = _statement(block, line, number, rows)
            rows += statement.entry_count
            statements.append(statement)
            block = None
        else:
            _take(block, line, number)
    if block is not None:
        raise UnreadableStatement("truncated", "the file ends without record 9", f"line {len(lines)}", block.account)
    if not statements:
        raise UnreadableStatement("no_statement", "the file holds no statement")
    return StatementFile("coda", tuple(statements))


def _take(block: _Block, line: str, number: int) -> None:
    """Files one record of a block under its movement."""
    kind = line[0]
    if kind == "4":
        return
    block.records += 1
    if kind == "1":
        block.old = line
        block.account = _account(line[1], line[5:42])
    elif kind == "8":
        block.new = line
    elif kind == "2" and line[1] == "1":
        block.movements.append(_Movement(number, line[2:6], _counter(line[6:10], number, block), line))
    elif kind in "23" and line[1] in "123":
        movement = block.movements[-1] if block.movements else None
        if movement is None or movement.sequence != line[2:6]:
            raise UnreadableStatement("malformed", "a record belongs to no movement", f"line {number}", block.account)
        if kind == "2":
            if line[1] == "2":
                movement.second = line
            else:
                movement.third = line
        elif line[1] == "1":
            # Structured information (position 40 = 1) repeats what the movement says: names and addresses.
            movement.information_is_free = line[39] != "1"
            if movement.information_is_free:
                movement.information.append(line[40:113])
        elif movement.information_is_free:
            movement.information.append(line[10:115] if line[1] == "2" else line[10:100])
    else:
        raise UnreadableStatement("malformed", f"unknown record {line[:2]!r}", f"line {number}", block.account)


def _counter(text: str, number: int, block: _Block) -> int:
    if not is_digits(text):
        raise UnreadableStatement("malformed", f"detail number {text!r} is no number", f"line {number}", block.account)
    return int(text)


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


def _statement(block: _Block, trailer: str, number: int, rows_before: int) -> Statement:
    account = block.account
    try:
        if not block.old:
            raise UnreadableStatement("balance_missing", "record 1 with the old balance is missing")
        if account is None:
            raise UnreadableStatement("missing_account", "record 1 names no account")
        return _checked_statement(block, trailer, account, rows_before)
    except UnreadableStatement as error:
        raise error.located(f"lines {block.line} to {number}", account) from None


def _checked_statement(block: _Block, trailer: str, account: str, rows_before: int) -> Statement:
    old, new = block.old, block.new
    currency = _currency(old[1], old[5:42])
    opening_amount, opening_on = _signed(old[42], old[43:58]), ddmmyy(old[58:64])
    booked = [movement for movement in block.movements if movement.detail == 0]
    if new:
        closing_amount, closing_on = _signed(new[41], new[42:57]), ddmmyy(new[57:63]) or opening_on
        if new[1:4] != old[2:5]:
            raise UnreadableStatement("malformed", "records 1 and 8 belong to different statements")
    elif booked:
        raise UnreadableStatement("balance_missing", "record 8 with the new balance is missing")
    else:  # a day without movements may end without a new balance: nothing changed
        closing_amount, closing_on = opening_amount, opening_on
    amounts = {movement.line: _amount_of(movement) for movement in block.movements}
    _check_trailer(trailer, block, [amounts[movement.line] for movement in booked])
    total = sum((amounts[movement.line] for movement in booked), Decimal(0))
    if opening_amount + total != closing_amount:
        raise UnreadableStatement(
            "control_total_mismatch",
            f"old balance {opening_amount} and movements {total} make {opening_amount + total}, new balance is {closing_amount}",
        )
    statement_id = old[2:5].strip() or None
    sequence_no = int(old[125:128]) or None if is_digits(old[125:128]) else None
    key = statement_key(
        account, currency, statement_id, sequence_no, opening_on, closing_on, opening_amount, closing_amount
    )
    entries: list[Entry] = []
    for movement, parent, number in _rows(block.movements, amounts, currency):
        try:
            entries.append(
                _entry(
                    movement,
                    parent,
                    number,
                    amounts[movement.line],
                    rows_before + len(entries) + 1,
                    key,
                    account,
                    currency,
                )
            )
        except UnreadableStatement as error:
            raise error.located(f"line {movement.line}", account) from None
    return Statement(
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
        entry_count=len(entries),
        is_informative=False,
        entries=tuple(entries),
    )


def _amount_of(movement: _Movement) -> Decimal:
    try:
        return _signed(movement.first[31], movement.first[32:47])
    except UnreadableStatement as error:
        raise error.located(f"line {movement.line}", None) from None


def _check_trailer(trailer: str, block: _Block, amounts: list[Decimal]) -> None:
    """Record 9: how many records 1, 2, 3 and 8 there are, and what was debited and credited."""
    count = trailer[16:22]
    if not is_digits(count) or int(count) != block.records:
        raise UnreadableStatement(
            "control_total_mismatch", f"record 9 counts {count.strip() or 'no'} records, there are {block.records}"
        )
    debits = -sum((amount for amount in amounts if amount < 0), Decimal(0))
    credits = sum((amount for amount in amounts if amount > 0), Decimal(0))
    for name, text, booked in (("debits", trailer[22:37], debits), ("credits", trailer[37:52], credits)):
        if thousandths_amount(text) != booked:
            raise UnreadableStatement(
                "control_total_mismatch",
                f"record 9 gives {name} of {thousandths_amount(text)}, the movements make {booked}",
            )


def _rows(
    movements: list[_Movement], amounts: dict[int, Decimal], currency: str
) -> list[tuple[_Movement, _Movement | None, int]]:
    """(movement or detail, its batch, number in the batch): a batch is split when its payments add up to it."""
    rows: list[tuple[_Movement, _Movement | None, int]] = []
    at = 0
    while at < len(movements):
        parent = movements[at]
        end = at + 1
        while end < len(movements) and movements[end].detail and movements[end].sequence == parent.sequence:
            end += 1
        if parent.detail:
            raise UnreadableStatement("malformed", "a detail without its movement", f"line {parent.line}")
        payments = [detail for detail in movements[at + 1 : end] if detail.first[53] in _PAYMENT_DETAILS]
        if payments and sum(amounts[payment.line] for payment in payments) == amounts[parent.line]:
            # A batch of one is no batch, but only the detail knows who paid.
            rows.extend(
                (payment, parent, number if len(payments) > 1 else 0)
                for number, payment in enumerate(payments, start=1)
            )
        else:
            _breakdown(parent, movements[at + 1 : end], amounts, currency)
            rows.append((parent, None, 0))
        at = end
    return rows


def _breakdown(parent: _Movement, details: list[_Movement], amounts: dict[int, Decimal], currency: str) -> None:
    """Notes what the details of type 8 say about one payment: what was deducted from it, and its original amount."""
    parts = [detail for detail in details if detail.first[53] == "8"]
    if amounts[parent.line] > 0 and sum((amounts[part.line] for part in parts), Decimal(0)) == amounts[parent.line]:
        parent.charges_amount = (
            -sum((amount for part in parts if (amount := amounts[part.line]) < 0), Decimal(0)) or None
        )
    for part in parts:
        if part.first[61] == "1" and part.first[62:65] == "105":
            text = part.first[62:115] + part.second[10:63].ljust(53)
            parent.original = _original(text[3:], currency) or parent.original


def _original(rest: str, currency: str) -> tuple[Decimal, str] | None:
    """Communication type 105: amount in the account's currency 15, in the original one 15, rate 12, currency 3."""
    digits, original_currency = rest[15:30], rest[42:45].strip()
    # Thousandths of a foreign currency are no reason to lose what was booked in our own.
    if not original_currency or original_currency == currency or not is_digits(digits) or digits[-1] != "0":
        return None
    return thousandths_amount(digits), original_currency


def _entry(
    movement: _Movement,
    parent: _Movement | None,
    number: int,
    amount: Decimal,
    ordinal: int,
    key: str,
    account: str,
    currency: str,
) -> Entry:
    first, second, third = movement.first, movement.second, movement.third
    valued_on = ddmmyy(first[47:53])
    booked_on = ddmmyy(first[115:121]) or valued_on
    if booked_on is None:
        raise UnreadableStatement("invalid_date", "the movement has neither an entry date nor a value date")
    # Positions 63-115, 11-63 and 83-125: one text of 149 places, so a full line runs on and a short one ends in spaces.
    communication = first[62:115] + second[10:63].ljust(53) + third[82:125].ljust(43)
    facts = _communication(first[61] == "1", communication, currency)
    remittance = facts.remittance
    if remittance is None and facts.reference is None and movement.information:
        remittance = one_line("".join(movement.information))
    code = first[53:61]
    return_type, reason = second[112:113], second[113:117].strip()
    has_return = (
        return_type in _RETURN_TYPES and (not reason or _REASON.fullmatch(reason) is not None) if return_type else False
    )
    # Transactions 49 and 99 of a family are its cancellations and corrections; which payment they undo is not said.
    is_reversal = (
        code[3:5] in ("49", "99")
        or (has_return and return_type == _REVERSAL_TYPE)
        or facts.return_type == _REVERSAL_TYPE
    )
    bic = second[98:109].strip()
    original = facts.original or movement.original
    return Entry(
        ordinal=ordinal,
        detail_ordinal=number,
        statement_key=key,
        account_iban=account,
        booked_on=booked_on,
        valued_on=valued_on,
        amount=amount,
        currency=currency,
        bank_reference=identifier(first[10:31]),
        end_to_end_id=identifier(second[63:98]),
        mandate_id=facts.mandate_id,
        creditor_id=facts.creditor_id,
        counterparty_name=one_line(third[47:82]),
        counterparty_iban=_counterparty(third[10:47], account),
        counterparty_bic=bic if BIC.fullmatch(bic) else None,
        structured_reference=facts.reference,
        structured_reference_kind=facts.kind,
        remittance=remittance,
        is_return=has_return or facts.return_type is not None,
        is_reversal=is_reversal,
        return_reason=(reason or None if has_return else None) or facts.return_reason,
        transaction_code=code.strip() or None,
        payment_batch_id=identifier(parent.second[63:98]) if parent is not None else None,
        charges_amount=movement.charges_amount,
        original_amount=original[0] if original else None,
        original_currency=original[1] if original else None,
        parser_version=PARSER_VERSION,
    )


def _counterparty(written: str, own_account: str) -> str | None:
    """Positions 11-47 of record 2.3: the account, followed by its currency."""
    text = written[:34].strip()
    if not text:
        return None
    compact = normalise(text)
    if not IBAN.fullmatch(compact):
        compact = belgian_iban(compact[:12]) or compact if is_digits(compact[:12]) else compact
    return None if compact == own_account else account_number(compact)


@dataclass(slots=True)
class _Communication:
    remittance: str | None = None
    reference: str | None = None
    kind: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    return_type: str | None = None
    return_reason: str | None = None
    original: tuple[Decimal, str] | None = None


def _communication(is_structured: bool, text: str, currency: str) -> _Communication:
    """The communication zone; structured ones begin with a type of three digits.

    100 is an ISO 11649 reference, 101 and 102 the Belgian twelve digits, 105 the original amount of a foreign payment, 127
    a European direct debit. Others are the bank's own forms (charges, cards) and are kept as text.
    """
    if not is_structured:
        return _Communication(remittance=one_line(text))
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
    if kind == "127":
        return _direct_debit(rest)
    original = _original(rest, currency) if kind == "105" else None
    return _Communication(remittance=one_line(text), original=original)


def _direct_debit(rest: str) -> _Communication:
    """Type 127: settlement date 6, type 1, scheme 1, paid or reason 1, creditor 35, mandate 35, text 62, R-type 1, reason 4."""
    return_type, reason = rest[141:142], rest[142:146].strip()
    has_return = return_type in _RETURN_TYPES if return_type else False
    return _Communication(
        remittance=one_line(rest[79:141]),
        creditor_id=identifier("".join(rest[9:44].split())),
        mandate_id=identifier(rest[44:79]),
        return_type=return_type if has_return else None,
        return_reason=reason or None if has_return else None,
    )

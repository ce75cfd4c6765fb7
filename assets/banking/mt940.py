"""SWIFT MT940 customer statements, in the dialects of Dutch, Belgian and German banks.

A statement runs from `:20:` over its opening balance `:60F:`, its movements `:61:` with information `:86:`, to its closing
balance `:62F:`; what stands around it (SWIFT blocks, `ABNANL2A / 940`, `:940:`) is dressing. Pages (`:60M:`, `:62M:`) are
chained into the one statement they belong to. `mt940_information` splits field 86.

The file is gone through twice: an entry carries the key of its statement, and that depends on the closing balance.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from assets.banking.keys import statement_key
from assets.banking.mt940_information import Information, read_information
from assets.banking.statements import Entry, Part, Statement, UnreadableStatement
from assets.banking.structured import is_betalingskenmerk
from assets.banking.text_file import TextFile
from assets.banking.values import (
    IBAN,
    account_number,
    comma_amount,
    dutch_iban,
    german_iban,
    identifier,
    is_digits,
    is_same_account,
    mmdd_near,
    normalise,
    one_line,
    yymmdd_balance,
    yymmdd_value,
)

PARSER_VERSION = "mt940-3"
CHUNK = 2_000

_STARTS = re.compile(r"^:20:", re.MULTILINE)
_HAS_ACCOUNT = re.compile(r"^:(?:25P?|60[FM]):", re.MULTILINE)
_IS_INTERIM = re.compile(r"^:34F:|^:13D?:|\{2:[IO]942", re.MULTILINE)
_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(.*)")
# Value date, entry date (some banks leave it out or blank), mark, third letter of the currency, amount, type, the rest.
_MOVEMENT = re.compile(r"(\d{6})(\d{4}|\s{4})?(R?[CD])([A-Z])?([^A-Z]*)(?:([NSF][A-Z0-9 ]{3})(.*))?", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}")
_BANKLEITZAHL = re.compile(r"[0-9]{8}")
_HAS_DIGIT = re.compile("[0-9]")
_BOOK_NUMBER = re.compile(r"P?\d{9,10}")  # Dutch account numbers before IBAN; P for the giro
_CURRENCY_SUFFIX = re.compile(r"(?<=[0-9])\s*[A-Z]{3}$")
_TRANSACTION_CODE = re.compile(r"/TRCD/([^/]+)/?")
_Money = tuple[str, re.Pattern[str]]
_ORIGINAL: _Money = ("/OCMT/", re.compile(r"/OCMT/([A-Z]{3})([0-9]+,[0-9]*)"))
_CHARGES: _Money = ("/CH", re.compile(r"/CH(?:GS|RG)/([A-Z]{3}) ?([0-9]+,[0-9]*)"))
_ENDS_MOVEMENTS = re.compile(r"^(?::62[FM]:|:20:|:25|\{[14]:)", re.MULTILINE)
_END_MARK = "-"  # alone, or as "-}" of a SWIFT block, or "-XXX"
# Words in the place of the owner's reference that only say where to look for it.
_POINTERS = frozenset({"EREF", "MARF", "PREF", "NONREF", "NOTPROVIDED", "KREF", ""})
# What stands between statements is short and plain: a bank's name, a block, an end mark.
_LONGEST_DRESSING = 100
# The bank that sent a message, by its BIC in front of it; of Dutch banks the first four letters are those in the IBAN.
_DUTCH_BANK = re.compile(r"([A-Z]{4})NL[0-9A-Z]{2}")
_NAMED_BANKS = {"TRIODOSBANK": "TRIO"}


@dataclass(slots=True)
class _Page:
    """One message as it stands in the file: all but its movements, whose lines are `body_from` up to `body_to`."""

    line: int
    statement_id: str | None = None
    account: str | None = None
    number: str = ""
    opening_tag: str = ""
    opening: tuple[Decimal, date, str] | None = None
    body_from: int = 0
    body_to: int = 0
    closing_tag: str = ""
    closing: tuple[Decimal, date, str] | None = None
    has_end_mark: bool = False


@dataclass(frozen=True, slots=True)
class _Booked:
    """What the entries of a statement have in common."""

    key: str
    account: str
    currency: str
    first_day: date
    last_day: date


def is_mt940(text: str) -> bool:
    """Whether the beginning of a text looks like an MT940 message: a reference and an account or opening balance."""
    return _STARTS.search(text) is not None and _HAS_ACCOUNT.search(text) is not None


def is_mt942(text: str) -> bool:
    """Whether the beginning of a text is an interim report, which has the tags of MT940 but no opening balance."""
    return is_mt940(text) and ":60" not in text and _IS_INTERIM.search(text) is not None


def mt940_parts(file: TextFile) -> Iterator[Part]:
    """All statements of an MT940 file, their entries before them.

    Raises UnreadableStatement when a statement is cut off, does not add up, or holds what is no amount or date.
    """
    chains = _chains(_pages(file.blocks(), file.ends_inside_line))
    line, rows = 1, 0
    lines = file.lines()
    for chain in chains:
        statement, booked = _statement(chain)
        entries: list[Entry] = []
        total, before = Decimal(0), rows
        for page in chain:
            body = islice(lines, page.body_from - line, page.body_to - line)
            for number, movement, information in _movements(body, page.body_from):
                rows += 1
                try:
                    entry = _entry(movement, information, rows, booked)
                except UnreadableStatement as error:
                    raise error.located(f"line {number}", booked.account) from None
                total += entry.amount
                entries.append(entry)
                if len(entries) == CHUNK:
                    yield entries
                    entries = []
            line = page.body_to
        _check_total(statement, total, f"line {chain[0].line}")
        if entries:
            yield entries
        yield replace(statement, entry_count=rows - before)


def _check_total(statement: Statement, total: Decimal, position: str) -> None:
    opening, closing = statement.opening_amount, statement.closing_amount
    assert opening is not None
    if opening + total != closing:
        raise UnreadableStatement(
            "control_total_mismatch",
            f"opening {opening} and movements {total} make {opening + total}, closing is {closing}",
            position,
            statement.account_iban,
        )


def _pages(blocks: Iterable[str], ends_inside_line: bool) -> list[_Page]:
    """Cuts the file into messages.

    Which tags may follow depends on where we are: between the balances only 61, 86 and 62 count, since payers write
    lines such as `:20:15` themselves. So there everything up to the next line that could end them is skipped in one go.
    """
    pages: list[_Page] = []
    page: _Page | None = None
    in_movements = closed = has_blocks = is_announced = False
    number, line, opening_line, dressing, dutch_bank = 0, "", "", "", ""
    new_message_by = 0  # a ":25" up to this line makes a ":20:" in the text a new message
    for block in blocks:
        at = 0
        while at < len(block):
            if in_movements:
                found = _ENDS_MOVEMENTS.search(block, at)
                stop = len(block) if found is None else found.start()
                number += block.count("\n", at, stop)
                if found is None:
                    line = ""
                    break
                at = stop
            end = block.index("\n", at)
            line = block[at:end]
            at = end + 1
            number += 1
            mark = line[:1]
            if in_movements:
                if line[1:3] == "62":
                    assert page is not None
                    page.closing_tag, page.closing, page.body_to = line[1:4], _balance(line[5:], page, number), number
                    in_movements, closed = False, True
                elif line[1:4] == "20:":
                    new_message_by = number + 3
                elif number <= new_message_by or mark == "{":
                    raise _cut_off(page)
            elif mark == ":":
                page, in_movements, closed = _header_tag(line, number, page, pages, closed, dutch_bank)
                is_announced = is_announced and line[:4] != ":20:"
                if in_movements:
                    opening_line = line
            else:
                has_blocks = has_blocks or "{4:" in line
                if page is None:
                    dressing = dressing or line.strip()
                if page is None or closed:
                    sender = _DUTCH_BANK.search(line)
                    dutch_bank = sender[1] if sender is not None else dutch_bank
                is_announced = (
                    is_announced or "{1:" in line or "{4:" in line or (closed and line.strip() == dressing != "")
                )
                if closed and page is not None and line.lstrip()[:1] == _END_MARK:
                    page.has_end_mark = True
                elif line and (page is None or page.has_end_mark):
                    _check_dressing(line, number)
    if not pages:
        raise UnreadableStatement("no_statement", "no statement starts in this file")
    last = pages[-1]
    if last.closing is None:
        raise _cut_off(last)
    if is_announced or (ends_inside_line and _is_begun(line, dressing)):
        raise UnreadableStatement("truncated", "a message begins and nothing of it is there", f"line {number}")
    if not last.has_end_mark and (has_blocks or any(page.has_end_mark for page in pages)):
        message = "the last message lacks the end mark the others have"
        raise UnreadableStatement("truncated", message, f"line {last.line}", last.account)
    if ends_inside_line and line[:3] == ":62" and _decimals(line) < _decimals(opening_line):
        # `777,0` of `777,00` is the same amount, so only the way the opening balance is written shows that something,
        # perhaps whole statements, is missing.
        raise UnreadableStatement("truncated", "the closing balance is cut off", None, last.account)
    return pages


def _is_begun(line: str, dressing: str) -> bool:
    """Whether the last line of a file that does not end in a line end is the beginning of another one: a tag, a block, or
    what stands in front of every message of this file."""
    if line[:1] == ":":
        return ":" not in line[1:]
    return ("{" in line and not line.endswith("}")) or (line != "" and line != "-" and dressing.startswith(line))


def _decimals(line: str) -> int:
    return len(line.rpartition(",")[2].rstrip())


def _check_dressing(line: str, number: int) -> None:
    """Refuses what stands around the statements and cannot belong there: another file, or a heap of bytes."""
    is_plain = len(line) <= _LONGEST_DRESSING and line[0] != "<" and line.replace("\t", "").isprintable()
    inside = line.strip("\x01\x02\x03 ")  # SWIFT's own marks around a message
    if not is_plain and inside and inside[0] != "{":
        raise UnreadableStatement("malformed", f"{line[:40]!r} belongs to no statement", f"line {number}")


def _cut_off(page: _Page | None) -> UnreadableStatement:
    position, account = (None, None) if page is None else (f"line {page.line}", page.account)
    return UnreadableStatement("truncated", "the statement has no closing balance (:62F:)", position, account)


def _header_tag(
    line: str, number: int, page: _Page | None, pages: list[_Page], closed: bool, dutch_bank: str
) -> tuple[_Page | None, bool, bool]:
    """Takes a tag outside the movements; says which page is current and whether its movements have begun."""
    tag, _, value = line[1:].partition(":")
    if tag == "20":
        if page is not None and page.closing is None:
            raise _cut_off(page)
        page = _Page(number, identifier(value))
        pages.append(page)
        return page, False, False
    if page is None:
        return None, False, False  # ":940:" and other dressing before the first message
    if tag in ("25", "25P"):
        page.account = _account(value, dutch_bank)
    elif tag in ("28C", "28"):
        page.number = value.strip()
    elif tag in ("60F", "60M", "62F", "62M") and page.closing is not None:
        raise UnreadableStatement(
            "malformed", "a second balance without a message of its own (:20:)", f"line {number}", page.account
        )
    elif tag in ("60F", "60M"):
        page.opening_tag, page.opening, page.body_from = tag, _balance(value, page, number), number + 1
        return page, True, False
    elif tag == "61":
        what = "after its closing balance" if closed else "before its opening balance"
        raise UnreadableStatement("malformed", f"a movement stands {what}", f"line {number}", page.account)
    elif tag in ("62F", "62M"):
        raise UnreadableStatement("balance_missing", "no opening balance (:60F:)", f"line {number}", page.account)
    return page, False, closed


def _account(value: str, dutch_bank: str) -> str | None:
    """The IBAN of field 25, or the domestic number: without currency, bank name, spaces and dots; Dutch and German ones as
    IBAN where the file says which bank they are of."""
    trimmed = _CURRENCY_SUFFIX.sub("", value.strip().upper())
    match = IBAN.fullmatch(trimmed.replace(" ", "").rpartition("/")[2])
    if match is not None:
        return match[0]
    bank, _, number = trimmed.rpartition("/")
    if _BANKLEITZAHL.fullmatch(bank) and is_digits(number) and len(number) <= 10:
        return german_iban(bank, number)
    account = account_number(number if bank.isalpha() else trimmed)
    dutch_bank = _NAMED_BANKS.get(bank, dutch_bank)
    if dutch_bank and account is not None and is_digits(account) and len(account) <= 10:
        return dutch_iban(dutch_bank, account)
    return account


def _balance(value: str, page: _Page, number: int) -> tuple[Decimal, date, str]:
    match = _BALANCE.fullmatch(value.strip())
    try:
        if match is None:
            raise UnreadableStatement("malformed", f"{value[:40]!r} is no balance")
        amount = comma_amount(match[4])
        return (amount if match[1] == "C" else -amount), yymmdd_balance(match[2]), match[3]
    except UnreadableStatement as error:
        raise error.located(f"line {number}", page.account) from None


def _chains(pages: list[_Page]) -> list[list[_Page]]:
    """Groups pages into statements: a page closed by :62M: goes on in the next, which opens by :60M:."""
    chains: list[list[_Page]] = []
    chain: list[_Page] = []
    for page in pages:
        if (page.opening_tag == "60M") != bool(chain):
            raise UnreadableStatement(
                "truncated",
                "a page of the statement is missing: :62M: and :60M: do not meet",
                f"line {page.line}",
                page.account,
            )
        if chain and (chain[-1].account != page.account or chain[-1].closing != page.opening):
            raise UnreadableStatement(
                "control_total_mismatch",
                "a page does not open with the balance the page before it closed with",
                f"line {page.line}",
                page.account,
            )
        chain.append(page)
        if page.closing_tag == "62F":
            chains.append(chain)
            chain = []
    if chain:
        raise UnreadableStatement(
            "truncated",
            "the statement goes on (:62M:) on a page that is not here",
            f"line {chain[0].line}",
            chain[0].account,
        )
    return chains


def _statement(chain: list[_Page]) -> tuple[Statement, _Booked]:
    """The statement of a chain of pages, its entries not counted yet, and what they will need to know of it."""
    first, last = chain[0], chain[-1]
    position, account = f"line {first.line}", first.account
    if account is None:
        raise UnreadableStatement("missing_account", "the statement names no account (:25:)", position)
    assert first.opening is not None
    assert last.closing is not None
    opening_amount, opening_on, currency = first.opening
    closing_amount, closing_on, closing_currency = last.closing
    if closing_currency != currency:
        raise UnreadableStatement(
            "currency_mismatch", f"opens in {currency} and closes in {closing_currency}", position, account
        )
    number = _NUMBER.search(first.number)
    sequence_no = (int(number[0]) or None) if number else None
    key = statement_key(
        account, currency, first.statement_id, sequence_no, opening_on, closing_on, opening_amount, closing_amount
    )
    statement = Statement(
        statement_key=key,
        format="mt940",
        account_iban=account,
        currency=currency,
        statement_id=first.statement_id,
        sequence_no=sequence_no,
        from_on=opening_on,
        to_on=closing_on,
        opening_on=opening_on,
        opening_amount=opening_amount,
        closing_on=closing_on,
        closing_amount=closing_amount,
        entry_count=0,
        is_informative=False,
    )
    # The opening balance is that of the day before, so the first day the statement covers is the one after it.
    return statement, _Booked(key, account, currency, opening_on + timedelta(days=1), closing_on)


def _movements(body: Iterable[str], first_line: int) -> Iterator[tuple[int, list[str], list[str]]]:
    """(line number, lines of field 61, lines of field 86) of each movement between two balances."""
    movement: list[str] = []
    information: list[str] = []
    current: list[str] | None = None  # where a continuation line goes
    starts_at = 0
    for number, line in enumerate(body, start=first_line):
        if line[:1] == ":":
            tag = line[:4]
            if tag == ":61:":
                if movement:
                    yield starts_at, movement, information
                movement, information, starts_at = [line[4:]], [], number
                current = movement
                continue
            if tag == ":86:":
                if movement:
                    # Old Rabobank files have one :86: per line of text; a break between two is always a real one.
                    current = information
                    if current:
                        current.append("")
                    current.append(line[4:])
                continue
        if current is not None:
            current.append(line)
    if movement:
        yield starts_at, movement, information


def _entry(movement: list[str], information: list[str], ordinal: int, booked: _Booked) -> Entry:
    match = _MOVEMENT.fullmatch(movement[0])
    if match is None:
        raise UnreadableStatement("malformed", f"{movement[0][:40]!r} is no movement (:61:)")
    value_text, entry_text, mark, _, amount_text, kind, reference_text = match.groups()
    valued_on = yymmdd_value(value_text)
    if entry_text is None or entry_text.isspace():
        # No entry date: the value date, moved into the days the statement covers.
        booked_on = min(max(valued_on, booked.first_day), booked.last_day)
    else:
        booked_on = mmdd_near(entry_text, valued_on)
    amount = comma_amount(amount_text.strip())
    # RC takes a credit back and RD a debit: the money moves the other way.
    if mark in ("D", "RC"):
        amount = -amount
    is_reversal = mark[0] == "R"
    facts = read_information(information, booked.account) if information else Information()
    code = kind.strip() or None if kind else None
    extra = facts.transaction_code
    owner_text, _, bank_text = (reference_text or "").partition("//")
    if len(movement) == 1 and "/TRCD/" not in bank_text:
        supplement = ""
    else:
        # What belongs on the second line may follow the sixteen places of the bank's reference on the first.
        bank_text, slash, rest = bank_text.partition("/")
        supplement = "\n".join((slash + rest, *movement[1:]))
        found = _TRANSACTION_CODE.search(supplement)
        extra = extra or (found[1] if found else None)
    owner = (
        _owner(owner_text, supplement, facts)
        if supplement or owner_text.strip().upper().rstrip("+") not in _POINTERS
        else _NOTHING_MORE
    )
    if extra and not (code or "").endswith(extra):
        code = f"{code}/{extra}" if code else extra
    original_amount, original_currency = _money_in(_ORIGINAL, supplement, facts.raw)
    if original_currency == booked.currency and original_amount == abs(amount):
        original_amount = original_currency = None
    charges_amount, charges_currency = _money_in(_CHARGES, supplement, facts.raw)
    remittance = facts.remittance
    if owner.text and (remittance is None or _HAS_DIGIT.search(owner.text)):
        # Where it could name an invoice, it may not be lost.
        remittance = f"{remittance} {owner.text}" if remittance else owner.text
    own_reference = owner.reference
    kind_of_reference, structured = facts.structured_kind, facts.structured_reference
    if structured is None and own_reference and len(own_reference) == 16 and is_betalingskenmerk(own_reference):
        kind_of_reference, structured, own_reference = "CUR", own_reference, None
    # By position, in the order of the fields: a million of these a day, and naming them doubles their cost.
    # The id of a payment run and no payment: the run as one sum.
    end_to_end_id = facts.end_to_end_id or own_reference
    account = facts.account or (None if is_same_account(owner.account, booked.account) else owner.account)
    is_batch = facts.payment_batch_id is not None and end_to_end_id is None and account is None
    return Entry(
        ordinal,
        0,
        booked.key,
        booked.account,
        booked_on,
        valued_on,
        amount,
        booked.currency,
        identifier(bank_text),
        end_to_end_id,
        facts.mandate_id,
        facts.creditor_id,
        facts.name or owner.name,
        account,
        facts.bic,
        structured,
        kind_of_reference,
        remittance,
        is_reversal or facts.return_reason is not None or facts.is_return or kind == "NRTI",
        is_reversal,
        facts.return_reason,
        code,
        facts.payment_batch_id,
        charges_amount if charges_currency == booked.currency else None,
        original_amount,
        original_currency,
        "batch" if is_batch else None,
        None,
        identifier(bank_text) if is_batch else None,
        None,
        PARSER_VERSION,
        facts.wraps,
    )


class _Owner(NamedTuple):
    """What field 61 says besides dates and amount."""

    reference: str | None = None
    account: str | None = None
    name: str | None = None
    text: str | None = None


_NOTHING_MORE = _Owner()


def _owner(owner_text: str, supplement: str, facts: Information) -> _Owner:
    """The reference of field 61, and the account, name or text in it and on its second line.

    Sixteen places for the reference. Some banks put the other side's account there, older files followed by the name; a
    bare number is taken for an account only where field 86 or the column layout shows it to be one. A word on the second
    line is the other side's name only where its account stands in the field too; elsewhere it is the bank's own text.
    """
    reference = account = None
    name = one_line(owner_text[16:])
    head = owner_text[:16].strip()
    if head.upper().rstrip("+") not in _POINTERS:
        whole = normalise(owner_text)
        in_columns = len(owner_text) >= 16 and owner_text[15] == " "
        known = head in facts.raw[:40] or (facts.account or "").endswith(head)
        if IBAN.fullmatch(whole):
            account, name = whole, None
        elif _BOOK_NUMBER.fullmatch(head) and (in_columns or known):
            account = account_number(head)
        else:
            reference, name = identifier(owner_text), None
    texts: list[str] = []
    for line in supplement.split("\n"):
        text = line.strip()
        if not text or text[0] == "/":
            continue
        compact = normalise(text)
        if IBAN.fullmatch(compact) or _BOOK_NUMBER.fullmatch(text):
            account = account or compact
        else:
            texts.append(text)
    if account and not name and texts:
        name = one_line(texts.pop(0))
    return _Owner(reference, account, name, one_line(" ".join(texts)))


def _money_in(pattern: _Money, supplement: str, information: str) -> tuple[Decimal, str] | tuple[None, None]:
    key, written = pattern
    if key not in supplement and key not in information:
        return None, None
    match = written.search(supplement) or written.search(information)
    return (None, None) if match is None else (comma_amount(match[2]), match[1])

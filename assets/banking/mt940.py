"""SWIFT MT940 customer statements, in the dialects of Dutch and Belgian banks (and the German one they share roots with).

A statement runs from `:20:` over its opening balance `:60F:`, its movements `:61:` with information `:86:`, to its closing
balance `:62F:`; what stands around it (SWIFT blocks, `ABNANL2A / 940`, `:940:`) is dressing. Pages (`:60M:`, `:62M:`) are
chained into the one statement they belong to. `mt940_information` splits field 86.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from assets.banking.keys import statement_key
from assets.banking.mt940_information import Information, read_information
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from assets.banking.structured import is_betalingskenmerk
from assets.banking.values import (
    IBAN,
    account_number,
    comma_amount,
    identifier,
    mmdd_near,
    normalise,
    one_line,
    yymmdd,
    yymmdd_value,
)

PARSER_VERSION = "mt940-1"

_BALANCE = re.compile(r"([CD])(\d{6})([A-Z]{3})(.*)")
# Value date, entry date (some banks leave it out or blank), mark, third letter of the currency, amount, type, the rest.
_MOVEMENT = re.compile(r"(\d{6})(\d{4}|\s{4})?(R?[CD])([A-Z])?([^A-Z]*)(?:([NSF][A-Z0-9 ]{3})(.*))?", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,18}")
_BOOK_NUMBER = re.compile(r"P?\d{9,10}")  # Dutch account numbers before IBAN; P for the giro
_CURRENCY_SUFFIX = re.compile(r"(?<=[0-9])\s*[A-Z]{3}$")
_TRANSACTION_CODE = re.compile(r"/TRCD/([^/]+)/?")
_ORIGINAL = re.compile(r"/OCMT/([A-Z]{3})([0-9]+,[0-9]*)/")
_CHARGES = re.compile(r"/CHGS/([A-Z]{3})([0-9]+,[0-9]*)/")
_END_MARK = "-"  # alone, or as "-}" of a SWIFT block, or "-XXX"
# Words in the place of the owner's reference that only say where to look for it.
_POINTERS = frozenset({"EREF", "MARF", "PREF", "NONREF", "NOTPROVIDED", "KREF", ""})


@dataclass(slots=True)
class _Page:
    """One message as it stands in the file. Lines are kept with their numbers for the refusal."""

    line: int
    statement_id: str | None = None
    account: str | None = None
    number: str = ""
    opening_tag: str = ""
    opening: tuple[Decimal, date, str] | None = None
    closing_tag: str = ""
    closing: tuple[Decimal, date, str] | None = None
    movements: list[tuple[int, list[str], list[str]]] = field(default_factory=list)
    has_terminator: bool = False


def is_mt940(text: str) -> bool:
    """Whether decoded text looks like an MT940 message: a reference and an opening balance on lines of their own."""
    return (
        re.search(r"^:20:", text, re.MULTILINE) is not None and re.search(r"^:(?:25|60[FM]):", text, re.M) is not None
    )


def read_mt940(text: str) -> StatementFile:
    """All statements of decoded MT940 text.

    Raises UnreadableStatement when a statement is cut off, does not add up, or holds what is no amount or date.
    """
    pages = _pages(text.replace("\x1a", "").split("\n"))  # files from the days of DOS end parts with Ctrl-Z
    if not pages:
        raise UnreadableStatement("no_statement", "no statement starts in this file")
    if not pages[-1].has_terminator and (any(page.has_terminator for page in pages) or "{4:" in text):
        raise UnreadableStatement(
            "truncated",
            "the last message lacks the end mark the others have",
            f"line {pages[-1].line}",
            pages[-1].account,
        )
    if _ends_inside_an_amount(text):
        raise UnreadableStatement("truncated", "the closing balance is cut off", None, pages[-1].account)
    statements: list[Statement] = []
    rows = 0
    for chain in _chains(pages):
        statement = _statement(chain, rows)
        rows += statement.entry_count
        statements.append(statement)
    return StatementFile("mt940", tuple(statements))


def _ends_inside_an_amount(text: str) -> bool:
    """Whether the file stops in the decimals of a closing balance: `777,0` of `777,00` is the same amount, so only the
    way the opening balance is written shows that something, perhaps whole statements, is missing."""
    last = text[text.rfind("\n") + 1 :]
    if not last.startswith(":62"):
        return False
    opening = text[text.rfind("\n:60") + 1 :].partition("\n")[0].rstrip("\r")
    return len(last.rpartition(",")[2]) < len(opening.rpartition(",")[2])


def _pages(lines: list[str]) -> list[_Page]:
    """Cuts the file into messages.

    Which tags may follow depends on where we are: between the balances only 61, 86 and 62 count, since payers write
    lines such as `:20:15` themselves.
    """
    pages: list[_Page] = []
    page: _Page | None = None
    in_movements = closed = False
    current: list[str] | None = None  # where a continuation line goes
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip("\r")
        if line[:1] == ":":
            if in_movements:
                assert page is not None
                tag = line[:4]
                if tag == ":61:":
                    current = [line[4:]]
                    page.movements.append((number, current, []))
                    continue
                if tag == ":86:":
                    if page.movements:
                        # Old Rabobank files have one :86: per line of text; a break between two is always a real one.
                        current = page.movements[-1][2]
                        if current:
                            current.append("")
                        current.append(line)
                    continue
                if tag in (":62F", ":62M") and line[4:5] == ":":
                    page.closing_tag, page.closing = line[1:4], _balance(line[5:], page, number)
                    in_movements, closed, current = False, True, None
                    continue
                if tag != ":20:" or not any(after.startswith(":25") for after in lines[number : number + 3]):
                    if current is not None:
                        current.append(line)
                    continue
            page, in_movements, closed = _header_tag(line, number, page, pages, closed)
            current = None
        elif in_movements:
            if current is not None:
                if line[:1] == "{" and line.startswith(("{1:", "{4:")):
                    raise _cut_off(page)
                current.append(line)
        elif closed and page is not None and line.strip().startswith(_END_MARK):
            page.has_terminator = True
    for page in pages:
        if page.closing is None:
            raise _cut_off(page)
    return pages


def _cut_off(page: _Page | None) -> UnreadableStatement:
    position, account = (None, None) if page is None else (f"line {page.line}", page.account)
    return UnreadableStatement("truncated", "the statement has no closing balance (:62F:)", position, account)


def _header_tag(
    line: str, number: int, page: _Page | None, pages: list[_Page], closed: bool
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
        page.account = _account(value)
    elif tag in ("28C", "28"):
        page.number = value.strip()
    elif tag in ("60F", "60M", "62F", "62M") and page.closing is not None:
        raise UnreadableStatement(
            "malformed", "a second balance without a message of its own (:20:)", f"line {number}", page.account
        )
    elif tag in ("60F", "60M"):
        page.opening_tag, page.opening = tag, _balance(value, page, number)
        return page, True, False
    elif tag == "61":
        what = "after its closing balance" if closed else "before its opening balance"
        raise UnreadableStatement("malformed", f"a movement stands {what}", f"line {number}", page.account)
    elif tag in ("62F", "62M"):
        raise UnreadableStatement("balance_missing", "no opening balance (:60F:)", f"line {number}", page.account)
    return page, False, closed


def _account(value: str) -> str | None:
    """The IBAN of field 25, or the domestic number: without currency, bank name, spaces and dots."""
    trimmed = _CURRENCY_SUFFIX.sub("", value.strip().upper())
    match = IBAN.fullmatch(trimmed.replace(" ", "").rpartition("/")[2])
    if match is not None:
        return match[0]
    bank, _, number = trimmed.rpartition("/")
    return account_number(number if bank.isalpha() else trimmed)


def _balance(value: str, page: _Page, number: int) -> tuple[Decimal, date, str]:
    match = _BALANCE.fullmatch(value.strip())
    try:
        if match is None:
            raise UnreadableStatement("malformed", f"{value[:40]!r} is no balance")
        amount = comma_amount(match[4])
        return (amount if match[1] == "C" else -amount), yymmdd(match[2]), match[3]
    except UnreadableStatement as error:
        raise error.located(f"line {number}", page.account) from None


def _chains(pages: list[_Page]) -> Iterable[list[_Page]]:
    """Groups pages into statements: a page closed by :62M: goes on in the next, which opens by :60M:."""
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
            yield chain
            chain = []
    if chain:
        raise UnreadableStatement(
            "truncated",
            "the statement goes on (:62M:) on a page that is not here",
            f"line {chain[0].line}",
            chain[0].account,
        )


def _statement(chain: list[_Page], rows_before: int) -> Statement:
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
    entries: list[Entry] = []
    for page in chain:
        for line, movement, information in page.movements:
            try:
                entries.append(
                    _entry(
                        movement,
                        information,
                        rows_before + len(entries) + 1,
                        key,
                        account,
                        currency,
                        opening_on,
                        closing_on,
                    )
                )
            except UnreadableStatement as error:
                raise error.located(f"line {line}", account) from None
    total = sum((entry.amount for entry in entries), Decimal(0))
    if opening_amount + total != closing_amount:
        raise UnreadableStatement(
            "control_total_mismatch",
            f"opening {opening_amount} and movements {total} make {opening_amount + total}, closing is {closing_amount}",
            position,
            account,
        )
    return Statement(
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
        entry_count=len(entries),
        is_informative=False,
        entries=tuple(entries),
    )


def _booking_day(valued_on: date, opening_on: date, closing_on: date) -> date:
    """Where field 61 gives no entry date: the value date, moved into the days the statement covers.

    The opening balance is that of the day before, so the first of those days is the one after it.
    """
    return min(max(valued_on, opening_on + timedelta(days=1)), closing_on)


def _entry(
    movement: list[str],
    information: list[str],
    ordinal: int,
    key: str,
    account: str,
    currency: str,
    opening_on: date,
    closing_on: date,
) -> Entry:
    match = _MOVEMENT.fullmatch(movement[0])
    if match is None:
        raise UnreadableStatement("malformed", f"{movement[0][:40]!r} is no movement (:61:)")
    value_text, entry_text, mark, _, amount_text, kind, reference_text = match.groups()
    valued_on = yymmdd_value(value_text)
    if entry_text is None or entry_text.isspace():
        booked_on = _booking_day(valued_on, opening_on, closing_on)
    else:
        booked_on = mmdd_near(entry_text, valued_on)
    amount = comma_amount(amount_text.strip())
    # RC takes a credit back and RD a debit: the money moves the other way.
    if mark in ("D", "RC"):
        amount = -amount
    is_reversal = mark[0] == "R"
    facts = read_information(information, account) if information else Information()
    owner_text, _, bank_text = (reference_text or "").partition("//")
    supplement = "\n".join(movement[1:])
    own_reference, other_account, other_name = _owner_reference(owner_text, supplement, facts)
    code, extra = (kind or "").strip() or None, None
    if supplement:
        found = _TRANSACTION_CODE.search(supplement)
        extra = found[1] if found else None
    extra = facts.transaction_code or extra
    if code and extra and code.endswith(extra):
        extra = None
    original, charges = _money_in(_ORIGINAL, supplement, facts.raw), _money_in(_CHARGES, supplement, facts.raw)
    kind_of_reference, structured = facts.structured_kind, facts.structured_reference
    if structured is None and own_reference and len(own_reference) == 16 and is_betalingskenmerk(own_reference):
        kind_of_reference, structured, own_reference = "CUR", own_reference, None
    return Entry(
        ordinal=ordinal,
        detail_ordinal=0,
        statement_key=key,
        account_iban=account,
        booked_on=booked_on,
        valued_on=valued_on,
        amount=amount,
        currency=currency,
        bank_reference=identifier(bank_text),
        end_to_end_id=facts.end_to_end_id or own_reference,
        mandate_id=facts.mandate_id,
        creditor_id=facts.creditor_id,
        counterparty_name=facts.name or other_name,
        counterparty_iban=facts.account or (None if other_account == account else other_account),
        counterparty_bic=facts.bic,
        structured_reference=structured,
        structured_reference_kind=kind_of_reference,
        remittance=facts.remittance,
        is_return=is_reversal or facts.return_reason is not None or facts.is_return or code == "NRTI",
        is_reversal=is_reversal,
        return_reason=facts.return_reason,
        transaction_code=f"{code}/{extra}" if code and extra else code or extra,
        payment_batch_id=facts.payment_batch_id,
        charges_amount=None if charges is None or charges[1] != currency else charges[0],
        original_amount=None if original is None or original == (abs(amount), currency) else original[0],
        original_currency=None if original is None or original == (abs(amount), currency) else original[1],
        parser_version=PARSER_VERSION,
        wraps=facts.wraps,
    )


def _owner_reference(owner_text: str, supplement: str, facts: Information) -> tuple[str | None, str | None, str | None]:
    """(reference, account, name) from the reference of field 61 and the supplement on its second line.

    Sixteen places for the reference. Some banks put the other side's account there, older files followed by the name; a
    bare number is taken for an account only where field 86 or the column layout shows it to be one.
    """
    reference = other_account = None
    name = one_line(owner_text[16:])
    head = owner_text[:16].strip()
    if head.upper() not in _POINTERS:
        whole = normalise(owner_text)
        in_columns = len(owner_text) >= 16 and owner_text[15] == " "
        known = head in facts.raw[:40] or (facts.account or "").endswith(head)
        if IBAN.fullmatch(whole):
            other_account, name = whole, None
        elif _BOOK_NUMBER.fullmatch(head) and (in_columns or known):
            other_account = head
        else:
            reference, name = identifier(owner_text), None
    for line in supplement.split("\n"):
        text = line.strip()
        if not text or text[0] == "/":
            continue
        compact = normalise(text)
        if IBAN.fullmatch(compact) or _BOOK_NUMBER.fullmatch(text):
            other_account = other_account or compact
        else:
            name = name or one_line(text)
    return reference, other_account, name


def _money_in(pattern: re.Pattern[str], *texts: str) -> tuple[Decimal, str] | None:
    for text in texts:
        if text and (match := pattern.search(text)):
            return comma_amount(match[2]), match[1]
    return None

"""ISO 20022 bank-to-customer messages: camt.053 statements, and camt.052/.054 as informative.

Versions .01 to .14 are read alike, by local element names: between .02 and .08 only a few elements moved (status under
`Sts/Cd`, parties under `Pty`, `BICFI` for `BIC`, the amount of a detail under `TxDtls/Amt`), and both places are tried.
The file is streamed entry by entry; nothing is handed out before the last byte has been seen.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from lxml import etree

from assets.banking.keys import statement_key
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from assets.banking.structured import reference_of_kind
from assets.banking.values import account_number, dot_amount, identifier, is_digits, iso_date, normalise, one_line

PARSER_VERSION = "camt-1"

# Local name of a message -> its format. The first version had a suffix.
_MESSAGES = {
    f"{name}{suffix}": format
    for name, format in (
        ("BkToCstmrStmt", "camt.053"),
        ("BkToCstmrAcctRpt", "camt.052"),
        ("BkToCstmrDbtCdtNtfctn", "camt.054"),
    )
    for suffix in ("", "V01")
}
_REPORTS = ("Stmt", "Rpt", "Ntfctn")
_VERSION = re.compile(r"camt\.05[234]\.001\.\d\d")

# External bank transaction sub-families that say "this undoes an earlier payment" (ISO 20022 external code sets).
_RETURN_FAMILIES = frozenset({"UPDD", "PRDD", "RCDD", "RRTN"})
_TRUE = frozenset({"true", "1"})
_SIDES = ("Dbtr", "UltmtDbtr", "DbtrAcct", "DbtrAgt"), ("Cdtr", "UltmtCdtr", "CdtrAcct", "CdtrAgt")
_SIDES_TURNED = _SIDES[::-1]
_PERIOD = ("FrDtTm", "FrDt"), ("ToDtTm", "ToDt")

# Left out of the fold: of no use to us, and half of an entry at some banks.
_NEVER_READ = frozenset(
    {"PstlAdr", "CtctDtls", "Avlbty", "CcyXchg", "AddtlStmtInf", "AddtlRptInf", "AddtlNtfctnInf", "Svcr"}
)

# Two of these in one entry would leave it to chance which one counts.
_ONCE = ("Amt", "CdtDbtInd", "Sts", "RvslInd", "BookgDt", "ValDt")
_AMOUNTS = frozenset({"Amt", "TtlChrgsAndTaxAmt"})

# A folded element is its text, or a mapping of local name to folded child (a list where the element repeats). An amount
# is folded to "CCY 12.50", since the currency is an attribute.
Folded = Any
_Balance = tuple[str, Decimal, date | None]  # currency, signed amount, day
_NOTHING: dict[str, Folded] = {}


class _Names(dict[Any, str]):
    """Local names by qualified tag (a file has some forty, so each is cut once); empty for what is never read."""

    def __missing__(self, tag: Any) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        self[tag] = name = "" if name in _NEVER_READ else name
        return name


def read_camt(content: bytes) -> StatementFile:
    """All statements of a camt.052, .053 or .054 message.

    Raises UnreadableStatement if the file is not whole, forbidden (DOCTYPE), or a statement does not add up.
    """
    if b"<!DOCTYPE" in content[:65536].replace(b"\0", b""):
        raise _doctype()
    parser = etree.iterparse(
        BytesIO(content),
        events=("end",),
        tag=("{*}Ntry", *(f"{{*}}{name}" for name in _REPORTS)),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    reader = _MessageReader()
    first = True
    try:
        for _, element in parser:
            # The scan of the first bytes cannot see through every encoding; the parser can.
            if first and element.getroottree().docinfo.internalDTD is not None:
                raise _doctype()
            first = False
            reader.take(element)
    except etree.XMLSyntaxError as error:
        raise _broken_xml(error, content) from None
    return reader.result(parser.root)


def _doctype() -> UnreadableStatement:
    return UnreadableStatement("doctype_forbidden", "the XML declares a DOCTYPE; bank statements never need one")


def _broken_xml(error: etree.XMLSyntaxError, content: bytes) -> UnreadableStatement:
    line, column = error.position
    where = f"line {line}, column {column}"
    text = error.msg or "not well-formed"
    if "encod" in text.lower() or "not proper UTF-8" in text:
        return UnreadableStatement("encoding", f"the bytes are not in the declared encoding: {text}", where)
    tail = content[-200:].replace(b"\0", b"").rstrip()
    if not re.search(rb"</(?:[A-Za-z0-9_.-]+:)?[A-Za-z0-9_.-]+\s*>$", tail) or "Premature end" in text:
        return UnreadableStatement("truncated", f"the XML stops before its end: {text}", where)
    return UnreadableStatement("malformed", f"the XML is not well-formed: {text}", where)


class _MessageReader:
    """Gathers reports while the parser runs; `result` is for after the end of the document."""

    def __init__(self) -> None:
        self.names = _Names()
        self.format = ""
        self.created: str | None = None
        self.report: _Report | None = None
        self.statements: list[Statement] = []
        self.rows = 0

    def take(self, element: Any) -> None:
        """An entry or a report that has just ended."""
        if self.names[element.tag] == "Ntry":
            parent = element.getparent()
            if self.report is None:
                self.open(parent)
            elif self.names[parent.tag] not in _REPORTS:
                raise UnreadableStatement("malformed", "an entry stands inside another element than its statement")
            assert self.report is not None
            self.report.take(_fold(element, self.names))
            # An entry is dropped once the next has been read, or a large file would be held whole.
            previous = element.getprevious()
            if previous is not None and previous.tag == element.tag:
                parent.remove(previous)
            return
        if self.report is None:
            self.open(element)
        assert self.report is not None
        statement = self.report.closed(self.header_of(element, at_first_entry=False))
        self.report = None
        self.rows += statement.entry_count
        self.statements.append(statement)
        element.clear()

    def name(self, message: Any) -> None:
        """Notes which message this is, and its version where the namespace tells."""
        if not self.format:
            version = _VERSION.search(message.tag)
            self.format = version[0] if version else _MESSAGES[self.names[message.tag]]

    def header_of(self, element: Any, *, at_first_entry: bool) -> dict[str, Folded]:
        """What stands before the entries; at the end, everything but them. The two must agree, see `closed`.

        The parser runs ahead of its events, so at the first entry later elements may or may not be there already.
        """
        children = list(element)
        if at_first_entry:
            names = [self.names[child.tag] for child in children]
            children = children[: names.index("Ntry")] if "Ntry" in names else children
        header = _fold(children, self.names)
        header.pop("Ntry", None)  # the last entries, which have had their own event
        return header

    def open(self, element: Any) -> None:
        """Starts a report on its header, which the schema puts before the entries."""
        message = element.getparent()
        if self.names[element.tag] not in _REPORTS or message is None or self.names[message.tag] not in _MESSAGES:
            raise UnreadableStatement(
                "malformed", "entries stand outside a statement, or a statement outside a message"
            )
        self.name(message)
        is_statement, number = self.names[element.tag] == "Stmt", len(self.statements) + 1
        group = next((child for child in message if self.names[child.tag] == "GrpHdr"), None)
        header = self.header_of(element, at_first_entry=True)
        if "CreDtTm" not in header and group is not None:
            self.created = _text(_fold(group, self.names), "CreDtTm")
        self.report = _Report(header, self.format, is_statement, number, self.rows, self.created)

    def result(self, root: Any) -> StatementFile:
        if self.statements:
            return StatementFile(self.format, tuple(self.statements))
        message = next((element for element in root.iter() if self.names[element.tag] in _MESSAGES), None)
        if message is None:
            raise UnreadableStatement("unknown_format", "XML, but no camt.052, camt.053 or camt.054 message in it")
        self.name(message)
        raise UnreadableStatement("no_statement", f"the {self.format} message holds no statement")


def _fold(element: Any, names: _Names) -> dict[str, Folded]:
    """Nested mappings of local names: one walk in place of many searches, which is what makes a large file quick."""
    folded: dict[str, Folded] = {}
    for child in element:
        name = names[child.tag]
        if not name:
            continue
        value: Folded = child.text
        if value is None or value.isspace():
            value = _fold(child, names) or ""
        if name in _AMOUNTS and value.__class__ is str:
            value = f"{child.get('Ccy', '')} {value.strip()}"
        if name in folded:
            earlier = folded[name]
            if earlier.__class__ is list:
                earlier.append(value)
            else:
                folded[name] = [earlier, value]
        else:
            folded[name] = value
    return folded


def _all(folded: Folded, name: str) -> list[Folded]:
    """Every child of that name."""
    value = folded.get(name) if folded.__class__ is dict else None
    if value is None:
        return []
    return value if value.__class__ is list else [value]


def _at(folded: Folded, *path: str) -> Folded:
    """The first element at a path, or None."""
    for name in path:
        if folded.__class__ is not dict:
            return None
        folded = folded.get(name)
        if folded.__class__ is list:
            folded = folded[0]
    return folded


def _text(folded: Folded, *path: str) -> str | None:
    """The text at a path, trimmed; None when absent, empty or no text."""
    for name in path:
        if folded.__class__ is not dict:
            return None
        folded = folded.get(name)
        if folded.__class__ is list:
            folded = folded[0]
    return folded.strip() or None if folded.__class__ is str else None


def _money(value: Folded) -> tuple[str, Decimal]:
    """Currency and unsigned amount of a folded amount element."""
    if not isinstance(value, str):
        raise UnreadableStatement("invalid_amount", "an amount element is missing")
    currency, _, amount = value.partition(" ")
    return currency, dot_amount(amount)


def _signed(amount: Decimal, indicator: Folded) -> Decimal:
    if isinstance(indicator, str):
        indicator = indicator.strip()
    if indicator == "CRDT":
        return amount
    if indicator == "DBIT":
        return -amount
    raise UnreadableStatement("malformed", f"credit/debit indicator is {indicator!r}: CRDT or DBIT expected")


def _date(folded: Folded) -> date | None:
    """The date of a date-or-date-time choice, or None when absent."""
    if folded.__class__ is not dict:
        return None
    value = folded.get("Dt") or folded.get("DtTm")
    if value.__class__ is not str:
        value = _text(folded, "Dt") or _text(folded, "DtTm")
    return iso_date(value.strip()) if value else None


class _Report:
    """One `Stmt`, `Rpt` or `Ntfctn`: its header first, then its entries one by one, then the sums."""

    def __init__(
        self,
        header: Folded,
        format: str,
        is_statement: bool,
        number: int,
        rows_before: int,
        created: str | None,
    ) -> None:
        self.header = header
        self.created = _text(header, "CreDtTm") or created
        self.format = format
        self.is_statement = is_statement
        self.number = number
        self.rows_before = rows_before
        self.rows: list[Entry] = []
        self.read = 0
        self.all_booked = True
        self.credits = self.debits = Decimal(0)
        identification = _at(header, "Acct", "Id")
        account = account_number(
            _text(identification, "IBAN")
            or _text(identification, "Othr", "Id")
            or _text(identification, "BBAN")
            or _text(identification, "PrtryAcct", "Id")
        )
        self.owner = normalise(_text(header, "Acct", "Ownr", "Nm") or _text(header, "Acct", "Ownr", "Pty", "Nm"))
        try:
            if account is None:
                raise UnreadableStatement("missing_account", "the statement names no account")
            self.account = account
            self._read_header()
        except UnreadableStatement as error:
            raise error.located(f"statement {number}", account) from None

    def _read_header(self) -> None:
        opening, closing = self._balances()
        if self.is_statement and (opening is None or closing is None):
            raise UnreadableStatement("balance_missing", "no opening or no closing balance: it cannot be checked")
        self.currency = _text(self.header, "Acct", "Ccy")
        for balance in (opening, closing):
            if balance is not None:
                self.currency = self.currency or balance[0]
                if balance[0] != self.currency:
                    raise UnreadableStatement(
                        "currency_mismatch", f"balance in {balance[0]}, account in {self.currency}"
                    )
        period = _at(self.header, "FrToDt")
        from_on, to_on = (
            next((iso_date(text) for name in names if (text := _text(period, name))), None) for names in _PERIOD
        )
        self.opening_amount: Decimal | None = opening[1] if opening else None
        self.opening_on: date | None = opening[2] if opening else None
        self.closing_amount: Decimal | None = closing[1] if closing else None
        self.closing_on: date | None = closing[2] if closing else None
        self.from_on, self.to_on = from_on or self.opening_on, to_on or self.closing_on
        self.statement_id = _text(self.header, "Id")
        self.sequence_no = self._sequence()
        self.key = statement_key(
            self.account,
            self.currency,
            self.statement_id,
            self.sequence_no,
            self.from_on,
            self.to_on,
            self.opening_amount,
            self.closing_amount,
        )

    def take(self, folded: dict[str, Folded]) -> None:
        """Adds one entry."""
        self.read += 1
        try:
            for name in _ONCE:
                if folded.get(name).__class__ is list:
                    raise UnreadableStatement("malformed", f"{name} stands twice in one entry")
            if not _is_booked(folded):
                self.all_booked = False
                return
            amount = self._entry(folded)
        except UnreadableStatement as error:
            raise error.located(f"statement {self.number}, entry {self.read}", self.account) from None
        if amount < 0:
            self.debits -= amount
        else:
            self.credits += amount

    def closed(self, header: Folded) -> Statement:
        """The statement, once its sums are right."""
        try:
            if header != self.header:
                raise UnreadableStatement("malformed", "account, period or balances stand after the entries")
            if self.is_statement:
                self._check_totals()
        except UnreadableStatement as error:
            raise error.located(f"statement {self.number}", self.account) from None
        return Statement(
            statement_key=self.key,
            format=self.format,
            account_iban=self.account,
            currency=self.currency,
            statement_id=self.statement_id,
            sequence_no=self.sequence_no,
            from_on=self.from_on,
            to_on=self.to_on,
            opening_on=self.opening_on,
            opening_amount=self.opening_amount,
            closing_on=self.closing_on,
            closing_amount=self.closing_amount,
            entry_count=len(self.rows),
            is_informative=not self.is_statement,
            entries=tuple(self.rows),
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
        summary = _at(self.header, "TxsSummry")
        for name, booked in (("TtlCdtNtries", self.credits), ("TtlDbtNtries", self.debits)):
            text = _text(summary, name, "Sum")
            if self.all_booked and text is not None and dot_amount(text) != booked:
                raise UnreadableStatement("control_total_mismatch", f"{name} says {text}, the entries make {booked}")

    def _sequence(self) -> int | None:
        """The electronic sequence number, else the legal one. Zero is what banks write who do not number."""
        for name in ("ElctrncSeqNb", "LglSeqNb"):
            number = _text(self.header, name)
            if number and len(number) <= 18 and is_digits(number) and int(number):
                return int(number)
        return None

    def _balances(self) -> tuple[_Balance | None, _Balance | None]:
        """The opening and the closing booked balance, each None when absent.

        OPBD or the previous closing PRCD opens, CLBD closes; on a page of a longer statement the interim ITBD stands in,
        the first for a missing opening and the last for a missing closing.
        """
        found: dict[str, list[_Balance]] = {}
        for balance in _all(self.header, "Bal"):
            code = _text(balance, "Tp", "CdOrPrtry", "Cd") or _text(balance, "Tp", "Cd") or ""
            if code not in ("OPBD", "PRCD", "CLBD", "ITBD"):
                continue
            currency, amount = _money(_at(balance, "Amt"))
            # Some banks leave the indicator out of a credit balance although the schema wants it.
            signed = _signed(amount, _text(balance, "CdtDbtInd") or "CRDT")
            found.setdefault(code, []).append((currency, signed, _date(_at(balance, "Dt"))))
        interim = found.get("ITBD", [])
        openings = found.get("OPBD") or found.get("PRCD") or interim[:1]
        closings = found.get("CLBD") or interim[-1:]
        opening, closing = (openings[0] if openings else None), (closings[-1] if closings else None)
        return opening, None if closing is opening else closing  # one interim balance cannot be both ends

    # -- entries -----------------------------------------------------------------------------------------------------

    def _entry(self, folded: dict[str, Folded]) -> Decimal:
        """Adds the rows of one booked entry and returns its signed amount."""
        currency, unsigned = _money(folded.get("Amt"))
        if self.currency and currency != self.currency:
            raise UnreadableStatement("currency_mismatch", f"entry in {currency}, account in {self.currency}")
        amount = _signed(unsigned, folded.get("CdtDbtInd"))
        groups = _all(folded, "NtryDtls")
        details = [(group, detail) for group in groups for detail in _all(group, "TxDtls") if isinstance(detail, dict)]
        if len(details) > 1:
            amounts = _detail_amounts(details, currency, amount)
            if amounts is not None:
                for number, ((group, detail), part) in enumerate(zip(details, amounts, strict=True), start=1):
                    self.rows.append(self._row(folded, group, detail, part, currency, number))
                return amount
            # The details do not make up the entry, so nobody can say which payer paid what: kept whole, without them.
            details = [(details[0][0], {})]
        group, detail = details[0] if details else ((groups[0] if groups else None), {})
        self.rows.append(self._row(folded, group, detail, amount, currency, 0))
        return amount

    def _row(
        self,
        entry: dict[str, Folded],
        group: Folded,
        detail: dict[str, Folded],
        amount: Decimal,
        currency: str,
        number: int,
    ) -> Entry:
        valued_on = _date(entry.get("ValDt"))
        references = detail.get("Refs")
        if not isinstance(references, dict):
            references = _NOTHING
        code, family = _transaction_code(detail.get("BkTxCd"))
        if code is None:
            code, family = _transaction_code(entry.get("BkTxCd"))
        return_info = detail.get("RtrInf")
        is_reversal = entry.get("RvslInd") in _TRUE
        is_return = is_reversal or return_info is not None or family in _RETURN_FAMILIES
        name, account, bic = self._counterparty(detail, amount, is_return)
        original_amount, original_currency = _original(detail, entry, abs(amount))
        texts, structured, documents = _remittance(detail.get("RmtInf"))
        if not texts and "RmtInf" not in detail and not number:
            additional = detail.get("AddtlTxInf") or entry.get("AddtlNtryInf")
            texts = [additional] if isinstance(additional, str) else []
        kind, structured_reference = structured[0] if structured else (None, None)
        return Entry(
            ordinal=self.rows_before + len(self.rows) + 1,
            detail_ordinal=number,
            statement_key=self.key,
            account_iban=self.account,
            booked_on=_date(entry.get("BookgDt")) or self._booking_day(valued_on),
            valued_on=valued_on,
            amount=amount,
            currency=currency,
            bank_reference=identifier(
                references.get("AcctSvcrRef") or entry.get("AcctSvcrRef") or entry.get("NtryRef")
            ),
            end_to_end_id=identifier(references.get("EndToEndId")),
            mandate_id=identifier(references.get("MndtId")),
            creditor_id=_creditor_id(detail),
            counterparty_name=name,
            counterparty_iban=account,
            counterparty_bic=bic,
            structured_reference=structured_reference,
            structured_reference_kind=kind,
            remittance=one_line(" ".join(texts)) if texts else None,
            is_return=is_return,
            is_reversal=is_reversal,
            return_reason=None if return_info is None else _return_reason(return_info),
            transaction_code=code,
            payment_batch_id=identifier(references.get("PmtInfId") or _at(group, "Btch", "PmtInfId")),
            charges_amount=_charges(detail) or (None if number else _charges(entry)),
            original_amount=original_amount,
            original_currency=original_currency,
            parser_version=PARSER_VERSION,
            referred_documents=documents,
            further_references=tuple(structured[1:]),
        )

    def _booking_day(self, valued_on: date | None) -> date:
        """Where the bank gives an entry no booking date: the day the statement closes, or the report was made."""
        if self.closing_on is not None:
            return self.closing_on
        if valued_on is not None:
            return valued_on
        if self.created is None:
            raise UnreadableStatement("invalid_date", "the entry has no booking date, nor has the statement")
        return iso_date(self.created)

    def _counterparty(
        self, detail: dict[str, Folded], amount: Decimal, is_return: bool
    ) -> tuple[str | None, str | None, str | None]:
        """Name, account and BIC of the other side: the debtor of a credit, the creditor of a debit.

        A return names the parties of the payment it undoes, so there the order turns; and whoever the bank means, the
        other side is never the owner of this account.
        """
        parties, agents = detail.get("RltdPties"), detail.get("RltdAgts")
        if not isinstance(parties, dict) and not isinstance(agents, dict):
            return None, None, None
        only_bic = None
        for role, ultimate, account_of, agent in _SIDES if (amount > 0) != is_return else _SIDES_TURNED:
            holder = _at(parties, account_of, "Id")
            account = None
            if holder is not None:
                account = account_number(_text(holder, "IBAN") or _text(holder, "Othr", "Id"))
            name = _party_name(parties, role, ultimate)
            bic = None
            if agents is not None:
                institution = _at(agents, agent, "FinInstnId")
                bic = _text(institution, "BICFI") or _text(institution, "BIC")
            if account is None and name is None:
                only_bic = only_bic or bic
            elif account != self.account and (account is not None or not self.owner or normalise(name) != self.owner):
                return name, account, bic
        return None, None, only_bic


def _is_booked(entry: dict[str, Folded]) -> bool:
    """Only BOOK counts. A statement that gives no status holds booked entries by definition of the message."""
    status = entry.get("Sts")
    if isinstance(status, dict):
        status = _text(status, "Cd") or _text(status, "Prtry")
    return status is None or status.strip().upper() in ("BOOK", "")


def _detail_amounts(
    details: list[tuple[Folded, dict[str, Folded]]], currency: str, total: Decimal
) -> list[Decimal] | None:
    """Signed amounts of a batch's details if all are known, in the entry's currency, and add up to it; else None."""
    entry_indicator = "CRDT" if total >= 0 else "DBIT"
    amounts = []
    for _, detail in details:
        value = _at(detail, "Amt")
        if not isinstance(value, str):
            value = _at(detail, "AmtDtls", "TxAmt", "Amt")
        if not isinstance(value, str):
            return None
        detail_currency, unsigned = _money(value)
        if detail_currency != currency:
            return None
        amounts.append(_signed(unsigned, _text(detail, "CdtDbtInd") or entry_indicator))
    return amounts if sum(amounts) == total else None


def _return_reason(return_info: Folded) -> str | None:
    """The reason code (ISO external code, `AC04` and the like) of `RtrInf`, or the bank's own."""
    return _text(return_info, "Rsn", "Cd") or _text(return_info, "Rsn", "Prtry") or _text(return_info, "AddtlInf")


def _transaction_code(code: Folded) -> tuple[str | None, str | None]:
    """`domain/family/sub-family` (or the bank's own code) and the sub-family."""
    if not isinstance(code, dict):
        return None, None
    domain = code.get("Domn")
    if not isinstance(domain, dict):
        return _text(code, "Prtry", "Cd"), None
    family = domain.get("Fmly")
    sub_family = _text(family, "SubFmlyCd")
    return "/".join(part for part in (_text(domain, "Cd"), _text(family, "Cd"), sub_family) if part) or None, sub_family


def _party_name(parties: Folded, *roles: str) -> str | None:
    """The name under the first role that has one: of a party (.02), under `Pty` (.08), or of an agent as party."""
    if parties.__class__ is not dict:
        return None
    for role in roles:
        if role in parties:
            party = _at(parties, role)
            name = _text(party, "Nm") or _text(party, "Pty", "Nm") or _text(party, "Agt", "FinInstnId", "Nm")
            if name is not None:
                return one_line(name)
    return None


def _creditor_id(detail: dict[str, Folded]) -> str | None:
    """The SEPA creditor identifier of a direct debit: `Cdtr/Id/PrvtId/Othr` with scheme name SEPA."""
    creditor = _at(detail, "RltdPties", "Cdtr")
    if creditor is None:
        return None
    identification = _at(creditor, "Id") or _at(creditor, "Pty", "Id")
    for kind in ("PrvtId", "OrgId"):
        for other in _all(_at(identification, kind), "Othr"):
            if (_text(other, "SchmeNm", "Prtry") or _text(other, "SchmeNm", "Cd")) == "SEPA":
                return identifier(_text(other, "Id"))
    return None


def _charges(folded: dict[str, Folded]) -> Decimal | None:
    """Total charges: `TtlChrgsAndTaxAmt`, else the records (.04 and later) or repeated `Chrgs` (.02), credits deducted."""
    if "Chrgs" not in folded:
        return None
    blocks = _all(folded, "Chrgs")
    total = Decimal(0)
    for block in blocks:
        whole = _at(block, "TtlChrgsAndTaxAmt")
        if isinstance(whole, str):
            total += _money(whole)[1]
            continue
        for record in _all(block, "Rcrd") or [block]:
            value = _at(record, "Amt")
            if isinstance(value, str):
                amount = _money(value)[1]
                total += -amount if _text(record, "CdtDbtInd") == "CRDT" else amount
    return total or None


def _original(
    detail: dict[str, Folded], entry: dict[str, Folded], booked: Decimal
) -> tuple[Decimal | None, str | None]:
    """The instructed amount and its currency, when it differs from what was booked."""
    if "AmtDtls" not in detail and "AmtDtls" not in entry:
        return None, None
    value = _at(detail, "AmtDtls", "InstdAmt", "Amt") or _at(entry, "AmtDtls", "InstdAmt", "Amt")
    if not isinstance(value, str):
        return None, None
    booked_currency = entry["Amt"].partition(" ")[0]
    currency, _, text = value.partition(" ")
    if currency == booked_currency and dot_amount(text) == booked:
        return None, None
    try:
        return dot_amount(text), currency
    except UnreadableStatement as error:
        # A foreign amount with three decimals is no reason to lose the money that was booked in our own.
        if error.code == "too_many_decimals":
            return None, currency
        raise


def _remittance(folded: Folded) -> tuple[list[str], list[tuple[str | None, str]], tuple[str, ...]]:
    """Free texts, (kind, creditor reference) pairs, and document numbers of `RmtInf`."""
    if not isinstance(folded, dict):
        return [], [], ()
    texts = [text for text in _all(folded, "Ustrd") if isinstance(text, str)]
    if "Strd" not in folded:
        return texts, [], ()
    references: list[tuple[str | None, str]] = []
    documents: list[str] = []
    for block in _all(folded, "Strd"):
        holder = _at(block, "CdtrRefInf")
        written = normalise(_text(holder, "Ref"))
        if written:
            references.append((reference_of_kind(_text(holder, "Tp", "Issr"), written), written))
        for document in _all(block, "RfrdDocInf"):
            number = identifier(_text(document, "Nb"))
            if number:
                documents.append(number)
        texts.extend(text for text in _all(block, "AddtlRmtInf") if isinstance(text, str))
    return texts, references, tuple(documents)

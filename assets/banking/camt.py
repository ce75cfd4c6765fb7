"""ISO 20022 bank-to-customer messages: camt.053 statements, and camt.052/.054 as informative.

Versions .01 to .14 are read alike, by local element names: between .02 and .08 only a few elements moved (status under
`Sts/Cd`, parties under `Pty`, `BICFI` for `BIC`, the amount of a detail under `TxDtls/Amt`), and both places are tried.
The file is streamed entry by entry; nothing is handed out before the last byte has been seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any

from lxml import etree

from assets.banking.keys import statement_key
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from assets.banking.structured import reference_of_kind
from assets.banking.values import account_number, dot_amount, identifier, iso_date, normalise, one_line

PARSER_VERSION = "camt-1"

# Local name of a message: its format, and the element that holds one account's report. The first version had a suffix.
_MESSAGES = {
    "BkToCstmrStmt": ("camt.053", "Stmt"),
    "BkToCstmrStmtV01": ("camt.053", "Stmt"),
    "BkToCstmrAcctRpt": ("camt.052", "Rpt"),
    "BkToCstmrAcctRptV01": ("camt.052", "Rpt"),
    "BkToCstmrDbtCdtNtfctn": ("camt.054", "Ntfctn"),
    "BkToCstmrDbtCdtNtfctnV01": ("camt.054", "Ntfctn"),
}
_VERSION = re.compile(r"camt\.05[234]\.001\.\d\d")

# External bank transaction sub-families that say "this undoes an earlier payment" (ISO 20022 external code sets).
_RETURN_FAMILIES = frozenset({"UPDD", "PRDD", "RCDD", "RRTN"})
_TRUE = frozenset({"true", "1"})
_STATEMENT_DATES = ("FrDtTm", "FrDt"), ("ToDtTm", "ToDt")

# A folded element is its text, or a mapping of local name to folded child (a list where the element repeats). An amount
# is folded to "CCY 12.50", since the currency is an attribute.
Folded = Any


class _Names(dict[Any, str]):
    """Local element names by qualified tag; a file has some forty, so each is cut once."""

    def __missing__(self, tag: Any) -> str:
        name = tag.rpartition("}")[2] if isinstance(tag, str) else ""
        self[tag] = name
        return name


def read_camt(content: bytes) -> StatementFile:
    """All statements of a camt.052, .053 or .054 message.

    Raises UnreadableStatement if the file is not whole, forbidden (DOCTYPE), or a statement does not add up.
    """
    if b"<!DOCTYPE" in content[:65536].replace(b"\0", b""):
        raise _doctype()
    reader = _MessageReader()
    try:
        for event, element in _events(content):
            reader.take(event, element)
    except etree.XMLSyntaxError as error:
        raise _broken_xml(error, content) from None
    return reader.result()


def _events(content: bytes) -> Iterator[tuple[str, Any]]:
    parser = etree.iterparse(
        BytesIO(content),
        events=("start", "end"),
        tag=("{*}Document", "{*}Stmt", "{*}Rpt", "{*}Ntfctn", "{*}Ntry", *(f"{{*}}{name}" for name in _MESSAGES)),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    first = True
    for event, element in parser:
        # The scan of the first bytes cannot see through every encoding; the parser can.
        if first and element.getroottree().docinfo.internalDTD is not None:
            raise _doctype()
        first = False
        yield event, element


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
        self.report_name = ""
        self.pending: list[Folded] = []
        self.statements: list[Statement] = []
        self.rows = 0

    def take(self, event: str, element: Any) -> None:
        name = self.names[element.tag]
        if event == "start":
            if name in _MESSAGES and not self.format:
                self.format, self.report_name = _MESSAGES[name]
                version = _VERSION.search(element.tag)
                if version is not None:
                    self.format = version[0]
        elif name == "Ntry":
            folded = _fold(element, self.names)
            self.pending.append(folded if isinstance(folded, dict) else {})
            element.clear()
            # The emptied entry before this one goes too, or a large file leaves a long trail of them in memory.
            previous = element.getprevious()
            if previous is not None and previous.tag == element.tag:
                element.getparent().remove(previous)
        elif name == self.report_name:
            self.finish(element)

    def finish(self, element: Any) -> None:
        header = _fold(element, self.names)
        entries, self.pending = self.pending, []
        number = len(self.statements) + 1
        report = _Report(header if isinstance(header, dict) else {}, self.format, self.report_name == "Stmt")
        try:
            statement = report.statement(entries, self.rows)
        except UnreadableStatement as error:
            raise error.located(f"statement {number}", report.account) from None
        self.rows += statement.entry_count
        self.statements.append(statement)
        element.clear()

    def result(self) -> StatementFile:
        if not self.format:
            raise UnreadableStatement("unknown_format", "XML, but no camt.052, camt.053 or camt.054 message in it")
        if not self.statements:
            raise UnreadableStatement("no_statement", f"the {self.format} message holds no statement")
        return StatementFile(self.format, tuple(self.statements))


def _fold(element: Any, names: _Names) -> Folded:
    """Nested mappings of local names: one walk in place of many searches, which is what makes a large file quick."""
    folded: dict[str, Folded] = {}
    for child in element:
        name = names[child.tag]
        value: Folded
        if len(child):
            value = _fold(child, names)
        else:
            value = child.text
            if name.endswith("Amt"):
                value = f"{child.get('Ccy', '')} {(value or '').strip()}"
            elif value is None:
                value = ""
        if name in folded:
            earlier = folded[name]
            if isinstance(earlier, list):
                earlier.append(value)
            else:
                folded[name] = [earlier, value]
        else:
            folded[name] = value
    return folded


def _all(folded: Folded, name: str) -> list[Folded]:
    """Every child of that name."""
    if not isinstance(folded, dict):
        return []
    value = folded.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _at(folded: Folded, *path: str) -> Folded:
    """The first element at a path, or None."""
    for name in path:
        if not isinstance(folded, dict):
            return None
        folded = folded.get(name)
        if isinstance(folded, list):
            folded = folded[0]
    return folded


def _text(folded: Folded, *path: str) -> str | None:
    value = _at(folded, *path)
    return value.strip() or None if isinstance(value, str) else None


def _money(value: Folded) -> tuple[str, Decimal]:
    """Currency and unsigned amount of a folded amount element."""
    if not isinstance(value, str):
        raise UnreadableStatement("invalid_amount", "an amount element is missing")
    currency, _, amount = value.partition(" ")
    return currency, dot_amount(amount)


def _signed(amount: Decimal, indicator: str | None) -> Decimal:
    if indicator == "CRDT":
        return amount
    if indicator == "DBIT":
        return -amount
    raise UnreadableStatement("malformed", f"credit/debit indicator is {indicator!r}: CRDT or DBIT expected")


def _date(folded: Folded) -> Any:
    """The date of a date-or-date-time choice, or None when absent."""
    value = _text(folded, "Dt") or _text(folded, "DtTm")
    return None if value is None else iso_date(value)


class _Report:
    """One `Stmt`, `Rpt` or `Ntfctn`: its header first, then the entries that were folded before it closed."""

    def __init__(self, header: Folded, format: str, is_statement: bool) -> None:
        self.header = header
        self.format = format
        self.is_statement = is_statement
        identification = _at(header, "Acct", "Id")
        self.account = account_number(_text(identification, "IBAN") or _text(identification, "Othr", "Id"))
        self.owner = normalise(_text(header, "Acct", "Ownr", "Nm") or _text(header, "Acct", "Ownr", "Pty", "Nm"))

    def statement(self, folded_entries: list[Folded], rows_before: int) -> Statement:
        if self.account is None:
            raise UnreadableStatement("missing_account", "the statement names no account")
        currency = _text(self.header, "Acct", "Ccy")
        opening, closing = self._balances()
        for balance in (opening, closing):
            if balance is not None:
                currency = currency or balance[0]
                if balance[0] != currency:
                    raise UnreadableStatement("currency_mismatch", f"balance in {balance[0]}, account in {currency}")
        if self.is_statement and (opening is None or closing is None):
            raise UnreadableStatement("balance_missing", "no opening or no closing balance: it cannot be checked")
        drafts: list[dict[str, Any]] = []
        total = credits = debits = Decimal(0)
        all_booked = True
        closing_on = closing[2] if closing else None
        for number, folded in enumerate(folded_entries, start=1):
            try:
                if not _is_booked(folded):
                    all_booked = False
                    continue
                amount = self._entry(folded, currency, closing_on, drafts)
            except UnreadableStatement as error:
                raise error.located(f"entry {number}", self.account) from None
            total += amount
            if amount < 0:
                debits -= amount
            else:
                credits += amount
        if self.is_statement and opening and closing and opening[1] + total != closing[1]:
            raise UnreadableStatement(
                "control_total_mismatch",
                f"opening {opening[1]} and booked entries {total} make {opening[1] + total}, closing is {closing[1]}",
            )
        if self.is_statement and all_booked:
            self._check_summary(credits, debits)
        return self._built(drafts, currency, opening, closing, rows_before)

    def _built(
        self, drafts: list[dict[str, Any]], currency: str | None, opening: Any, closing: Any, rows_before: int
    ) -> Statement:
        assert self.account is not None
        period = _at(self.header, "FrToDt")
        from_on, to_on = (next((iso_date(t) for n in names if (t := _text(period, n))), None) for names in _STATEMENT_DATES)
        opening_on, opening_amount = (opening[2], opening[1]) if opening else (None, None)
        closing_on, closing_amount = (closing[2], closing[1]) if closing else (None, None)
        from_on, to_on = from_on or opening_on, to_on or closing_on
        statement_id = _text(self.header, "Id")
        sequence_no = self._sequence()
        key = statement_key(
            self.account, currency, statement_id, sequence_no, from_on, to_on, opening_amount, closing_amount
        )
        account = self.account
        entries = tuple(
            Entry(ordinal=ordinal, statement_key=key, account_iban=account, parser_version=PARSER_VERSION, **draft)
            for ordinal, draft in enumerate(drafts, start=rows_before + 1)
        )
        return Statement(
            statement_key=key,
            format=self.format,
            account_iban=account,
            currency=currency,
            statement_id=statement_id,
            sequence_no=sequence_no,
            from_on=from_on,
            to_on=to_on,
            opening_on=opening_on,
            opening_amount=opening_amount,
            closing_on=closing_on,
            closing_amount=closing_amount,
            entry_count=len(entries),
            is_informative=not self.is_statement,
            entries=entries,
        )

    def _sequence(self) -> int | None:
        """The electronic sequence number, else the legal one. Zero is what banks write who do not number."""
        for name in ("ElctrncSeqNb", "LglSeqNb"):
            number = _text(self.header, name)
            if number and number.isascii() and number.isdigit() and int(number):
                return int(number)
        return None

    def _balances(self) -> tuple[Any, Any]:
        """(currency, signed amount, date) of the opening and the closing booked balance, each None when absent.

        OPBD or the previous closing PRCD opens, CLBD closes; on a page of a longer statement the interim ITBD stands in,
        the first for a missing opening and the last for a missing closing.
        """
        found: dict[str, list[Any]] = {}
        for balance in _all(self.header, "Bal"):
            code = _text(balance, "Tp", "CdOrPrtry", "Cd") or _text(balance, "Tp", "Cd") or ""
            if code not in ("OPBD", "PRCD", "CLBD", "ITBD"):
                continue
            currency, amount = _money(_at(balance, "Amt"))
            # Some banks leave the indicator out of a credit balance although the schema wants it.
            signed = _signed(amount, _text(balance, "CdtDbtInd") or "CRDT")
            found.setdefault(code, []).append((currency, signed, _date(_at(balance, "Dt"))))
        interim = found.get("ITBD", [])
        opening = (found.get("OPBD") or found.get("PRCD") or interim[:1] or [None])[0]
        closing = (found.get("CLBD") or interim[-1:] or [None])[-1]
        if opening is closing:  # one interim balance cannot be both ends
            closing = None
        return opening, closing

    def _check_summary(self, credits: Decimal, debits: Decimal) -> None:
        """The bank's own sums, where given: two lost entries that cancel out would pass the balance check."""
        summary = _at(self.header, "TxsSummry")
        for name, booked in (("TtlCdtNtries", credits), ("TtlDbtNtries", debits)):
            text = _text(summary, name, "Sum")
            if text is not None and dot_amount(text) != booked:
                raise UnreadableStatement("control_total_mismatch", f"{name} says {text}, the entries make {booked}")

    # -- entries -----------------------------------------------------------------------------------------------------

    def _entry(self, folded: Folded, account_currency: str | None, closing_on: Any, drafts: list[dict[str, Any]]) -> Decimal:
        """Adds the rows of one booked entry to `drafts` and returns its signed amount."""
        currency, unsigned = _money(folded.get("Amt"))
        if account_currency and currency != account_currency:
            raise UnreadableStatement("currency_mismatch", f"entry in {currency}, account in {account_currency}")
        amount = _signed(unsigned, _text(folded, "CdtDbtInd"))
        valued_on = _date(folded.get("ValDt"))
        booked_on = _date(folded.get("BookgDt")) or closing_on or valued_on
        if booked_on is None:  # only a report without balances gets here; the schema demands when it was made
            created = _text(self.header, "CreDtTm")
            if created is None:
                raise UnreadableStatement("invalid_date", "the entry has no booking date, nor has the statement")
            booked_on = iso_date(created)
        base = {
            "booked_on": booked_on,
            "valued_on": valued_on,
            "currency": currency,
            "is_reversal": _text(folded, "RvslInd") in _TRUE,
        }
        details = [
            (group, detail)
            for group in _all(folded, "NtryDtls")
            for detail in _all(group, "TxDtls")
            if isinstance(detail, dict)
        ]
        if len(details) > 1:
            amounts = _detail_amounts(details, currency, amount)
            if amounts is not None:
                for number, ((group, detail), part) in enumerate(zip(details, amounts, strict=True), start=1):
                    drafts.append(base | self._facts(folded, group, detail, part, number))
                return amount
            # The details do not make up the entry, so nobody can say which payer paid what: kept whole, without them.
            drafts.append(base | self._facts(folded, details[0][0], {}, amount, 0))
            return amount
        group, detail = details[0] if details else (_at(folded, "NtryDtls"), {})
        drafts.append(base | self._facts(folded, group, detail, amount, 0))
        return amount

    def _facts(self, entry: Folded, group: Folded, detail: Folded, amount: Decimal, number: int) -> dict[str, Any]:
        references = detail.get("Refs") if detail else None
        if not isinstance(references, dict):
            references = {}
        return_info = _at(detail, "RtrInf")
        code, family = _transaction_code(detail)
        if code is None:
            code, family = _transaction_code(entry)
        is_return = return_info is not None or family in _RETURN_FAMILIES or _text(entry, "RvslInd") in _TRUE
        name, account, bic = self._counterparty(detail, amount, is_return)
        original = _original(detail, entry, abs(amount))
        facts: dict[str, Any] = {
            "detail_ordinal": number,
            "amount": amount,
            "bank_reference": identifier(
                references.get("AcctSvcrRef") or _text(entry, "AcctSvcrRef") or _text(entry, "NtryRef")
            ),
            "end_to_end_id": identifier(_text(references, "EndToEndId")),
            "mandate_id": identifier(_text(references, "MndtId")),
            "creditor_id": _creditor_id(detail),
            "counterparty_name": name,
            "counterparty_iban": account,
            "counterparty_bic": bic,
            "is_return": is_return,
            "return_reason": _text(return_info, "Rsn", "Cd") or _text(return_info, "Rsn", "Prtry"),
            "transaction_code": code,
            "payment_batch_id": identifier(_text(references, "PmtInfId") or _text(group, "Btch", "PmtInfId")),
            "charges_amount": _charges(detail) or (_charges(entry) if not number else None),
            "original_amount": original[0],
            "original_currency": original[1],
        }
        remittance = detail.get("RmtInf") if detail else None
        texts = [text for text in _all(remittance, "Ustrd") if isinstance(text, str)]
        if isinstance(remittance, dict) and "Strd" in remittance:
            _structured_remittance(remittance, texts, facts)
        if not texts and remittance is None and not number:
            additional = _text(detail, "AddtlTxInf") or _text(entry, "AddtlNtryInf")
            texts = [additional] if additional else []
        facts["remittance"] = one_line(" ".join(texts))
        return facts

    def _counterparty(
        self, detail: Folded, amount: Decimal, is_return: bool
    ) -> tuple[str | None, str | None, str | None]:
        """Name, account and BIC of the other side: the debtor of a credit, the creditor of a debit.

        A return names the parties of the payment it undoes, so there the order turns; and whoever the bank means, the
        other side is never the owner of this account.
        """
        parties, agents = _at(detail, "RltdPties"), _at(detail, "RltdAgts")
        if parties is None and agents is None:
            return None, None, None
        order = ("Dbtr", "Cdtr") if (amount > 0) != is_return else ("Cdtr", "Dbtr")
        fallback = None, None, None
        for role in order:
            holder = _at(parties, f"{role}Acct", "Id")
            account = account_number(_text(holder, "IBAN") or _text(holder, "Othr", "Id"))
            name = _party_name(parties, role) or _party_name(parties, f"Ultmt{role}")
            institution = _at(agents, f"{role}Agt", "FinInstnId")
            bic = _text(institution, "BICFI") or _text(institution, "BIC")
            if account is None and name is None:
                if bic and fallback[2] is None:
                    fallback = None, None, bic
                continue
            if account == self.account or (account is None and normalise(name) == self.owner != ""):
                continue
            return name, account, bic
        return fallback


def _is_booked(entry: Folded) -> bool:
    """Only BOOK counts. A statement that gives no status holds booked entries by definition of the message."""
    status = entry.get("Sts")
    if isinstance(status, dict):
        status = _text(status, "Cd") or _text(status, "Prtry")
    return status is None or status.strip().upper() in ("BOOK", "")


def _detail_amounts(details: list[tuple[Folded, Folded]], currency: str, total: Decimal) -> list[Decimal] | None:
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


def _transaction_code(folded: Folded) -> tuple[str | None, str | None]:
    """`domain/family/sub-family` (or the bank's own code) and the sub-family."""
    code = _at(folded, "BkTxCd")
    if code is None:
        return None, None
    domain = _at(code, "Domn")
    if domain is not None:
        family = _at(domain, "Fmly")
        sub_family = _text(family, "SubFmlyCd")
        parts = (_text(domain, "Cd"), _text(family, "Cd"), sub_family)
        return "/".join(part for part in parts if part) or None, sub_family
    return _text(code, "Prtry", "Cd"), None


def _party_name(parties: Folded, role: str) -> str | None:
    party = _at(parties, role)
    return one_line(_text(party, "Nm") or _text(party, "Pty", "Nm") or _text(party, "Agt", "FinInstnId", "Nm"))


def _creditor_id(detail: Folded) -> str | None:
    """The SEPA creditor identifier of a direct debit: `Cdtr/Id/PrvtId/Othr` with scheme name SEPA."""
    creditor = _at(detail, "RltdPties", "Cdtr")
    identification = _at(creditor, "Id") or _at(creditor, "Pty", "Id")
    for kind in ("PrvtId", "OrgId"):
        for other in _all(_at(identification, kind), "Othr"):
            if (_text(other, "SchmeNm", "Prtry") or _text(other, "SchmeNm", "Cd")) == "SEPA":
                return identifier(_text(other, "Id"))
    return None


def _charges(folded: Folded) -> Decimal | None:
    """Total charges: `TtlChrgsAndTaxAmt`, else the records (.04 and later) or repeated `Chrgs` (.02), credits deducted."""
    blocks = _all(folded, "Chrgs")
    if not blocks:
        return None
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


def _original(detail: Folded, entry: Folded, booked: Decimal) -> tuple[Decimal | None, str | None]:
    """The instructed amount and its currency, when it differs from what was booked."""
    value = _at(detail, "AmtDtls", "InstdAmt", "Amt") or _at(entry, "AmtDtls", "InstdAmt", "Amt")
    if not isinstance(value, str):
        return None, None
    booked_currency = (_at(entry, "Amt") or "").partition(" ")[0]
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


def _structured_remittance(remittance: Folded, texts: list[str], facts: dict[str, Any]) -> None:
    """Creditor references with their kind, document numbers, and additional text of `Strd` blocks."""
    references: list[tuple[str | None, str]] = []
    documents: list[str] = []
    for block in _all(remittance, "Strd"):
        holder = _at(block, "CdtrRefInf")
        written = normalise(_text(holder, "Ref"))
        if written:
            issuer = _text(holder, "Tp", "Issr")
            references.append((reference_of_kind(issuer, written), written))
        for document in _all(block, "RfrdDocInf"):
            number = identifier(_text(document, "Nb"))
            if number:
                documents.append(number)
        texts.extend(text for text in _all(block, "AddtlRmtInf") if isinstance(text, str))
    if references:
        facts["structured_reference_kind"], facts["structured_reference"] = references[0]
        facts["further_references"] = tuple(references[1:])
    facts["referred_documents"] = tuple(documents)

"""ISO 20022 bank-to-customer messages: camt.053 statements, and camt.052/.054 as informative.

Which element becomes which field stands in `camt_elements`; what the fields become, and which sums must agree, in
`camt_rows`. Here the document is walked over, from its first tag to its last: a start tag leads to the element below, a
text goes to its place, and where an element ends that means something, one of the methods `_end_of_...` gathers it.

Rows come out a few thousand at a time, so that the size of a file does not matter. Half of the time of a large file is
spent in `_Reader.take`, which is why it is one flat loop.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

from assets.banking.camt_elements import (
    BALANCE,
    BLOCK_PLACES,
    BOOKED_PLACES,
    CHARGE,
    DETAIL,
    DETAIL_PLACES,
    ENTRY,
    HEADER,
    HEADER_PLACES,
    PLACES,
    PLACES_IN_ALL,
    REFERENCE,
    RETURN,
    SCHEME,
    SCHEMES_AT,
    Block,
    Booked,
    Detail,
    Element,
    Header,
)
from assets.banking.camt_rows import NO_DETAIL, Balance, Details, Report, account_of, amount_of, day_of, signed
from assets.banking.markup import LONGEST_TEXT, unescaped, xml_pieces
from assets.banking.not_statements import ASK_FOR
from assets.banking.statements import Part, UnreadableStatement
from assets.banking.structured import reference_of_kind
from assets.banking.values import dot_amount, identifier, is_digits, normalise, one_line

_DEEPEST = 256
_MOST_NAMES = 5_000
_BEYOND = Decimal(10) ** 16  # of a column of decimal(18,2)
_MOST_WRITINGS = 1_000  # of the tags below one element

# Message element -> the family of its version, and the element that holds one statement or report. The first version of
# each message had a suffix.
_MESSAGES = {
    f"{message}{suffix}": (family, report)
    for message, family, report in (
        ("BkToCstmrStmt", "camt.053", "Stmt"),
        ("BkToCstmrAcctRpt", "camt.052", "Rpt"),
        ("BkToCstmrDbtCdtNtfctn", "camt.054", "Ntfctn"),
    )
    for suffix in ("", "V01")
}
_BEFORE_ENTRIES = frozenset({path.partition("/")[0] for path in HEADER} | {"Bal"})
_REPORTS = frozenset(report for _, report in _MESSAGES.values())
_VERSION = re.compile(r"camt\.05[234]\.001\.[0-9]{2}")
_MESSAGE_OF_NAMESPACE = re.compile(r":xsd:([a-z]{4}\.[0-9]{3})\.")
_START_TAG = re.compile(r"([^\s/>=\"']+)((?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")

# Where the walk puts what it gathers.
_TEXTS, _REFERENCES, _DOCUMENTS = PLACES[Detail, "texts"], PLACES[Detail, "references"], PLACES[Detail, "documents"]
_RETURNED, _RETURN_REASON = PLACES[Detail, "returned"], PLACES[Detail, "return_reason"]
_CREDITOR_ID, _GROUP_BATCH_ID = PLACES[Detail, "creditor_id"], PLACES[Detail, "group_batch_id"]
_BATCH_COUNT, _IS_SUM = PLACES[Booked, "batch_count"], PLACES[Booked, "is_sum"]
_BOOKED_AMOUNT, _BOOKED_CURRENCY = PLACES[Booked, "amount"], PLACES[Booked, "currency"]
_MESSAGE_CREATED = PLACES[Header, "message_created"]
_CHARGE_TOTAL = PLACES[Block, "charge_total"]
_NO_BOOKED, _NO_HEADER, _NO_BLOCK = ((None,) * len(kind._fields) for kind in (Booked, Header, Block))


def camt_parts(source: BinaryIO) -> Iterator[Part]:
    """All entries and statements of a camt.052, .053 or .054 message, as they are read.

    Raises UnreadableStatement if the file is not whole, forbidden (DOCTYPE), or a statement does not add up.
    """
    reader = _Reader()
    try:
        for pieces in xml_pieces(source):
            reader.take(pieces)
            yield from reader.handed_out()
        reader.finish()
    except UnreadableStatement as error:
        raise reader.located(error) from None


class _Reader:
    """Walks over the document and gathers what it says."""

    def __init__(self) -> None:
        # Parts that are ready: chunks of rows, perhaps still to be made, and statements.
        self.ready: list[Iterable[Part]] = []
        self.values: list[Any] = [None] * PLACES_IN_ALL
        self.text = ""
        self.text_length = 0
        self.names: set[str] = set()
        self.ignored = 0
        self.around: list[str] = []  # the start tags that are open outside of a message
        self.family = self.format = ""
        self.statements = self.rows = 0
        self.report: Report | None = None
        self.details = Details()
        self.lone_batch_id: str | None = None
        self.records: Decimal | None = None
        self.balances: dict[str, list[Balance]] = {}
        self._grow()
        self.element = self.outside

    def _grow(self) -> None:
        """The elements that mean something."""
        self.outside = Element()
        self.outside.at_end = self._end_outside
        self.message = Element(self.outside)
        self.message.at_end = self._end_of_message
        self.message.below("GrpHdr/CreDtTm").place = _MESSAGE_CREATED
        statement = self.statement = Element(self.message)
        statement.at_end = self._end_of_report
        statement.holds(Header, HEADER)
        statement.below("Bal").holds(Block, BALANCE)
        statement["Bal"].at_end = self._end_of_balance
        # Nothing but entries counts once there has been one, see `_end_of_entry`.
        self.statement_in_entries = Element(self.message)
        self.statement_in_entries.at_end = self._end_of_report
        entry = self.entry = self.statement_in_entries["Ntry"] = statement.below("Ntry")
        entry.at_end = self._end_of_entry
        entry.holds(Booked, ENTRY)
        self._charges_of(entry, PLACES[Booked, "charges"])
        group = entry.below("NtryDtls")
        group.at_end = self._end_of_group
        group.below("Btch/PmtInfId").place = _GROUP_BATCH_ID
        group.below("Btch/NbOfTxs").at_end = self._end_of_count
        group["Btch"].at_end = entry.below("AddtlInfInd").at_end = self._end_of_sum
        detail = group.below("TxDtls")
        detail.at_end = self._end_of_detail
        detail.holds(Detail, DETAIL)
        self._charges_of(detail, PLACES[Detail, "charges"])
        detail.below("RtrInf").holds(Block, RETURN)
        detail["RtrInf"].at_end = self._end_of_return
        detail.below("RmtInf/Ustrd").at_end = self._end_of_text
        detail.below("RmtInf/Strd").holds(Block, REFERENCE)
        detail.below("RmtInf/Strd/CdtrRefInf").at_end = self._end_of_reference
        detail.below("RmtInf/Strd/RfrdDocInf/Nb").at_end = self._end_of_document_number
        detail.below("RmtInf/Strd/AddtlRmtInf").at_end = self._end_of_text
        for path in SCHEMES_AT:
            detail.below(path).holds(Block, SCHEME)
            detail.below(path).at_end = self._end_of_scheme

    def _charges_of(self, element: Element, place: int) -> None:
        charges = element.below("Chrgs")
        charges.holds(Block, CHARGE)
        charges["Rcrd"].at_end = self._end_of_charge_record
        charges.at_end = lambda _: self._end_of_charges(place)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def handed_out(self) -> Iterator[Part]:
        """What has become ready since it was last asked for."""
        ready, self.ready = self.ready, []
        for parts in ready:
            yield from parts

    def take(self, pieces: Iterable[str]) -> None:
        """Goes on with the document, see `xml_pieces`."""
        element, text, values = self.element, self.text, self.values
        for piece in pieces:
            if piece[0] != "/":
                tag, _, behind = piece.partition(">")
                child = element.get(tag)
                if child is not None:
                    element, text = child, behind
                    continue
                if not tag:
                    text += behind
                    if len(text) > LONGEST_TEXT:
                        raise UnreadableStatement("malformed", f"a text is longer than {LONGEST_TEXT >> 20} MB")
                    continue
                element, text, is_empty = self._started(element, piece)
                if not is_empty:
                    continue
            # The element ends.
            place = element.place
            if place >= 0:
                if "&" in text:
                    text = unescaped(text)
                text = text.strip()
                if text:
                    if values[place] is None:
                        values[place] = text
                        if element.currency:
                            values[place + 1] = element.currency
                    elif element.is_once:
                        raise UnreadableStatement("malformed", f"{text[:40]!r} is said twice in one entry")
            elif element.at_end is not None:
                element.at_end(text)
            element, text = element.parent, ""
        self.element, self.text = element, text

    def _started(self, element: Element, piece: str) -> tuple[Element, str, bool]:
        """A start tag that is met for the first time: its element, the text behind it, and whether it is empty."""
        match = _START_TAG.match(piece)
        if match is None:
            raise UnreadableStatement("malformed", f"{piece[:40]!r} is no tag")
        written, attributes, is_empty = match[1], match[2], match[3] != ""
        behind = "" if is_empty else piece[match.end() :]
        self._remember(written, attributes)
        local = written.rpartition(":")[2]
        if element is self.outside:
            child = self._outside(local, match[0])
        else:
            known = element.get(local)
            child = self._ignored(element, local) if known is None else known
            if child.is_amount and attributes:
                child = child.in_currency(_attribute(attributes, "Ccy"))
            if not is_empty and len(element) < _MOST_WRITINGS:
                element[match[0][:-1]] = child
        return child, behind, is_empty

    def _remember(self, written: str, attributes: str) -> None:
        """Expat keeps every name it ever met, so a file made of names alone would fill the memory."""
        self.names.add(written)
        if attributes:
            self.names.update(name for name, _, _ in _ATTRIBUTE.findall(attributes))
        if len(self.names) > _MOST_NAMES:
            raise _too_many()

    def _outside(self, local: str, tag: str) -> Element:
        if local in _MESSAGES:
            self.family, report = _MESSAGES[local]
            self.format = _format(self.family, [*self.around, tag])
            for name in _REPORTS:
                self.message.pop(name, None)
            self.message[report] = self.statement
            return self.message
        self.around.append(tag if len(tag) < 4_000 else local)
        if len(self.around) > _DEEPEST:
            raise _too_many()
        return self.outside

    def _ignored(self, element: Element, local: str) -> Element:
        """An element that means nothing, and neither does what stands in it."""
        if local == "Ntry" or local in _REPORTS:
            raise UnreadableStatement("malformed", f"{local} stands inside another element than where it belongs")
        if element is self.statement_in_entries and local in _BEFORE_ENTRIES:
            raise UnreadableStatement(
                "malformed", f"{local} stands after the entries: account, period and balances go first"
            )
        self.ignored += 1
        if self.ignored > _MOST_NAMES or element.depth == _DEEPEST:
            raise _too_many()
        element[local] = child = Element(element)
        return child

    def _end_outside(self, _: str) -> None:
        if self.around:
            self.around.pop()

    # -- where elements end ------------------------------------------------------------------------------------------

    def _gathered(self) -> Block:
        """What stood in the block that ends here."""
        block = Block._make(self.values[BLOCK_PLACES])
        self.values[BLOCK_PLACES] = _NO_BLOCK
        return block

    def _append(self, place: int, value: Any) -> None:
        if self.values[place] is None:
            self.values[place] = [value]
        else:
            self.values[place].append(value)

    def _end_of_message(self, _: str) -> None:
        self.values[_MESSAGE_CREATED] = None

    def _end_of_balance(self, _: str) -> None:
        """Of each kind that is of use the first and the last are kept, see `Report`."""
        block = self._gathered()
        code = block.balance_code or ""
        if code not in ("OPBD", "PRCD", "CLBD", "ITBD"):
            return
        # Some banks leave the indicator out of a credit balance although the schema wants it.
        amount = signed(amount_of(block.balance_amount), block.balance_indicator or "CRDT")
        day = day_of(block.balance_day, block.balance_time)
        self.balances.setdefault(code, [])[1:] = [(block.balance_currency or "", amount, day)]

    def _end_of_text(self, text: str) -> None:
        if not text or text.isspace():
            return
        if "&" in text:
            text = unescaped(text)
        if self.values[_TEXTS] is None:
            self.values[_TEXTS] = [text]
        else:
            self.values[_TEXTS].append(text)
        self.text_length += len(text)
        if self.text_length > LONGEST_TEXT:
            raise UnreadableStatement("malformed", f"the texts of an entry are longer than {LONGEST_TEXT >> 20} MB")

    def _end_of_reference(self, _: str) -> None:
        block = self._gathered()
        written = normalise(block.reference)
        if written:
            self._append(_REFERENCES, (reference_of_kind(block.issuer, written), written))

    def _end_of_document_number(self, text: str) -> None:
        number = identifier(unescaped(text))
        if number:
            self._append(_DOCUMENTS, number)

    def _end_of_scheme(self, _: str) -> None:
        """The SEPA creditor identifier of a direct debit is told by the name of its scheme."""
        block = self._gathered()
        if block.scheme == "SEPA" and self.values[_CREDITOR_ID] is None:
            self.values[_CREDITOR_ID] = identifier(block.scheme_id)

    def _end_of_return(self, _: str) -> None:
        """The reason code (ISO external code, `AC04` and the like), or the bank's own, or its words; the first counts.

        Some banks report every collection of a run so, those that succeeded with a reason of zeros: no return.
        """
        block = self._gathered()
        code = (block.reason_code or block.reason_own or "").strip()
        if code and not code.strip("0"):
            return
        self.values[_RETURNED] = True
        if self.values[_RETURN_REASON] is None:
            self.values[_RETURN_REASON] = one_line(block.reason_code or block.reason_own or block.reason_text)

    def _end_of_charge_record(self, _: str) -> None:
        block = self._gathered()
        if block.charge_total is not None:  # said before its records, and it counts
            self.values[_CHARGE_TOTAL : _CHARGE_TOTAL + 2] = block.charge_total, block.charge_total_currency
        charge = self._charge(block.record_amount, block.record_currency, block.record_indicator)
        self.records = charge + (self.records or Decimal(0))

    def _end_of_charges(self, place: int) -> None:
        """The total; else the records (.04 and later), or the amount of one of several `Chrgs` (.02), less credits."""
        block, records, self.records = self._gathered(), self.records, None
        if block.charge_total is not None:
            charge = self._charge(block.charge_total, block.charge_total_currency, None)
        elif records is not None:
            charge = records
        else:
            charge = self._charge(block.charge_amount, block.charge_currency, block.charge_indicator)
        if charge:
            self.values[place] = charge = charge + (self.values[place] or Decimal(0))
            if abs(charge) >= _BEYOND:
                raise UnreadableStatement("invalid_amount", "the charges of an entry make an absurd sum")

    def _charge(self, amount: str | None, currency: str | None, indicator: str | None) -> Decimal:
        """What a charge takes; nothing if it is in another currency than the entry, which cannot be added up."""
        booked_in = self.values[_BOOKED_CURRENCY]
        if amount is None or (currency and booked_in and currency != booked_in):
            return Decimal(0)
        return -dot_amount(amount) if indicator == "CRDT" else dot_amount(amount)

    def _end_of_detail(self, _: str) -> None:
        values = self.values
        detail = Detail._make(values[DETAIL_PLACES])
        self.details.append(detail)
        values[DETAIL_PLACES] = NO_DETAIL
        self.text_length = 0
        values[_GROUP_BATCH_ID] = detail.group_batch_id  # for the other details of this group

    def _end_of_count(self, text: str) -> None:
        """How many payments a batch holds, as the bank counts; batches of one entry are added up."""
        if is_digits(text.strip()) and len(text.strip()) <= 15:
            self.values[_BATCH_COUNT] = (self.values[_BATCH_COUNT] or 0) + int(text)

    def _end_of_sum(self, _: str) -> None:
        """The entry says that it is a batch, or that another message tells what it is made of."""
        self.values[_IS_SUM] = True

    def _end_of_group(self, _: str) -> None:
        if self.lone_batch_id is None:
            self.lone_batch_id = self.values[_GROUP_BATCH_ID]
        self.values[_GROUP_BATCH_ID] = None

    def _end_of_entry(self, _: str) -> None:
        report = self._report()
        self.entry.parent = self.statement_in_entries
        values = self.values
        booked = Booked._make(values[BOOKED_PLACES])
        values[BOOKED_PLACES] = _NO_BOOKED
        details, self.details = self.details, Details()
        batch_id, self.lone_batch_id = self.lone_batch_id, None
        report.take(booked, details, batch_id)
        if report.ready:
            self.ready += report.ready
            report.ready = []

    def _end_of_report(self, _: str) -> None:
        report = self._report()
        statement = report.closed()
        self.ready += [*report.ready, (statement,)]
        self.rows += statement.entry_count
        self.statements += 1
        self.report, self.balances = None, {}
        self.entry.parent = self.statement
        created = self.values[_MESSAGE_CREATED]
        self.values[HEADER_PLACES] = _NO_HEADER
        self.values[_MESSAGE_CREATED] = created

    def _report(self) -> Report:
        """The statement that is being read; it begins with its first entry, or where it ends without any."""
        if self.report is None:
            self.report = Report(
                Header._make(self.values[HEADER_PLACES]),
                self.balances,
                self.format,
                is_statement=self.family == "camt.053",
                number=self.statements + 1,
                rows_before=self.rows,
            )
        return self.report

    # -- the end -----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """For after the last byte: refuses a document that held nothing."""
        if self.statements:
            return
        if self.format:
            raise UnreadableStatement("no_statement", f"the {self.format} message holds no statement")
        raise UnreadableStatement(
            "unknown_format", f"this is XML, but there is no camt.052, camt.053 or camt.054 message in it: {ASK_FOR}"
        )

    def located(self, error: UnreadableStatement) -> UnreadableStatement:
        """The refusal with what is known of its place and account."""
        header = Header._make(self.values[HEADER_PLACES])
        account = self.report.account if self.report else account_of(header)
        where = f"statement {self.statements + 1}"
        if self.values[_BOOKED_AMOUNT] is not None:
            where += f", entry {self.report.read + 1 if self.report else 1}"
        elif account is None and header.statement_id is None:
            where = f"behind statement {self.statements}" if self.statements else "before the first statement"
        return error.located(where, account)


def _too_many() -> UnreadableStatement:
    return UnreadableStatement(
        "malformed", f"more than {_MOST_NAMES} different elements, or elements more than {_DEEPEST} deep: no statement"
    )


def _attribute(attributes: str, wanted: str) -> str:
    """The value of an attribute, empty when it is not there."""
    values = (one or other for name, one, other in _ATTRIBUTE.findall(attributes) if name == wanted)
    return unescaped(next(values, "")).strip()


def _format(family: str, around: Sequence[str]) -> str:
    """The family with its version, where the namespace of the message (the last of the open tags) tells.

    Raises UnreadableStatement if the namespace is that of another message.
    """
    prefix = around[-1].partition(">")[0].split()[0].rpartition(":")[0]
    declares = f"xmlns:{prefix}" if prefix else "xmlns"
    for tag in reversed(around):
        namespace = _attribute(tag, declares)
        if namespace:
            message = _MESSAGE_OF_NAMESPACE.search(namespace)
            if message is not None and message[1] != family:
                raise UnreadableStatement("malformed", f"a {family} message in the namespace of {message[1]}")
            version = _VERSION.search(namespace)
            return version[0] if version and version[0].startswith(family) else family
    return family

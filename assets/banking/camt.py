"""ISO 20022 bank-to-customer messages: camt.053 statements, and camt.052/.054 as informative.

Versions .01 to .14 are read alike, by local element names: between them only a few elements moved (status under `Sts/Cd`,
parties under `Pty`, `BICFI` for `BIC`, the amount of a detail under `TxDtls/Amt`), and every place is listed. Which
element becomes which field stands in the tables `_HEADER`, `_ENTRY` and `_DETAIL`; what repeats or belongs together (a
balance, a charge, a structured reference) is gathered where its element ends, by the methods `_Reader._end_of_...`.

The file is streamed: entries come out a few thousand at a time, so its size does not matter. What a single entry costs is
the time of a large file, hence the flat walk with one dictionary look-up for a start tag and one list item for a text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, BinaryIO, NamedTuple

from assets.banking.keys import statement_key
from assets.banking.markup import LONGEST_TEXT, unescaped, xml_pieces
from assets.banking.not_statements import ASK_FOR
from assets.banking.statements import Entry, Part, Statement, UnreadableStatement
from assets.banking.structured import reference_of_kind
from assets.banking.values import account_number, dot_amount, identifier, is_digits, iso_date, normalise, one_line

PARSER_VERSION = "camt-2"
_CHUNK = 2_000
_DEEPEST = 256
_MOST_NAMES = 5_000

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
_REPORTS = frozenset(report for _, report in _MESSAGES.values())
_VERSION = re.compile(r"camt\.05[234]\.001\.[0-9]{2}")
_MESSAGE_OF_NAMESPACE = re.compile(r":xsd:([a-z]{4}\.[0-9]{3})\.")
_START_TAG = re.compile(r"([^\s/>=\"']+)((?:\s+[^\s=]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>")
_ATTRIBUTE = re.compile(r"([^\s=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_CURRENCY = re.compile(r"[A-Z]{3}")

# External bank transaction sub-families that say "this undoes an earlier payment" (ISO 20022 external code sets).
_RETURN_FAMILIES = frozenset({"UPDD", "PRDD", "RCDD", "RRTN"})
_TRUE = frozenset({"true", "1"})
_NO_TEXT: tuple[str, ...] = ()
# A piece of free text has room for 140 characters, so where one is full the next may go on inside a word.
_FULL_PIECE = 140


class _Header(NamedTuple):
    """What a statement says about itself, but for the balances. Texts as they stand in the file."""

    statement_id: str | None
    electronic_number: str | None
    legal_number: str | None
    created: str | None
    message_created: str | None
    from_time: str | None
    from_day: str | None
    to_time: str | None
    to_day: str | None
    iban: str | None
    other_account: str | None
    currency: str | None
    owner: str | None
    credit_sum: str | None
    debit_sum: str | None


class _Booked(NamedTuple):
    """What an entry says, but for its details."""

    amount: str | None
    currency: str | None
    indicator: str | None
    status: str | None
    reversal: str | None
    booked_day: str | None
    booked_time: str | None
    value_day: str | None
    value_time: str | None
    servicer_reference: str | None
    reference: str | None
    domain: str | None
    family: str | None
    sub_family: str | None
    own_code: str | None
    instructed_amount: str | None
    instructed_currency: str | None
    transaction_amount: str | None
    transaction_currency: str | None
    additional: str | None
    charges: Decimal | None


class _Detail(NamedTuple):
    """What one detail (`TxDtls`) of an entry says."""

    amount: str | None = None
    currency: str | None = None
    indicator: str | None = None
    transaction_amount: str | None = None
    transaction_currency: str | None = None
    instructed_amount: str | None = None
    instructed_currency: str | None = None
    servicer_reference: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    batch_id: str | None = None
    domain: str | None = None
    family: str | None = None
    sub_family: str | None = None
    own_code: str | None = None
    debtor: str | None = None
    ultimate_debtor: str | None = None
    debtor_iban: str | None = None
    debtor_other_account: str | None = None
    debtor_bic: str | None = None
    creditor: str | None = None
    ultimate_creditor: str | None = None
    creditor_iban: str | None = None
    creditor_other_account: str | None = None
    creditor_bic: str | None = None
    creditor_id: str | None = None
    returned: bool | None = None
    return_reason: str | None = None
    additional: str | None = None
    charges: Decimal | None = None
    texts: list[str] | None = None
    references: list[tuple[str | None, str]] | None = None
    documents: list[str] | None = None
    group_batch_id: str | None = None


class _Block(NamedTuple):
    """What is gathered until an element around it ends: of a balance, a charge, a return, a reference, an id."""

    balance_code: str | None
    balance_amount: str | None
    balance_currency: str | None
    balance_indicator: str | None
    balance_day: str | None
    balance_time: str | None
    charge_total: str | None
    charge_total_currency: str | None
    charge_amount: str | None
    charge_currency: str | None
    charge_indicator: str | None
    record_amount: str | None
    record_currency: str | None
    record_indicator: str | None
    reason_code: str | None
    reason_own: str | None
    reason_text: str | None
    issuer: str | None
    reference: str | None
    scheme: str | None
    scheme_id: str | None


# Path below the statement -> field of _Header. Where two paths lead to one field, the first in the file counts.
_HEADER = {
    "Id": "statement_id",
    "ElctrncSeqNb": "electronic_number",
    "LglSeqNb": "legal_number",
    "CreDtTm": "created",
    "FrToDt/FrDtTm": "from_time",
    "FrToDt/FrDt": "from_day",
    "FrToDt/ToDtTm": "to_time",
    "FrToDt/ToDt": "to_day",
    "Acct/Id/IBAN": "iban",
    "Acct/Id/Othr/Id": "other_account",
    "Acct/Id/BBAN": "other_account",
    "Acct/Id/PrtryAcct/Id": "other_account",
    "Acct/Ccy": "currency",
    "Acct/Ownr/Nm": "owner",
    "Acct/Ownr/Pty/Nm": "owner",
    "TxsSummry/TtlCdtNtries/Sum": "credit_sum",
    "TxsSummry/TtlDbtNtries/Sum": "debit_sum",
}
_BALANCE = {
    "Tp/CdOrPrtry/Cd": "balance_code",
    "Tp/Cd": "balance_code",
    "Amt": "balance_amount",
    "CdtDbtInd": "balance_indicator",
    "Dt/Dt": "balance_day",
    "Dt/DtTm": "balance_time",
}
# Path below the entry -> field of _Booked.
_ENTRY = {
    "Amt": "amount",
    "CdtDbtInd": "indicator",
    "Sts": "status",
    "Sts/Cd": "status",
    "Sts/Prtry": "status",
    "RvslInd": "reversal",
    "BookgDt/Dt": "booked_day",
    "BookgDt/DtTm": "booked_time",
    "ValDt/Dt": "value_day",
    "ValDt/DtTm": "value_time",
    "AcctSvcrRef": "servicer_reference",
    "NtryRef": "reference",
    "BkTxCd/Domn/Cd": "domain",
    "BkTxCd/Domn/Fmly/Cd": "family",
    "BkTxCd/Domn/Fmly/SubFmlyCd": "sub_family",
    "BkTxCd/Prtry/Cd": "own_code",
    "AmtDtls/InstdAmt/Amt": "instructed_amount",
    "AmtDtls/TxAmt/Amt": "transaction_amount",
    "AddtlNtryInf": "additional",
}
# Two of these in one entry would leave it to chance which one counts.
_ONCE = frozenset({"amount", "indicator", "status", "reversal", "booked_day", "booked_time", "value_day", "value_time"})
# Path below the detail -> field of _Detail.
_DETAIL = {
    "Amt": "amount",
    "CdtDbtInd": "indicator",
    "AmtDtls/TxAmt/Amt": "transaction_amount",
    "AmtDtls/InstdAmt/Amt": "instructed_amount",
    "Refs/AcctSvcrRef": "servicer_reference",
    "Refs/EndToEndId": "end_to_end_id",
    "Refs/MndtId": "mandate_id",
    "Refs/PmtInfId": "batch_id",
    "BkTxCd/Domn/Cd": "domain",
    "BkTxCd/Domn/Fmly/Cd": "family",
    "BkTxCd/Domn/Fmly/SubFmlyCd": "sub_family",
    "BkTxCd/Prtry/Cd": "own_code",
    **{
        f"{place}/{path}": f"{field}{suffix}"
        for place, field in (("RltdPties/Dbtr", "debtor"), ("RltdPties/Cdtr", "creditor"))
        for path, suffix in (("Nm", ""), ("Pty/Nm", ""), ("Agt/FinInstnId/Nm", ""))
    },
    **{
        f"RltdPties/{role}/{path}": field
        for role, field in (("UltmtDbtr", "ultimate_debtor"), ("UltmtCdtr", "ultimate_creditor"))
        for path in ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")
    },
    **{
        f"RltdPties/{account}/{path}": f"{field}_{kind}"
        for account, field in (("DbtrAcct", "debtor"), ("CdtrAcct", "creditor"))
        for path, kind in (
            ("Id/IBAN", "iban"),
            ("Id/Othr/Id", "other_account"),
            ("Id/BBAN", "other_account"),
            ("Id/PrtryAcct/Id", "other_account"),
            ("Prxy/Id", "other_account"),  # a telephone number or the like that stands for the account
        )
    },
    **{
        f"RltdAgts/{agent}/FinInstnId/{path}": field
        for agent, field in (("DbtrAgt", "debtor_bic"), ("CdtrAgt", "creditor_bic"))
        for path in ("BICFI", "BIC")
    },
    "AddtlTxInf": "additional",
}
_CHARGE = {
    "TtlChrgsAndTaxAmt": "charge_total",
    "Amt": "charge_amount",
    "CdtDbtInd": "charge_indicator",
    "Rcrd/Amt": "record_amount",
    "Rcrd/CdtDbtInd": "record_indicator",
}
_RETURN = {"Rsn/Cd": "reason_code", "Rsn/Prtry": "reason_own", "AddtlInf": "reason_text"}
_REFERENCE = {"CdtrRefInf/Ref": "reference", "CdtrRefInf/Tp/Issr": "issuer"}
_SCHEME = {"Id": "scheme_id", "SchmeNm/Prtry": "scheme", "SchmeNm/Cd": "scheme"}
_SCHEMES_AT = tuple(f"RltdPties/Cdtr/{pty}Id/{kind}/Othr" for pty in ("", "Pty/") for kind in ("PrvtId", "OrgId"))
_AMOUNTS = frozenset({"Amt", "TtlChrgsAndTaxAmt"})

# All that is being read stands in one list, by place: a detail, then its entry, then the statement, then a block.
_FIELDS: tuple[tuple[Any, int, int], ...] = (
    (_Detail, 0, len(_Detail._fields)),
    (_Booked, len(_Detail._fields), len(_Booked._fields)),
    (_Header, len(_Detail._fields) + len(_Booked._fields), len(_Header._fields)),
    (_Block, len(_Detail._fields) + len(_Booked._fields) + len(_Header._fields), len(_Block._fields)),
)
_PLACES = {(kind, field): start + place for kind, start, _ in _FIELDS for place, field in enumerate(kind._fields)}
_PLACES_IN_ALL = len(_PLACES)
_DETAIL_PLACES, _BOOKED_PLACES, _HEADER_PLACES, _BLOCK_PLACES = (
    slice(start, start + count) for _, start, count in _FIELDS
)
_NO_DETAIL = _Detail()
_TEXTS, _REFERENCES, _DOCUMENTS = (_PLACES[_Detail, name] for name in ("texts", "references", "documents"))
_RETURNED, _RETURN_REASON = _PLACES[_Detail, "returned"], _PLACES[_Detail, "return_reason"]
_CREDITOR_ID, _GROUP_BATCH_ID = _PLACES[_Detail, "creditor_id"], _PLACES[_Detail, "group_batch_id"]
_MESSAGE_CREATED = _PLACES[_Header, "message_created"]

_Balance = tuple[str, Decimal, date | None]  # currency, signed amount, day


class _Element(dict[str, "_Element"]):
    """An element that means something: the elements below it by start tag, and what to do with its text or at its end.

    A start tag is first met as a local name. As it is written in the file, with its prefix and attributes, it is added
    when it is met.
    """

    __slots__ = ("at_end", "currency", "is_amount", "is_once", "parent", "place")

    def __init__(self, parent: _Element | None = None) -> None:
        super().__init__()
        self.parent = self if parent is None else parent
        self.place = -1
        self.at_end: Callable[[str], None] | None = None
        self.is_amount = self.is_once = False
        self.currency = ""

    def below(self, path: str) -> _Element:
        """The element at a path of local names, made when it is not there."""
        element = self
        for name in path.split("/"):
            if name not in element:
                element[name] = _Element(element)
            element = element[name]
        return element

    def holds(self, kind: Any, fields: dict[str, str]) -> None:
        """The texts below this element and the fields they go to."""
        for path, field in fields.items():
            element = self.below(path)
            element.place = _PLACES[kind, field]
            element.is_amount = path.rpartition("/")[2] in _AMOUNTS
            element.is_once = kind is _Booked and field in _ONCE

    def in_currency(self, currency: str) -> _Element:
        """This amount as it stands under a start tag with that currency."""
        element = _Element(self.parent)
        element.place, element.is_once, element.currency = self.place, self.is_once, currency
        return element


def camt_parts(source: BinaryIO) -> Iterator[Part]:
    """All entries and statements of a camt.052, .053 or .054 message, as they are read.

    Raises UnreadableStatement if the file is not whole, forbidden (DOCTYPE), or a statement does not add up.
    """
    reader = _Reader()
    try:
        for pieces in xml_pieces(source):
            reader.take(pieces)
            if reader.ready:
                ready, reader.ready = reader.ready, []
                yield from ready
        reader.finish()
    except UnreadableStatement as error:
        raise error.located(None, reader.account_so_far()) from None


class _Reader:
    """Walks over the document and gathers what it says; `ready` holds what may be handed out."""

    def __init__(self) -> None:
        self.ready: list[Part] = []
        self.values: list[Any] = [None] * _PLACES_IN_ALL
        self.text = ""
        self.names: set[str] = set()
        # Around the message: the start tags that are open. Below something that is not read: how deep.
        self.around: list[str] = []
        self.depth = 0
        self.family = self.format = ""
        self.statements = self.rows = 0
        self.report: _Report | None = None
        self.details: list[_Detail] = []
        self.lone_batch_id: str | None = None
        self.records: Decimal | None = None
        self.balances: dict[str, list[_Balance]] = {}
        self._grow()
        self.element = self.outside

    def _grow(self) -> None:
        """The elements that mean something."""
        self.outside, self.skipped = _Element(), _Element()
        self.outside.at_end, self.skipped.at_end = self._end_outside, self._end_skipped
        self.message = _Element(self.outside)
        self.message.at_end = self._end_of_message
        self.message.below("GrpHdr/CreDtTm").place = _MESSAGE_CREATED
        statement = self.statement = _Element(self.message)
        statement.at_end = self._end_of_report
        statement.holds(_Header, _HEADER)
        statement.below("Bal").holds(_Block, _BALANCE)
        statement["Bal"].at_end = self._end_of_balance
        # Nothing but entries counts once there has been one, see `_end_of_entry`.
        self.statement_in_entries = _Element(self.message)
        self.statement_in_entries.at_end = self._end_of_report
        entry = self.entry = self.statement_in_entries["Ntry"] = statement.below("Ntry")
        entry.at_end = self._end_of_entry
        entry.holds(_Booked, _ENTRY)
        self._charges_of(entry, _PLACES[_Booked, "charges"])
        group = entry.below("NtryDtls")
        group.at_end = self._end_of_group
        group.below("Btch/PmtInfId").place = _GROUP_BATCH_ID
        detail = group.below("TxDtls")
        detail.at_end = self._end_of_detail
        detail.holds(_Detail, _DETAIL)
        self._charges_of(detail, _PLACES[_Detail, "charges"])
        detail.below("RtrInf").holds(_Block, _RETURN)
        detail["RtrInf"].at_end = self._end_of_return
        detail.below("RmtInf/Ustrd").at_end = self._end_of_text
        detail.below("RmtInf/Strd").holds(_Block, _REFERENCE)
        detail.below("RmtInf/Strd/CdtrRefInf").at_end = self._end_of_reference
        detail.below("RmtInf/Strd/RfrdDocInf/Nb").at_end = self._end_of_document_number
        detail.below("RmtInf/Strd/AddtlRmtInf").at_end = self._end_of_text
        for path in _SCHEMES_AT:
            detail.below(path).holds(_Block, _SCHEME)
            detail.below(path).at_end = self._end_of_scheme

    def _charges_of(self, element: _Element, place: int) -> None:
        charges = element.below("Chrgs")
        charges.holds(_Block, _CHARGE)
        charges["Rcrd"].at_end = self._end_of_charge_record
        charges.at_end = lambda _: self._end_of_charges(place)

    # -- the walk ----------------------------------------------------------------------------------------------------

    def take(self, pieces: Iterable[str]) -> None:
        """Goes on with the document, see `xml_pieces`."""
        element, text, values = self.element, self.text, self.values
        for piece in pieces:
            if piece[:1] != "/":
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
                        raise self._located(
                            UnreadableStatement("malformed", f"{text[:40]!r} is said twice in one entry")
                        )
            elif element.at_end is not None:
                element.at_end(text)
            element, text = element.parent, ""
        self.element, self.text = element, text

    def _started(self, element: _Element, piece: str) -> tuple[_Element, str, bool]:
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
        elif element is self.skipped:
            child = self._skip(element, local)
        else:
            known = element.get(local)
            if known is None:
                child = self._skip(element, local)
            else:
                child = known
                if known.is_amount and attributes:
                    child = known.in_currency(_attribute(attributes, "Ccy"))
                if not is_empty and len(element) < _CHUNK:
                    element[match[0][:-1]] = child
        return child, behind, is_empty

    def _remember(self, written: str, attributes: str) -> None:
        """Expat keeps every name it ever met, so a file made of names alone would fill the memory."""
        self.names.add(written)
        if attributes:
            self.names.update(name for name, _, _ in _ATTRIBUTE.findall(attributes))
        if len(self.names) > _MOST_NAMES:
            raise UnreadableStatement("malformed", f"more than {_MOST_NAMES} different names of elements: no statement")

    def _outside(self, local: str, tag: str) -> _Element:
        if local in _MESSAGES:
            self.family, report = _MESSAGES[local]
            self.format = _format(self.family, [*self.around, tag])
            for name in _REPORTS:
                self.message.pop(name, None)
            self.message[report] = self.statement
            return self.message
        self.around.append(tag if len(tag) < 4_000 else local)
        if len(self.around) > _DEEPEST:
            raise _too_deep()
        return self.outside

    def _skip(self, element: _Element, local: str) -> _Element:
        """Begins or goes on with something that is not read."""
        if local == "Ntry" or local in _REPORTS:
            raise UnreadableStatement("malformed", f"{local} stands inside another element than where it belongs")
        if element is self.statement_in_entries and local in self.statement:
            raise self._located(UnreadableStatement("malformed", "account, period or balances stand after the entries"))
        if element is not self.skipped:
            self.skipped.parent = self.skipped
            self.resumed = element
        self.depth += 1
        if self.depth > _DEEPEST:
            raise _too_deep()
        return self.skipped

    def _end_skipped(self, _: str) -> None:
        self.depth -= 1
        if not self.depth:
            self.skipped.parent = self.resumed

    def _end_outside(self, _: str) -> None:
        if self.around:
            self.around.pop()

    # -- where elements end ------------------------------------------------------------------------------------------

    def _gathered(self) -> _Block:
        """What stood in the block that ends here."""
        block = _Block(*self.values[_BLOCK_PLACES])
        self.values[_BLOCK_PLACES] = [None] * len(_Block._fields)
        return block

    def _append(self, place: int, value: Any) -> None:
        if self.values[place] is None:
            self.values[place] = [value]
        else:
            self.values[place].append(value)

    def _end_of_message(self, _: str) -> None:
        self.values[_MESSAGE_CREATED] = None

    def _end_of_balance(self, _: str) -> None:
        """Of each kind that is of use the first and the last are kept, see `_Report`."""
        block = self._gathered()
        code = block.balance_code or ""
        if code not in ("OPBD", "PRCD", "CLBD", "ITBD"):
            return
        try:
            # Some banks leave the indicator out of a credit balance although the schema wants it.
            amount = _signed(_amount(block.balance_amount), block.balance_indicator or "CRDT")
            day = _day(block.balance_day, block.balance_time)
        except UnreadableStatement as error:
            raise self._located(error) from None
        self.balances.setdefault(code, [])[1:] = [(block.balance_currency or "", amount, day)]

    def _end_of_text(self, text: str) -> None:
        self._append(_TEXTS, unescaped(text) if "&" in text else text)
        if len(self.values[_TEXTS]) % 1_000 == 0 and sum(map(len, self.values[_TEXTS])) > LONGEST_TEXT:
            raise self._located(
                UnreadableStatement("malformed", f"the texts of an entry are longer than {LONGEST_TEXT >> 20} MB")
            )

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
        """The reason code (ISO external code, `AC04` and the like), or the bank's own, or its words."""
        block = self._gathered()
        self.values[_RETURNED] = True
        if self.values[_RETURN_REASON] is None:
            self.values[_RETURN_REASON] = block.reason_code or block.reason_own or block.reason_text

    def _end_of_charge_record(self, _: str) -> None:
        block = self._gathered()
        if block.charge_total is not None:  # said before its records, and it counts
            self.values[_PLACES[_Block, "charge_total"]] = block.charge_total
            self.values[_PLACES[_Block, "charge_total_currency"]] = block.charge_total_currency
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
            self.values[place] = charge + (self.values[place] or Decimal(0))

    def _charge(self, amount: str | None, currency: str | None, indicator: str | None) -> Decimal:
        """What a charge takes; nothing if it is in another currency than the entry, which cannot be added up."""
        booked_in = self.values[_PLACES[_Booked, "currency"]]
        if amount is None or (currency and booked_in and currency != booked_in):
            return Decimal(0)
        try:
            return -dot_amount(amount) if indicator == "CRDT" else dot_amount(amount)
        except UnreadableStatement as error:
            raise self._located(error) from None

    def _end_of_detail(self, _: str) -> None:
        values = self.values
        detail = _Detail._make(values[_DETAIL_PLACES])
        self.details.append(detail)
        values[_DETAIL_PLACES] = _NO_DETAIL
        values[_GROUP_BATCH_ID] = detail.group_batch_id  # for the other details of this group

    def _end_of_group(self, _: str) -> None:
        if self.lone_batch_id is None:
            self.lone_batch_id = self.values[_GROUP_BATCH_ID]
        self.values[_GROUP_BATCH_ID] = None

    def _end_of_entry(self, _: str) -> None:
        report = self._report()
        self.entry.parent = self.statement_in_entries
        values = self.values
        booked = _Booked._make(values[_BOOKED_PLACES])
        values[_BOOKED_PLACES] = [None] * len(_Booked._fields)
        details, self.details = self.details, []
        batch_id, self.lone_batch_id = self.lone_batch_id, None
        report.take(booked, details, batch_id)
        if len(report.rows) >= _CHUNK:
            self.ready.append(report.rows)
            report.rows = []

    def _end_of_report(self, _: str) -> None:
        report = self._report()
        statement = report.closed()
        if report.rows:
            self.ready.append(report.rows)
        self.ready.append(statement)
        self.rows += statement.entry_count
        self.statements += 1
        self.report = None
        self.entry.parent = self.statement
        created = self.values[_MESSAGE_CREATED]
        self.values[_HEADER_PLACES] = [None] * len(_Header._fields)
        self.values[_MESSAGE_CREATED] = created
        self.balances = {}

    def _report(self) -> _Report:
        """The statement that is being read; it begins with its first entry, or where it ends without any."""
        if self.report is None:
            self.report = _Report(
                _Header._make(self.values[_HEADER_PLACES]),
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

    def account_so_far(self) -> str | None:
        """The account of the statement that is being read, as far as it is known."""
        return self.report.account if self.report else _account(_Header._make(self.values[_HEADER_PLACES]))

    def _located(self, error: UnreadableStatement) -> UnreadableStatement:
        """The refusal with the statement, and the entry if one is being read."""
        where = f"statement {self.statements + 1}"
        if self.values[_PLACES[_Booked, "amount"]] is not None:
            where += f", entry {self.report.read + 1 if self.report else 1}"
        return error.located(where, self.account_so_far())


def _too_deep() -> UnreadableStatement:
    return UnreadableStatement("malformed", f"elements stand more than {_DEEPEST} deep in each other")


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


def _amount(text: str | None) -> Decimal:
    if text is None:
        raise UnreadableStatement("invalid_amount", "an amount element is missing or empty")
    return dot_amount(text)


def _signed(amount: Decimal, indicator: str | None) -> Decimal:
    if indicator == "CRDT":
        return amount
    if indicator == "DBIT":
        return -amount
    raise UnreadableStatement("malformed", f"credit/debit indicator is {indicator!r}: CRDT or DBIT expected")


def _day(day: str | None, time: str | None) -> date | None:
    """The date of a date-or-date-time choice, or None when absent."""
    if day is not None:
        return iso_date(day)
    return None if time is None else iso_date(time)


def _account(header: _Header) -> str | None:
    return account_number(header.iban) or account_number(header.other_account)


class _Report:
    """One `Stmt`, `Rpt` or `Ntfctn`: its header first, then its entries one by one, then the sums."""

    def __init__(
        self,
        header: _Header,
        balances: dict[str, list[_Balance]],
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
        self.read = 0
        self.all_booked = True
        self.credits = self.debits = Decimal(0)
        self.owner = normalise(header.owner)
        account = _account(header)
        try:
            if account is None:
                raise UnreadableStatement("missing_account", "the statement names no account")
            self.account = account
            self._read_header(balances)
        except UnreadableStatement as error:
            raise error.located(f"statement {number}", account) from None

    def _read_header(self, balances: dict[str, list[_Balance]]) -> None:
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
        self.from_on = _day(header.from_time, header.from_day) or self.opening_on
        self.to_on = _day(header.to_time, header.to_day) or self.closing_on
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

    def take(self, booked: _Booked, details: list[_Detail], batch_id: str | None) -> None:
        """Adds one entry, if it is booked."""
        self.read += 1
        # Only BOOK counts. A statement that gives no status holds booked entries by definition of the message.
        if booked.status is not None and booked.status.upper() != "BOOK":
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

    def closed(self) -> Statement:
        """The statement, once its sums are right."""
        if self.is_statement:
            try:
                self._check_totals()
            except UnreadableStatement as error:
                raise error.located(f"statement {self.number}", self.account) from None
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

    def _entry(self, booked: _Booked, details: list[_Detail], batch_id: str | None) -> Decimal:
        """Adds the rows of one booked entry and returns its signed amount."""
        currency = booked.currency or ""
        amount = _signed(_amount(booked.amount), booked.indicator)
        if currency != self.currency:
            if self.currency is not None:
                raise UnreadableStatement(
                    "currency_mismatch", f"entry in {currency or 'no currency'}, account in {self.currency}"
                )
            _check_currency(currency)
        if len(details) > 1:
            amounts = _detail_amounts(details, currency, amount)
            if amounts is not None:
                for number, (detail, part) in enumerate(zip(details, amounts, strict=True), start=1):
                    self._add(booked, detail, part, currency, number, self._counterparty(detail, part, booked))
                return amount
            # The details do not make up the entry, so nobody can say which payer paid what: it is kept whole, with
            # everything that was written and whatever all of them agree on.
            parties = [self._counterparty(detail, amount, booked) for detail in details]
            party = (
                _agreed(name for name, _, _ in parties),
                _agreed(a for _, a, _ in parties),
                _agreed(b for _, _, b in parties),
            )
            self._add(booked, _together(details), amount, currency, 0, party)
            return amount
        detail = details[0] if details else _NO_DETAIL._replace(group_batch_id=batch_id) if batch_id else _NO_DETAIL
        self._add(booked, detail, amount, currency, 0, self._counterparty(detail, amount, booked))
        return amount

    def _add(
        self,
        booked: _Booked,
        detail: _Detail,
        amount: Decimal,
        currency: str,
        number: int,
        counterparty: tuple[str | None, str | None, str | None],
    ) -> None:
        self.ordinal += 1
        valued_on = _day(booked.value_day, booked.value_time)
        code = _transaction_code(detail.domain, detail.family, detail.sub_family, detail.own_code)
        if code is None:
            code = _transaction_code(booked.domain, booked.family, booked.sub_family, booked.own_code)
        is_reversal = booked.reversal in _TRUE
        original_amount, original_currency = _original(detail, booked, currency, abs(amount))
        texts: Sequence[str] = detail.texts or _NO_TEXT
        if not texts and detail.references is None and detail.documents is None:
            additional = detail.additional or (None if number else booked.additional)
            texts = (additional,) if additional else _NO_TEXT
        remittance, wraps = _joined(texts)
        references = detail.references
        kind, reference = references[0] if references else (None, None)
        name, account, bic = counterparty
        self.rows.append(
            Entry(
                self.ordinal,
                number,
                self.key,
                self.account,
                _day(booked.booked_day, booked.booked_time) or self._booking_day(valued_on),
                valued_on,
                amount,
                currency,
                identifier(detail.servicer_reference or booked.servicer_reference or booked.reference),
                identifier(detail.end_to_end_id),
                identifier(detail.mandate_id),
                detail.creditor_id,
                name,
                account,
                bic,
                reference,
                kind,
                remittance,
                _is_return(detail, booked),
                is_reversal,
                one_line(detail.return_reason),
                code,
                identifier(detail.batch_id or detail.group_batch_id),
                detail.charges or (None if number else booked.charges),
                original_amount,
                original_currency,
                PARSER_VERSION,
                wraps,
                tuple(detail.documents) if detail.documents else (),
                tuple(references[1:]) if references else (),
            )
        )

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

    def _counterparty(
        self, detail: _Detail, amount: Decimal, booked: _Booked
    ) -> tuple[str | None, str | None, str | None]:
        """Name, account and BIC of the other side: the debtor of a credit, the creditor of a debit.

        A return names the parties of the payment it undoes, so there the order turns; and whoever the bank means, the
        other side is never the owner of this account.
        """
        only_bic = None
        is_debtor_first = (amount > 0) != _is_return(detail, booked)
        for is_debtor in (is_debtor_first, not is_debtor_first):
            if is_debtor:
                name = detail.debtor or detail.ultimate_debtor
                account = account_number(detail.debtor_iban or detail.debtor_other_account)
                bic = detail.debtor_bic
            else:
                name = detail.creditor or detail.ultimate_creditor
                account = account_number(detail.creditor_iban or detail.creditor_other_account)
                bic = detail.creditor_bic
            if account is None and name is None:
                only_bic = only_bic or bic
            elif account != self.account and (account is not None or not self.owner or normalise(name) != self.owner):
                return one_line(name), account, bic
        return None, None, only_bic


def _check_currency(currency: str) -> None:
    """ISO 20022 ActiveOrHistoricCurrencyCode: three capitals."""
    if _CURRENCY.fullmatch(currency) is None:
        raise UnreadableStatement("currency_mismatch", f"{currency!r} is no currency: a code such as EUR expected")


def _sequence(header: _Header) -> int | None:
    """The electronic sequence number, else the legal one. Zero is what banks write who do not number."""
    for number in (header.electronic_number, header.legal_number):
        if number and len(number) <= 18 and is_digits(number) and int(number):
            return int(number)
    return None


def _ends(balances: dict[str, list[_Balance]]) -> tuple[_Balance | None, _Balance | None]:
    """The opening and the closing booked balance, each None when absent.

    OPBD or the previous closing PRCD opens, CLBD closes; on a page of a longer statement the interim ITBD stands in, the
    first for a missing opening and the last for a missing closing. Of each kind the first and the last are there.
    """
    interim = balances.get("ITBD", [])
    openings = balances.get("OPBD") or balances.get("PRCD") or interim[:1]
    closings = balances.get("CLBD") or interim[-1:]
    opening, closing = (openings[0] if openings else None), (closings[-1] if closings else None)
    return opening, None if closing is opening else closing  # one interim balance cannot be both ends


def _detail_amounts(details: Sequence[_Detail], currency: str, total: Decimal) -> list[Decimal] | None:
    """Signed amounts of a batch's details if all are known, in the entry's currency, and add up to it; else None."""
    entry_indicator = "CRDT" if total >= 0 else "DBIT"
    amounts = []
    for detail in details:
        amount, detail_currency = detail.amount, detail.currency
        if amount is None:
            amount, detail_currency = detail.transaction_amount, detail.transaction_currency
        if amount is None or (detail_currency or "") != currency:
            return None
        amounts.append(_signed(dot_amount(amount), detail.indicator or entry_indicator))
    return amounts if sum(amounts) == total else None


def _agreed(values: Iterable[Any]) -> Any:
    """The one value that all who say something say; None if they differ or say nothing."""
    said = {value for value in values if value is not None}
    return said.pop() if len(said) == 1 else None


def _together(details: Sequence[_Detail]) -> _Detail:
    """What several details say as one: all texts and references in order, and of the rest what they agree on."""
    lists: dict[str, Any] = {
        name: [item for detail in details for item in getattr(detail, name) or ()] or None
        for name in ("texts", "references", "documents")
    }
    others: dict[str, Any] = {
        name: _agreed(getattr(detail, name) for detail in details)
        for name in (
            "servicer_reference",
            "end_to_end_id",
            "mandate_id",
            "batch_id",
            "creditor_id",
            "returned",
            "return_reason",
            "group_batch_id",
        )
    }
    codes = {(detail.domain, detail.family, detail.sub_family, detail.own_code) for detail in details}
    if len(codes) == 1:
        others.update(zip(("domain", "family", "sub_family", "own_code"), codes.pop(), strict=True))
    return _NO_DETAIL._replace(**others, **lists)


def _is_return(detail: _Detail, booked: _Booked) -> bool:
    """By indicator, return information or code, never by sign."""
    if detail.returned or booked.reversal in _TRUE:
        return True
    family = detail.sub_family if detail.domain or detail.own_code else booked.sub_family
    return family in _RETURN_FAMILIES


@lru_cache(maxsize=1024)
def _transaction_code(domain: str | None, family: str | None, sub_family: str | None, own: str | None) -> str | None:
    """`domain/family/sub-family`, or else the bank's own code."""
    return "/".join(part for part in (domain, family, sub_family) if part) or own


def _original(detail: _Detail, booked: _Booked, currency: str, amount: Decimal) -> tuple[Decimal | None, str | None]:
    """The amount the payer instructed and its currency, where it differs from what was booked."""
    written, written_in = detail.instructed_amount, detail.instructed_currency
    if written is None:
        written, written_in = booked.instructed_amount, booked.instructed_currency
        if written is None:
            return None, None
    if written_in == currency and dot_amount(written) == amount:
        return None, None
    if written_in is None or _CURRENCY.fullmatch(written_in) is None:
        return None, None
    try:
        return dot_amount(written), written_in
    except UnreadableStatement as error:
        # A foreign amount with three decimals is no reason to lose the money that was booked in our own.
        if error.code == "too_many_decimals":
            return None, written_in
        raise


def _joined(texts: Sequence[str]) -> tuple[str | None, tuple[int, ...]]:
    """The pieces of free text as one line, and where a word may go on over two pieces.

    A piece that is full goes over into the next without a space; the place is a wrap, so that both readings are tried.
    """
    if not texts:
        return None, ()
    if len(texts) == 1:
        return one_line(texts[0]), ()
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

"""Which element of an ISO 20022 statement becomes which field: tables of paths, and the tree the reader walks over.

Versions .01 to .14 are read alike, by local element names: between them only a few elements moved (status under `Sts/Cd`,
parties under `Pty`, `BICFI` for `BIC`, the amount of a detail under `TxDtls/Amt`), and every place is listed. Where two
paths lead to one field, the first in the file counts. What repeats or belongs together (a balance, a charge, a structured
reference) is a `Block`, gathered by the reader where its element ends.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple


class Header(NamedTuple):
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


class Booked(NamedTuple):
    """What an entry says, but for its details."""

    amount: str | None
    currency: str | None
    indicator: str | None
    status: str | None
    own_status: str | None
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
    batch_count: int | None
    is_sum: bool | None


class Detail(NamedTuple):
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


class Block(NamedTuple):
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


# Path below the statement -> field of Header.
HEADER = {
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
BALANCE = {
    "Tp/CdOrPrtry/Cd": "balance_code",
    "Tp/Cd": "balance_code",
    "Amt": "balance_amount",
    "CdtDbtInd": "balance_indicator",
    "Dt/Dt": "balance_day",
    "Dt/DtTm": "balance_time",
}
# Path below the entry -> field of Booked.
ENTRY = {
    "Amt": "amount",
    "CdtDbtInd": "indicator",
    "Sts": "status",
    "Sts/Cd": "status",
    "Sts/Prtry": "own_status",
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
# Path below the detail -> field of Detail.
_NAMES = ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")  # of a party (.02), of one under `Pty` (.08), of a bank as a party
_IBANS = ("Id/IBAN",)
# A domestic number, also of the first version; and the telephone number or the like that stands for an account.
_OTHER_ACCOUNTS = ("Id/Othr/Id", "Id/BBAN", "Id/PrtryAcct/Id", "Prxy/Id")
_BICS = ("FinInstnId/BICFI", "FinInstnId/BIC")
# Path below the detail -> field of Detail.
DETAIL = {
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
    **{f"RltdPties/Dbtr/{path}": "debtor" for path in _NAMES},
    **{f"RltdPties/UltmtDbtr/{path}": "ultimate_debtor" for path in _NAMES},
    **{f"RltdPties/DbtrAcct/{path}": "debtor_iban" for path in _IBANS},
    **{f"RltdPties/DbtrAcct/{path}": "debtor_other_account" for path in _OTHER_ACCOUNTS},
    **{f"RltdAgts/DbtrAgt/{path}": "debtor_bic" for path in _BICS},
    **{f"RltdPties/Cdtr/{path}": "creditor" for path in _NAMES},
    **{f"RltdPties/UltmtCdtr/{path}": "ultimate_creditor" for path in _NAMES},
    **{f"RltdPties/CdtrAcct/{path}": "creditor_iban" for path in _IBANS},
    **{f"RltdPties/CdtrAcct/{path}": "creditor_other_account" for path in _OTHER_ACCOUNTS},
    **{f"RltdAgts/CdtrAgt/{path}": "creditor_bic" for path in _BICS},
    "AddtlTxInf": "additional",
}
CHARGE = {
    "TtlChrgsAndTaxAmt": "charge_total",
    "Amt": "charge_amount",
    "CdtDbtInd": "charge_indicator",
    "Rcrd/Amt": "record_amount",
    "Rcrd/CdtDbtInd": "record_indicator",
}
RETURN = {"Rsn/Cd": "reason_code", "Rsn/Prtry": "reason_own", "AddtlInf": "reason_text"}
REFERENCE = {"CdtrRefInf/Ref": "reference", "CdtrRefInf/Tp/Issr": "issuer"}
SCHEME = {"Id": "scheme_id", "SchmeNm/Prtry": "scheme", "SchmeNm/Cd": "scheme"}
SCHEMES_AT = tuple(f"RltdPties/Cdtr/{pty}Id/{kind}/Othr" for pty in ("", "Pty/") for kind in ("PrvtId", "OrgId"))
_AMOUNTS = frozenset({"Amt", "TtlChrgsAndTaxAmt"})

# All that is being read stands in one list, by place: a detail, then its entry, then the statement, then a block.
_FIELDS: tuple[tuple[Any, int, int], ...] = (
    (Detail, 0, len(Detail._fields)),
    (Booked, len(Detail._fields), len(Booked._fields)),
    (Header, len(Detail._fields) + len(Booked._fields), len(Header._fields)),
    (Block, len(Detail._fields) + len(Booked._fields) + len(Header._fields), len(Block._fields)),
)
PLACES = {(kind, field): start + place for kind, start, _ in _FIELDS for place, field in enumerate(kind._fields)}
PLACES_IN_ALL = len(PLACES)
DETAIL_PLACES, BOOKED_PLACES, HEADER_PLACES, BLOCK_PLACES = (slice(start, start + count) for _, start, count in _FIELDS)


class Element(dict[str, "Element"]):
    """An element that means something: the elements below it by start tag, and what to do with its text or at its end.

    A start tag is first met as a local name. As it is written in the file, with its prefix and attributes, it is added
    when it is met.
    """

    __slots__ = ("at_end", "currency", "depth", "is_amount", "is_once", "parent", "place")

    def __init__(self, parent: Element | None = None) -> None:
        super().__init__()
        self.parent = self if parent is None else parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.place = -1
        self.at_end: Callable[[str], None] | None = None
        self.is_amount = self.is_once = False
        self.currency = ""

    def below(self, path: str) -> Element:
        """The element at a path of local names, made when it is not there."""
        element = self
        for name in path.split("/"):
            if name not in element:
                element[name] = Element(element)
            element = element[name]
        return element

    def holds(self, kind: Any, fields: dict[str, str]) -> None:
        """The texts below this element, and the fields they go to."""
        for path, field in fields.items():
            element = self.below(path)
            element.place = PLACES[kind, field]
            element.is_amount = path.rpartition("/")[2] in _AMOUNTS
            element.is_once = kind is Booked and field in _ONCE

    def in_currency(self, currency: str) -> Element:
        """This amount as it stands under a start tag with that currency."""
        element = Element(self.parent)
        element.place, element.is_once, element.currency = self.place, self.is_once, currency
        return element

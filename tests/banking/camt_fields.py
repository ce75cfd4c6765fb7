"""A second, slow and simple reading of camt files for the tests: XPath over the whole document, no code of the reader.

It says for every booked entry which facts the file holds. `tests/banking/fields` keeps what it found in published sample
files; the ordinary tests run it over the golden files.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any

from lxml import etree

Movement = dict[str, Any]
"""`amount`, and lists under `end_to_end_ids`, `mandate_ids`, `accounts`, `references`, `documents`, `return_reasons`, and
`text`: a hash of the letters and digits of the remittance. What the file does not say is left out."""

_NOTHING_SAID = {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF"}
_RETURNS = {"UPDD", "PRDD", "RCDD", "RRTN"}


def letters_and_digits(text: str) -> str:
    """Upper case, everything but letters and digits gone."""
    return "".join(sign for sign in text.upper() if sign.isalnum())


def hashed(text: str) -> str | None:
    """A short fingerprint of a text, whatever its spacing; None for no text."""
    kept = letters_and_digits(text)
    return sha256(kept.encode()).hexdigest()[:12] if kept else None


def said(movement: Movement) -> Movement:
    """Without what is empty."""
    return {name: value for name, value in movement.items() if value not in (None, [], "")}


def _texts(element: Any, path: str) -> list[str]:
    """Trimmed texts at a path of local names, in document order."""
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    return [text for found in element.xpath(steps) if (text := "".join(found.itertext()).strip())]


def _all(element: Any, path: str) -> list[Any]:
    found: list[Any] = element.xpath("/".join(f"*[local-name()='{step}']" for step in path.split("/")))
    return found


def _ids(texts: Iterable[str]) -> list[str]:
    squeezed = (" ".join(text.split()) for text in texts)
    return [text for text in squeezed if text.upper() not in _NOTHING_SAID and text.strip("0")]


def _direction(element: Any, otherwise: int) -> int:
    indicator = (_texts(element, "CdtDbtInd") or [""])[0]
    return {"CRDT": 1, "DBIT": -1}.get(indicator, otherwise)


def _detail_amount(detail: Any, currency: str, entry_direction: int) -> Decimal | None:
    """Signed amount of a batch detail in the entry's currency; None when the file does not say."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        for amount in _all(detail, path):
            if amount.get("Ccy") != currency:
                return None
            return Decimal(amount.text) * _direction(detail, entry_direction)
    return None


def _other_account(detail: Any, is_credit: bool, is_return: bool, own: str, owner: str) -> str | None:
    """The account of the debtor of a credit or the creditor of a debit (turned for a return), never our own."""
    sides = ["Dbtr", "Cdtr"] if is_credit != is_return else ["Cdtr", "Dbtr"]
    for side in sides:
        numbers = [
            letters_and_digits(text)
            for path in (f"RltdPties/{side}Acct/{place}" for place in ("Id/IBAN", "Id/Othr/Id", "Prxy/Id"))
            for text in _texts(detail, path)
        ]
        number = next((one for one in numbers if one.strip("0")), None)
        names = [
            text
            for role in (side, f"Ultmt{side}")
            for path in ("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")
            for text in _texts(detail, f"RltdPties/{role}/{path}")
        ]
        if number == own or (number is None and not names):
            continue
        if number is None and letters_and_digits(names[0]) == owner != "":
            continue
        return number
    return None


def _one(values: list[str]) -> list[str]:
    """A row kept whole has one place for each of these, so it can only hold what all its details agree on."""
    return values[:1] if len(set(values)) == 1 else []


def _movement(entry: Any, own: str, owner: str) -> Movement:
    amount = _all(entry, "Amt")[0]
    direction = _direction(entry, 0)
    total = Decimal(amount.text) * direction
    details = _all(entry, "NtryDtls/TxDtls")
    amounts = [_detail_amount(detail, amount.get("Ccy"), direction) for detail in details]
    is_split = len(details) > 1 and None not in amounts and sum(one or 0 for one in amounts) == total
    ids: dict[str, list[str]] = {"end_to_end_ids": [], "mandate_ids": [], "accounts": [], "return_reasons": []}
    references, documents, texts = [], [], []
    is_reversal = (_texts(entry, "RvslInd") or [""])[0] in ("true", "1")
    for detail, detail_amount in zip(details, amounts, strict=True):
        ids["end_to_end_ids"] += _ids(_texts(detail, "Refs/EndToEndId"))[:1]
        ids["mandate_ids"] += _ids(_texts(detail, "Refs/MndtId"))[:1]
        reason = [text for path in ("Cd", "Prtry") for text in _texts(detail, f"RtrInf/Rsn/{path}")]
        ids["return_reasons"] += (reason or _texts(detail, "RtrInf/AddtlInf"))[:1]
        codes = [*_texts(detail, "BkTxCd/Domn/Fmly/SubFmlyCd"), *_texts(entry, "BkTxCd/Domn/Fmly/SubFmlyCd")]
        is_return = is_reversal or bool(_all(detail, "RtrInf")) or (codes[:1] and codes[0] in _RETURNS)
        is_credit = (detail_amount if is_split and detail_amount is not None else total) > 0
        account = _other_account(detail, is_credit, bool(is_return), own, owner)
        ids["accounts"] += [account] if account else []
        references += [letters_and_digits(text) for text in _texts(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
        documents += _ids(_texts(detail, "RmtInf/Strd/RfrdDocInf/Nb"))
        texts += _texts(detail, "RmtInf/Ustrd") + _texts(detail, "RmtInf/Strd/AddtlRmtInf")
        if len(details) == 1 and not _all(detail, "RmtInf"):
            texts += _texts(detail, "AddtlTxInf")[:1]
    if len(details) < 2 and not texts and not any(_all(detail, "RmtInf") for detail in details):
        texts = _texts(entry, "AddtlNtryInf")[:1]
    if not is_split:
        ids = {name: _one(values) for name, values in ids.items()}
    return said(
        {
            "amount": f"{total:.2f}",
            **{name: sorted(values) for name, values in ids.items()},
            "references": sorted(one for one in references if one),
            "documents": sorted(documents),
            "text": hashed("".join(texts)),
        }
    )


def booked_total(content: bytes) -> Decimal:
    """The signed sum of all booked entries, and nothing else about them."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    total = Decimal(0)
    for entry in root.xpath("//*[local-name()='Ntry']"):
        status = "".join(_texts(entry, "Sts/Cd") or _texts(entry, "Sts"))
        if status.upper() in ("", "BOOK"):
            total += Decimal(_texts(entry, "Amt")[0]) * _direction(entry, 0)
    return total


def camt_movements(content: bytes) -> list[Movement]:
    """Every booked entry of every statement or report, in order."""
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    found = []
    for report in root.xpath("//*[local-name()='Stmt' or local-name()='Rpt' or local-name()='Ntfctn']"):
        own = (_texts(report, "Acct/Id/IBAN") or _texts(report, "Acct/Id/Othr/Id") or [""])[0]
        owner = (_texts(report, "Acct/Ownr/Nm") or _texts(report, "Acct/Ownr/Pty/Nm") or [""])[0]
        for entry in _all(report, "Ntry"):
            status = "".join(_texts(entry, "Sts/Cd") or _texts(entry, "Sts"))
            if status in ("", "BOOK"):
                found.append(_movement(entry, letters_and_digits(own), letters_and_digits(owner)))
    return found

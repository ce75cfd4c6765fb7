"""A second, slow and simple reading of CODA for the tests: places counted from 1 as Febelfin's standard does, no code of the reader."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.banking.camt_fields import Movement, hashed, letters_and_digits, said

_NO_ID = {"", "NOTPROVIDED", "NOT PROVIDED", "NONREF", "NOREF"}
# Types that stand for one payment of a batch; 8 and 9 break one payment down into costs.
_PAYMENTS = "567"


def _places(line: str, first: int, last: int) -> str:
    return line[first - 1 : last]


def _amount(line: str) -> Decimal:
    amount = Decimal(_places(line, 33, 47)) / 1000
    return -amount if _places(line, 32, 32) == "1" else amount


def _id(text: str) -> list[str]:
    squeezed = " ".join(text.split())
    return [squeezed] if squeezed.upper() not in _NO_ID and squeezed.strip("0") else []


def _account(text: str) -> list[str]:
    """An IBAN as it stands; a Belgian account of twelve digits (check: the first ten mod 97, 97 for 0) as its IBAN."""
    number = letters_and_digits(text)
    domestic = number[:12]
    if domestic.isdigit() and len(domestic) == 12 and int(domestic[10:]) == (int(domestic[:10]) % 97 or 97):
        return [f"BE{98 - int(domestic + '111400') % 97:02d}{domestic}"]
    return [number] if number.strip("0") else []


def _twelve_digits(number: str) -> list[str]:
    """A Belgian structured communication, if its check digits say it is one."""
    is_one = len(number) == 12 and number.isdigit() and int(number[10:]) == (int(number[:10]) % 97 or 97)
    return [number] if is_one else []


def _reason(text: str) -> list[str]:
    """An ISO reason code. Old files keep the bank's own numbers in that place."""
    return [text] if text[:2].isalpha() and text.isalnum() else []


def _facts(records: dict[str, str], information: list[str]) -> dict[str, Any]:
    """What the records 2.1, 2.2, 2.3 of one movement or detail say, and the free information records (3) under it."""
    first, second, third = (records.get(kind, "").ljust(128) for kind in ("21", "22", "23"))
    communication = _places(first, 63, 115) + _places(second, 11, 63) + _places(third, 83, 125)
    facts: dict[str, Any] = {
        "end_to_end_ids": _id(_places(second, 64, 98)),
        "mandate_ids": [],
        "accounts": _account(_places(third, 11, 44)),
        "references": [],
        "return_reasons": [],
        "text": communication,
    }
    if _places(second, 113, 113) in tuple("12345"):
        facts["return_reasons"] = _reason(_places(second, 114, 117).strip())
    if _places(first, 62, 62) == "1":
        kind, rest = communication[:3], communication[3:]
        if kind == "100":
            facts |= {"references": [letters_and_digits(rest[:35])], "text": ""}
        elif kind in ("101", "102"):
            facts |= {"references": [rest[:12]], "text": rest[12:]}
        elif (
            kind == "105"
        ):  # an amount in another currency: 15, 15, 12, 3, then the twelve digits if the payer gave them
            facts["references"] = _twelve_digits(rest[45:57])
        elif kind == "115":  # cash paid in at a terminal: the last twelve places
            facts["references"] = _twelve_digits(communication.strip()[-12:])
        elif kind == "107":  # a direct debit before SEPA: mandate 12, day 6, text 30
            facts |= {"mandate_ids": _id(rest[:12]), "text": rest[18:48]}
        elif kind == "127":
            facts |= {"mandate_ids": _id(rest[44:79]), "text": rest[79:141]}
            if rest[141:142] in tuple("12345"):
                facts["return_reasons"] = facts["return_reasons"] or _reason(rest[142:146].strip())
    if not facts["text"].strip() and not facts["references"]:
        facts["text"] = "".join(information)
    return facts


def _movement(group: list[tuple[dict[str, str], list[str]]]) -> Movement:
    parent = group[0][0]["21"]
    payments = [detail for detail in group[1:] if _places(detail[0]["21"], 54, 54) in _PAYMENTS]
    if not payments or sum(_amount(records["21"]) for records, _ in payments) != _amount(parent):
        payments = group[:1]
    facts = [_facts(*one) for one in payments]
    lists = ("end_to_end_ids", "mandate_ids", "accounts", "references", "return_reasons")
    return said(
        {
            "amount": f"{_amount(parent):.2f}",
            **{name: sorted(value for one in facts for value in one[name]) for name in lists},
            "text": hashed("".join(one["text"] for one in facts)),
        }
    )


def coda_movements(content: bytes) -> list[Movement]:
    """Every movement (detail 0000), in order; a batch with the facts of the payments it is made of."""
    groups: list[list[tuple[dict[str, str], list[str]]]] = []
    in_free_information = False
    for line in content.decode("latin-1").splitlines():
        kind = line[:2]
        if kind == "21":
            if _places(line, 7, 10) == "0000":
                groups.append([])
            groups[-1].append(({"21": line}, []))
        elif kind in ("22", "23"):
            groups[-1][-1][0][kind] = line
        elif kind == "31":
            in_free_information = _places(line, 40, 40) != "1"
            if in_free_information:
                groups[-1][-1][1].append(_places(line, 41, 113))
        elif kind in ("32", "33") and in_free_information:
            groups[-1][-1][1].append(_places(line, 11, 115 if kind == "32" else 100))
    return [_movement(group) for group in groups]

"""Builds statement files from plain payments, in every format and manner of writing the tests need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from xml.sax.saxutils import escape

ACCOUNT = "NL91ABNA0417164300"
BELGIAN_ACCOUNT = "BE68539007547034"
"""The account of the CODA statements."""


@dataclass(frozen=True)
class Payment:
    """A booked payment; `cents` is signed."""

    cents: int
    text: str = "Factuur 2026-000123"
    name: str = "Garage Van Dijk"
    iban: str = "NL44RABO0123456789"
    end_to_end_id: str = "NOTPROVIDED"
    bank_reference: str = ""
    booked_on: date = date(2026, 3, 2)


def money(cents: int, point: str = ".") -> str:
    """Unsigned amount with two decimals."""
    return f"{abs(cents) // 100}{point}{abs(cents) % 100:02d}"


def camt053(
    payments: Sequence[Payment],
    *,
    opening: int = 0,
    closing: int | None = None,
    encoding: str = "utf-8",
    prefix: str = "",
    newline: str = "",
    version: str = "08",
    statement_id: str = "S-1",
    number: int = 61,
) -> bytes:
    """A camt.053; `newline` between elements makes it pretty, `prefix` puts them in a prefixed namespace."""
    p = f"{prefix}:" if prefix else ""
    xmlns = f"xmlns:{prefix}" if prefix else "xmlns"
    pieces: list[str] = []

    def tag(name: str, text: str, attributes: str = "") -> str:
        return f"<{p}{name}{attributes}>{text}</{p}{name}>{newline}"

    def amount(cents: int) -> str:
        sign = "CRDT" if cents >= 0 else "DBIT"
        return tag("Amt", money(cents), ' Ccy="EUR"') + tag("CdtDbtInd", sign)

    def balance(code: str, cents: int, day: str) -> str:
        kind = tag("Tp", tag("CdOrPrtry", tag("Cd", code)))
        return tag("Bal", kind + amount(cents) + tag("Dt", tag("Dt", day)))

    for payment in payments:
        role = "Dbtr" if payment.cents >= 0 else "Cdtr"
        parties = tag(role, tag("Pty", tag("Nm", escape(payment.name))))
        parties += tag(f"{role}Acct", tag("Id", tag("IBAN", payment.iban)))
        details = tag("Refs", tag("EndToEndId", escape(payment.end_to_end_id))) + tag("RltdPties", parties)
        details += tag("RmtInf", tag("Ustrd", escape(payment.text)))
        day = tag("Dt", payment.booked_on.isoformat())
        pieces.append(
            tag(
                "Ntry",
                amount(payment.cents)
                + tag("Sts", tag("Cd", "BOOK"))
                + tag("BookgDt", day)
                + tag("ValDt", day)
                + (tag("AcctSvcrRef", payment.bank_reference) if payment.bank_reference else "")
                + tag("NtryDtls", tag("TxDtls", details)),
            )
        )
    last = opening + sum(payment.cents for payment in payments) if closing is None else closing
    account = tag("Acct", tag("Id", tag("IBAN", ACCOUNT)) + tag("Ccy", "EUR"))
    body = tag("Id", statement_id) + tag("ElctrncSeqNb", str(number)) + account
    body += balance("OPBD", opening, "2026-03-01") + balance("CLBD", last, "2026-03-02") + "".join(pieces)
    message = tag("BkToCstmrStmt", tag("GrpHdr", tag("MsgId", "M-1")) + tag("Stmt", body))
    namespace = f' {xmlns}="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"'
    text = f'<?xml version="1.0" encoding="{encoding}"?>{newline}' + tag("Document", message, namespace)
    return text.encode(encoding, "xmlcharrefreplace")


def mt940(
    payments: Sequence[Payment],
    *,
    dialect: str = "ing",
    opening: int = 0,
    width: int = 65,
    eol: str = "\r\n",
    encoding: str = "utf-8",
    number: int = 61,
    page: int = 1,
    tags: tuple[str, str] = ("60F", "62F"),
    days: tuple[str, str] = ("260301", "260302"),
) -> bytes:
    """An MT940 statement with field 86 in the manner of ING, Rabobank or ABN AMRO, wrapped at `width`.

    `tags` of a page in the middle of a longer statement are 60M and 62M.
    """
    sign = "CD"[opening < 0]
    lines = [":20:S1", f":25:{ACCOUNT}", f":28C:{number}/{page}"]
    lines.append(f":{tags[0]}:{sign}{days[0]}EUR{money(opening, ',')}")
    for payment in payments:
        mark = "CD"[payment.cents < 0]
        day = payment.booked_on.strftime("%y%m%d%m%d")
        bank = f"//{payment.bank_reference}" if payment.bank_reference else ""
        lines.append(f":61:{day}{mark}{money(payment.cents, ',')}NTRFEREF{bank}")
        party = f"{payment.iban}/RABONL2U/{payment.name}"
        information = (
            ":86:"
            + {
                "ing": f"/EREF/{payment.end_to_end_id}//CNTP/{party}///REMI/USTD//{payment.text}/",
                "rabobank": f"/EREF/{payment.end_to_end_id}/ORDP//NAME/{payment.name}/REMI/{payment.text}/ISDT/2026-03-02",
                "abnamro": f"/TRTP/SEPA OVERBOEKING/IBAN/{payment.iban}/BIC/RABONL2U/NAME/{payment.name}"
                f"/REMI/{payment.text}/EREF/{payment.end_to_end_id}",
            }[dialect]
        )
        if dialect == "rabobank":
            lines.append(payment.iban)
        lines += [information[at : at + width] for at in range(0, len(information), width)]
    closing = opening + sum(payment.cents for payment in payments)
    lines += [f":{tags[1]}:{'CD'[closing < 0]}{days[1]}EUR{money(closing, ',')}", "-"]
    return (eol.join(lines) + eol).encode(encoding)


def record(*fields: tuple[int, str]) -> str:
    """A CODA record of 128 places from (position from 1, text) pairs."""
    places = [" "] * 128
    for position, text in fields:
        places[position - 1 : position - 1 + len(text)] = text
    assert len(places) == 128
    return "".join(places)


def coda(
    payments: Sequence[Payment],
    *,
    opening: int = 0,
    eol: str = "\r\n",
    encoding: str = "latin-1",
    structured: bool = False,
    number: int = 61,
) -> bytes:
    """A CODA statement; the text fills the 149 places of the communication, structured or free."""
    account = BELGIAN_ACCOUNT.ljust(34) + "EUR"
    count = f"{number:03d}"
    lines = [record((1, "1"), (2, "2"), (3, count), (6, account), *_signed(43, opening), (59, "010326"), (126, count))]
    for place, payment in enumerate(payments, start=1):
        text, day, key = payment.text.ljust(149)[:149], payment.booked_on.strftime("%d%m%y"), f"{place:04d}0000"
        lines += [
            record(
                (1, "21"),
                (3, key),
                (11, payment.bank_reference[:21]),
                *_signed(32, payment.cents),
                (48, day),
                (54, "00150000"),
                (62, "01"[structured]),
                (63, text[:53]),
                (116, day),
                (122, count),
                (125, "010"),
            ),
            record((1, "22"), (3, key), (11, text[53:106]), (64, payment.end_to_end_id[:35]), (126, "1 0")),
            record((1, "23"), (3, key), (11, payment.iban), (48, payment.name[:35]), (83, text[106:149]), (126, "0 0")),
        ]
    closing = opening + sum(payment.cents for payment in payments)
    lines.append(record((1, "8"), (2, count), (5, account), *_signed(42, closing), (58, "020326"), (128, "0")))
    debit = -sum(payment.cents for payment in payments if payment.cents < 0)
    credit = sum(payment.cents for payment in payments if payment.cents > 0)
    header = record((1, "0000002032630005"), (35, "VOORBEELD NV"), (61, "KREDBEBB"), (128, "2"))
    trailer = record((1, "9"), (17, f"{len(lines):06d}"), (23, f"{debit:014d}0"), (38, f"{credit:014d}0"), (128, "2"))
    return (eol.join([header, *lines, trailer]) + eol).encode(encoding)


def _signed(position: int, cents: int) -> tuple[tuple[int, str], tuple[int, str]]:
    return (position, "01"[cents < 0]), (position + 1, f"{abs(cents):014d}0")

"""Statements as SWIFT MT940 with the structured information field of a large Dutch bank (ING style)."""

from datetime import date

from simulation.bank_days import bank_days_later
from simulation.casting import euros
from simulation.customers import COMPANY
from simulation.model import BankEntry, Statement
from simulation.names import without_accents

LINE_WIDTH = 65
# SWIFT transaction type and the bank's own transaction code.
TYPES = {
    "transfer": ("NTRF", "00100"),
    "collection": ("NDDT", "01018"),
    "return": ("NRTI", "01049"),
    "charge": ("NCHG", "03950"),
}


def swift_amount(cents: int) -> str:
    return euros(abs(cents)).replace(".", ",")


def mark(cents: int) -> str:
    return "C" if cents >= 0 else "D"


def balance(tag: str, cents: int, day: date) -> str:
    return f":{tag}:{mark(cents)}{day:%y%m%d}EUR{swift_amount(cents)}"


def swift_text(text: str) -> str:
    """Text in the SWIFT X set: no accents, an ampersand written as a plus."""
    return without_accents(text).replace("&", "+")


def information(entry: BankEntry) -> str:
    """The `:86:` field: keyword blocks in the bank's order, each between slashes."""
    blocks = []
    if entry.return_reason:
        blocks.append(f"/RTRN/{entry.return_reason}/")
    if entry.end_to_end_id:
        blocks.append(f"/EREF/{entry.end_to_end_id}/")
    if entry.mandate_id:
        blocks.append(f"/MARF/{entry.mandate_id}/")
        blocks.append(f"/CSID/{COMPANY.creditor_id}/")
    if entry.counterparty_iban:
        name = swift_text(entry.counterparty_name or "")
        blocks.append(f"/CNTP/{entry.counterparty_iban}/{entry.counterparty_bic or ''}/{name}//")
    if entry.structured_reference:
        issuer = "ISO" if entry.structured_reference.startswith("RF") else "BBA"
        blocks.append(f"/REMI/STRD/{issuer}/{entry.structured_reference}/")
    elif entry.remittance:
        blocks.append(f"/REMI/USTD//{swift_text(' '.join(entry.remittance))}/")
    return "".join(blocks)


def wrapped(field: str) -> str:
    """A field broken at its width, in the middle of words if need be."""
    return "\r\n".join(field[start : start + LINE_WIDTH] for start in range(0, len(field), LINE_WIDTH))


def movement(entry: BankEntry) -> str:
    kind, code = TYPES[entry.kind]
    reference = "EREF" if entry.end_to_end_id else "NONREF"
    day = entry.valued_on
    text = information(entry)
    return (
        f":61:{day:%y%m%d}{entry.booked_on:%m%d}{mark(entry.amount_cents)}{swift_amount(entry.amount_cents)}"
        f"{kind}{reference}//{entry.bank_reference}\r\n/TRCD/{code}/\r\n"
        + (wrapped(f":86:{text}") + "\r\n" if text else "")
    )


def message(statement: Statement) -> str:
    """One statement from header to `-}`; the last `:86:` sums it up."""
    account, day = statement.account, statement.booked_on
    debits = [entry.amount_cents for entry in statement.entries if entry.amount_cents < 0]
    credits = [entry.amount_cents for entry in statement.entries if entry.amount_cents >= 0]
    closing = statement.closing_cents
    return "".join(
        [
            "{1:F01INGBNL2ABXXX0000000000}\r\n{2:I940INGBNL2AXXXN}\r\n{4:\r\n",
            f":20:P{day:%y%m%d}000000001\r\n:25:{account.iban}EUR\r\n:28C:{statement.sequence_no:05d}\r\n",
            f"{balance('60F', statement.opening_cents, statement.previous_on)}\r\n",
            *(movement(entry) for entry in statement.entries),
            f"{balance('62F', closing, day)}\r\n{balance('64', closing, day)}\r\n",
            f"{balance('65', closing, bank_days_later(day, 1))}\r\n{balance('65', closing, bank_days_later(day, 2))}\r\n",
            f":86:/SUM/{len(debits)}/{len(credits)}/{swift_amount(sum(debits))}/{swift_amount(sum(credits))}/\r\n-}}\r\n",
        ]
    )


def mt940(statements: list[Statement]) -> bytes:
    """One file with these statements of one account."""
    return "".join(message(statement) for statement in statements).encode("ascii")

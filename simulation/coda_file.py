"""Statements as Belgian CODA version 2 (Febelfin 2.6): records of exactly 128 characters."""

from datetime import date

from simulation.customers import COMPANY
from simulation.model import BankEntry, Statement
from simulation.names import without_accents

WIDTH = 128
# Type, family, transaction and category of the CODA transaction code.
CODES = {"transfer_in": "00150000", "transfer_out": "00101000", "charge": "03537000"}
# The communication is spread over the records 2.1, 2.2 and 2.3.
COMMUNICATION_WIDTHS = (53, 53, 43)


def field(text: str, width: int) -> str:
    """Text cut or filled with blanks to its width."""
    return without_accents(text)[:width].ljust(width)


def coda_amount(cents: int) -> str:
    """Fifteen digits, three of them decimals."""
    return f"{abs(cents) * 10:015d}"


def sign(cents: int) -> str:
    return "0" if cents >= 0 else "1"


def day_of(day: date) -> str:
    return f"{day:%d%m%y}"


def record(*parts: str) -> str:
    line = "".join(parts)
    if len(line) != WIDTH:
        raise ValueError(f"a CODA record has {WIDTH} characters, not {len(line)}: {line!r}")
    return line


def header(statement: Statement) -> str:
    return record(
        "0", "0000", day_of(statement.booked_on), "096", "05", " " * 8, field(f"{statement.sequence_no:010d}", 10),
        field(COMPANY.name, 26), field(statement.account.bic, 11), f"0{COMPANY.registration_number:>010}", " ",
        "00000", " " * 32, " " * 7, "2",
    )  # fmt: skip


def old_balance(statement: Statement) -> str:
    return record(
        "1", "2", f"{statement.sequence_no:03d}", field(statement.account.iban, 34), "EUR",
        sign(statement.opening_cents), coda_amount(statement.opening_cents), day_of(statement.previous_on),
        field(COMPANY.name, 26), field("Zichtrekening", 35), f"{statement.sequence_no:03d}",
    )  # fmt: skip


def communication(entry: BankEntry) -> tuple[str, str]:
    """The type (1 is structured) and the communication, cut into the widths of its three records by the caller."""
    if entry.structured_reference and not entry.structured_reference.startswith("RF"):
        return "1", f"101{entry.structured_reference}"
    if entry.structured_reference:
        return "1", f"100{entry.structured_reference}"
    return "0", " ".join(entry.remittance)


def movement(entry: BankEntry, number: int, statement_no: int) -> list[str]:
    """Records 2.1 to 2.3 of one booking, and 3.1 with the name of the other side."""
    kind, text = communication(entry)
    padded = field(text, sum(COMMUNICATION_WIDTHS))
    first, second, third = padded[:53], padded[53:106], padded[106:]
    if entry.kind == "charge":
        code = CODES["charge"]
    else:
        code = CODES["transfer_in" if entry.amount_cents >= 0 else "transfer_out"]
    has_counterparty = entry.counterparty_iban is not None
    more = has_counterparty or second.strip() or third.strip()
    place = f"{number:04d}0000"
    records = [
        record(
            "21", place, field(entry.bank_reference, 21), sign(entry.amount_cents), coda_amount(entry.amount_cents),
            day_of(entry.valued_on), code, kind, first, day_of(entry.booked_on), f"{statement_no:03d}", "0",
            "1" if more else "0", " ", "0",
        )
    ]  # fmt: skip
    if not more:
        return records
    records.append(
        record(
            "22", place, second, field(entry.end_to_end_id or "", 35), field(entry.counterparty_bic or "", 11), "   ",
            " ", "    ", "    ", "    ", "1" if has_counterparty or third.strip() else "0", " ", "0",
        )
    )  # fmt: skip
    if has_counterparty or third.strip():
        records.append(
            record(
                "23", place, field(entry.counterparty_iban or "", 34), "EUR" if has_counterparty else "   ",
                field(entry.counterparty_name or "", 35), third, "0", " ", "1" if has_counterparty else "0",
            )
        )  # fmt: skip
    if has_counterparty:
        records.append(
            record(
                "31", f"{number:04d}0001", field(entry.bank_reference, 21), code, "1",
                f"001{field(entry.counterparty_name or '', 70)}", " " * 12, "0", " ", "0",
            )
        )  # fmt: skip
    return records


def new_balance(statement: Statement) -> str:
    return record(
        "8", f"{statement.sequence_no:03d}", field(statement.account.iban, 34), "EUR", sign(statement.closing_cents),
        coda_amount(statement.closing_cents), day_of(statement.booked_on), " " * 64, "0",
    )  # fmt: skip


def trailer(statement: Statement, body: list[str], *, is_last: bool) -> str:
    debits = sum(entry.amount_cents for entry in statement.entries if entry.amount_cents < 0)
    credits = sum(entry.amount_cents for entry in statement.entries if entry.amount_cents >= 0)
    return record(
        "9", " " * 15, f"{len(body):06d}", coda_amount(debits), coda_amount(credits), " " * 75, "2" if is_last else "1"
    )


def block(statement: Statement, *, is_last: bool) -> list[str]:
    """One statement. A bank may leave record 8 out on a day without movement; ours states the balance of every day."""
    body = [old_balance(statement)]
    for number, entry in enumerate(statement.entries, start=1):
        body += movement(entry, number, statement.sequence_no)
    body.append(new_balance(statement))
    return [header(statement), *body, trailer(statement, body, is_last=is_last)]


def coda(statements: list[Statement]) -> bytes:
    """One file with these statements of one account."""
    lines = [line for statement in statements for line in block(statement, is_last=statement is statements[-1])]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")

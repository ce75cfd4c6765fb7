"""The file form of the billing extract: `<table>*.csv`, RFC 4180, UTF-8 with or without a BOM (contracts, section 2)."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from assets.billing.rows import RowProblem, Value, read_row
from assets.landing.quarantine import Refused
from assets.landing.raw_tables import BILLING_TABLES, BillingTable

# One long text is one row's affair; at the module's own limit it would refuse the whole file.
LONGEST_FIELD = 100_000_000


@dataclass(frozen=True, slots=True)
class BillingFile:
    """A CSV file that was read: its good rows in contract order with their numbers, and the rows that were refused."""

    table: BillingTable
    rows: list[tuple[Value, ...]]
    ordinals: list[int]
    problems: list[RowProblem]
    repeated_keys: int


def table_of(name: str) -> BillingTable | None:
    """The table a file belongs to by its name; the longest table name wins, so invoice_lines is not invoices."""
    matching = [
        table for table in BILLING_TABLES if name.lower().startswith(table.name) and name.lower().endswith(".csv")
    ]
    return max(matching, key=lambda table: len(table.name), default=None)


def read_billing_file(name: str, content: bytes) -> BillingFile | Refused:
    """Reads one CSV file of the billing extract, or says why the whole file is refused."""
    table = table_of(name)
    if table is None:
        known = ", ".join(f"{table.name}*.csv" for table in BILLING_TABLES)
        return Refused("unknown_table", f"the file name says no table; name it {known}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Refused("encoding", f"the file is not UTF-8: {error.reason}", position=f"byte {error.start}")
    if "\x00" in text:
        return Refused("encoding", "the file holds NUL characters", position=f"character {text.index(chr(0))}")
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, None)
        if header is None:
            return Refused("empty_file", "the file is empty: not even a header", position="line 1")
        header = [column.strip() for column in header]
        refused = _header_refused(table, header)
        if refused:
            return refused
        return _read_rows(table, header, reader)
    except csv.Error as error:
        return Refused("invalid_csv", f"the file is not RFC 4180 CSV: {error}", position=f"line {reader.line_num}")


def _header_refused(table: BillingTable, header: list[str]) -> Refused | None:
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        return Refused("repeated_column", f"the column {repeated[0]!r} stands in the header twice", position="line 1")
    missing = [column for column in table.required if column not in header]
    if missing:
        hint = " (is the file separated by semicolons? use commas)" if len(header) == 1 and ";" in header[0] else ""
        return Refused("missing_column", f"{table.name} needs the column {', '.join(missing)}{hint}", position="line 1")
    return None


def _read_rows(table: BillingTable, header: list[str], reader: Any) -> BillingFile:
    rows: list[tuple[Value, ...]] = []
    ordinals: list[int] = []
    problems: list[RowProblem] = []
    keys: set[tuple[Value, ...]] = set()
    repeated = 0
    positions = [table.column_names.index(name) for name in table.key]
    for ordinal, cells in enumerate(reader, start=1):
        if not cells:
            continue
        if len(cells) != len(header):
            message = f"line {reader.line_num} has {len(cells)} fields, the header has {len(header)}"
            problems.append(_whose(RowProblem(ordinal, table.name, "field_count", message), header, cells))
            continue
        row = read_row(table, dict(zip(header, cells, strict=True)), ordinal)
        if isinstance(row, RowProblem):
            problems.append(row)
            continue
        key = tuple(row[position] for position in positions)
        repeated += key in keys
        keys.add(key)
        rows.append(row)
        ordinals.append(ordinal)
    return BillingFile(table, rows, ordinals, problems, repeated)


def _whose(problem: RowProblem, header: list[str], cells: list[str]) -> RowProblem:
    """Says whom a broken line concerns, as far as its first fields can be trusted."""
    known = dict(zip(header, cells, strict=False))
    return RowProblem(
        problem.ordinal,
        problem.table_name,
        problem.code,
        problem.message,
        company_id=known.get("company_id") or None,
        customer_id=known.get("customer_id") or None,
        invoice_id=known.get("invoice_id") or None,
    )

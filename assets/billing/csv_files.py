"""The file form of the billing extract: `<table>*.csv`, RFC 4180, UTF-8 with or without a BOM (contracts, section 2)."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

from assets.billing.chunks import read_chunk
from assets.billing.extract_files import ColumnSeen, Contents, kinds_of
from assets.billing.rows import RowProblem, arrow_schema, problem_of
from assets.landing.quarantine import Refused
from assets.landing.raw_tables import BILLING_TABLES, BillingTable

# One long text is one row's affair; at the module's own limit it would refuse the whole file.
LONGEST_FIELD = 100_000_000


# Rows checked at once.
ROWS_A_CHUNK = 10_000


@dataclass(frozen=True, slots=True)
class BillingFile:
    """A CSV file that was read: its good rows in the columns of `rows.arrow_schema`, and what else it held."""

    table: BillingTable
    rows: pa.Table
    contents: Contents

    @property
    def problems(self) -> list[RowProblem]:
        return self.contents.problems


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
    contents = Contents(table.name, columns={name: ColumnSeen(set(), 0) for name in header})
    pieces: list[pa.Table] = []
    numbered = _numbered(table, header, reader, contents)
    while piece := list(islice(numbered, ROWS_A_CHUNK)):
        ordinals, rows = [ordinal for ordinal, _ in piece], [cells for _, cells in piece]
        chunk = read_chunk(table, header, rows, ordinals)
        pieces.append(chunk.rows)
        contents.problems += chunk.problems
        _account(contents, header, rows)
    contents.problems.sort(key=lambda problem: problem.ordinal)
    read = pa.concat_tables(pieces) if pieces else arrow_schema(table).empty_table()
    return BillingFile(table, read, contents)


def _numbered(
    table: BillingTable, header: list[str], reader: Any, contents: Contents
) -> Iterator[tuple[int, list[str]]]:
    """The lines with as many fields as the header, each with its number; the others are refused one by one."""
    for ordinal, cells in enumerate(reader, start=1):
        if not cells:
            continue
        contents.seen += 1
        if len(cells) == len(header):
            yield ordinal, cells
            continue
        message = f"line {reader.line_num} has {len(cells)} fields, the header has {len(header)}"
        # Whom a broken line concerns, as far as its first fields can be trusted.
        known = dict(zip(header, cells, strict=False))
        contents.problems.append(problem_of(table, known, ordinal, "field_count", message))


def _account(contents: Contents, header: list[str], rows: Sequence[list[str]]) -> None:
    for name, values in zip(header, zip(*rows, strict=True), strict=True):
        filled = [value for value in values if value and not value.isspace()]
        seen = contents.columns[name]
        seen.kinds |= kinds_of(filled[:1])
        seen.filled += len(filled)

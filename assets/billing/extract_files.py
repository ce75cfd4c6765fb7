"""One extract of one table as a Parquet file: its good rows, and beside them what a rebuild and the next extract need.

The refused rows, the watermark and what each column held go into the file's metadata. So everything about an extract is in
one file, found by its hash, and recorded in one transaction.
"""

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import NoneType

import pyarrow as pa
import pyarrow.parquet as pq

from assets.billing.marks import Mark
from assets.billing.rows import RowProblem, arrow_schema
from assets.landing.raw_tables import BillingTable
from assets.problem import DataProblem

PROBLEM_FIELDS = tuple(RowProblem.__dataclass_fields__)

# What the types a driver gives come down to. A float is a kind of its own, since it is no exact number.
KINDS: dict[type, str] = {
    str: "text",
    int: "number",
    Decimal: "number",
    float: "float",
    bool: "flag",
    date: "day",
    datetime: "moment",
    bytes: "binary",
    bytearray: "binary",
    memoryview: "binary",
}


@dataclass(slots=True)
class ColumnSeen:
    """What a column of an extract held: kinds of values, and how many there were."""

    kinds: set[str]
    filled: int


@dataclass(slots=True)
class Contents:
    """What an extract held besides its good rows. `asked` names the question: another question begins anew."""

    table_name: str
    asked: str = ""
    seen: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    mark: Mark | None = None
    columns: dict[str, ColumnSeen] = field(default_factory=dict)


def kinds_of(values: Iterable[object]) -> set[str]:
    """The kinds of the values of a column, nulls left out."""
    return {KINDS.get(kind, kind.__name__) for kind in set(map(type, values)) - {NoneType}}


# Rows written at once: enough for a reader to work on, few enough to hold.
ROWS_A_GROUP = 50_000


class ExtractWriter:
    """Writes the rows of an extract as they come; the file is whole after `finish`."""

    def __init__(self, path: Path, table: BillingTable) -> None:
        self.schema = arrow_schema(table)
        self.writer = pq.ParquetWriter(path, self.schema, compression="zstd")
        self.waiting: list[pa.Table] = []

    def __enter__(self) -> "ExtractWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self.writer.close()

    def write(self, rows: pa.Table) -> None:
        self.waiting.append(rows)
        if sum(each.num_rows for each in self.waiting) >= ROWS_A_GROUP:
            self._write_waiting()

    def finish(self, contents: Contents) -> None:
        """Writes the last rows and what is known of the extract after them."""
        self._write_waiting()
        self.writer.add_key_value_metadata({name: json.dumps(value) for name, value in _as_json(contents).items()})

    def _write_waiting(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.concat_tables(self.waiting))
            self.waiting.clear()


def _as_json(contents: Contents) -> dict[str, object]:
    return {
        "problems": [[getattr(problem, name) for name in PROBLEM_FIELDS] for problem in contents.problems],
        "mark": contents.mark.as_json() if contents.mark else None,
        "asked": contents.asked,
        "seen": contents.seen,
        "columns": {name: [sorted(column.kinds), column.filled] for name, column in contents.columns.items()},
    }


def contents_of(path: Path | io.BytesIO, table_name: str) -> Contents:
    """What an archived extract held. Raises DataProblem when the file is missing or damaged."""
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise DataProblem(
            f"an archived extract of {table_name} is missing or damaged",
            where=str(path),
            remedy="restore the archive from its backup",
        ) from error
    known = {
        name: json.loads(metadata.get(name.encode(), b"null"))
        for name in ("problems", "mark", "asked", "seen", "columns")
    }
    return Contents(
        table_name,
        known["asked"] or "",
        known["seen"] or 0,
        [RowProblem(**dict(zip(PROBLEM_FIELDS, values, strict=True))) for values in known["problems"] or []],
        Mark.from_json(known["mark"]) if known["mark"] else None,
        {name: ColumnSeen(set(kinds), filled) for name, (kinds, filled) in (known["columns"] or {}).items()},
    )

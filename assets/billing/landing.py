"""The billing extract into the raw log: from the ERP's database, or from CSV files in the inbox."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.billing.csv_files import BillingFile, read_billing_file
from assets.billing.extract import Extract, extracts, open_billing
from assets.billing.rows import RowProblem, arrow_rows
from assets.landing.batches import NumberedSource, record_sources, taken_hashes
from assets.landing.change_log import Appended, append_billing, append_rows, last_ordinal
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BillingTable
from assets.landing.warehouse import transaction, writing
from assets.operations.runs import LandedSource

INBOX = "billing"
ERP = "erp"


@dataclass(frozen=True, slots=True)
class TableLanded:
    """What was landed of one table: rows seen, new or changed, gone, and refused."""

    table_name: str
    seen: int
    changed: int
    deleted: int
    refused: int
    repeated_keys: int = 0

    def __add__(self, other: "TableLanded") -> "TableLanded":
        """Two files of one table, counted together."""
        return TableLanded(
            self.table_name,
            self.seen + other.seen,
            self.changed + other.changed,
            self.deleted + other.deleted,
            self.refused + other.refused,
            self.repeated_keys + other.repeated_keys,
        )


@dataclass(frozen=True, slots=True)
class BillingLanded:
    tables: tuple[TableLanded, ...]
    taken: int
    duplicate: int
    quarantined: int


def land_extract(
    landing: Landing, url: str, queries: Mapping[str, str], *, is_full: bool, max_shrink_percent: int
) -> BillingLanded:
    """Pulls every mapped table from the ERP, keeps the extract as Parquet and appends what is new or changed."""
    engine = open_billing(url)
    tables: list[TableLanded] = []
    try:
        for extract in extracts(engine, queries):
            rows = arrow_rows(extract.table, extract.rows, extract.ordinals)
            kind = "full" if is_full else "delta"
            source = LandedSource(
                ERP,
                kind,
                landing.archive.put(_parquet(rows, extract.problems)),
                rows.num_rows,
                "taken",
                extract.table.name,
            )
            with writing(landing.warehouse) as connection:
                # The brake comes before the record: an extract that is refused was never taken.
                tables.append(
                    _land_rows(
                        connection,
                        landing,
                        extract,
                        rows,
                        source,
                        is_full=is_full,
                        max_shrink_percent=max_shrink_percent,
                    )
                )
    finally:
        engine.dispose()
    return BillingLanded(tuple(tables), taken=0, duplicate=0, quarantined=0)


def _land_rows(
    connection: duckdb.DuckDBPyConnection,
    landing: Landing,
    extract: Extract,
    rows: pa.Table,
    source: LandedSource,
    *,
    is_full: bool,
    max_shrink_percent: int,
) -> TableLanded:
    with transaction(connection):
        after = last_ordinal(connection, extract.table, landing.batch_id)
        _append_problems(connection, landing.batch_id, source.sha256, extract.problems, after)
        appended = append_billing(
            connection,
            extract.table,
            rows,
            batch_id=landing.batch_id,
            source_sha256=source.sha256,
            is_full=is_full,
            max_shrink_percent=max_shrink_percent,
            after=after,
        )
        numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
        _append_source(connection, numbered)
    return _landed(extract.table, appended, extract.problems)


def land_files(landing: Landing, inbox: Path) -> BillingLanded:
    """Takes every complete CSV file of the billing inbox in name order; a file that cannot be read is quarantined."""
    seen = taken_hashes(landing.store, INBOX)
    tables: list[TableLanded] = []
    counts = {"taken": 0, "duplicate": 0, "quarantined": 0}
    for file in complete_files(inbox):
        read = (
            Refused("not_a_file", f"the file is not taken: {file.refusal}")
            if file.refusal
            else read_billing_file(file.name, file.content)
        )
        if isinstance(read, Refused):
            _refuse(landing, file, read)
            counts["quarantined"] += 1
        elif (sha256 := landing.archive.put(file.content)) in seen:
            record_sources(
                landing.store,
                landing.clock,
                landing.batch_id,
                [LandedSource(INBOX, "csv", sha256, 0, "duplicate", read.table.name, file.name)],
            )
            counts["duplicate"] += 1
        else:
            seen.add(sha256)
            source = LandedSource(INBOX, "csv", sha256, len(read.rows), "taken", read.table.name, file.name)
            numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
            with writing(landing.warehouse) as connection:
                tables.append(load_file(connection, numbered, read))
            counts["taken"] += 1
        take_away(file)
    return BillingLanded(tuple(tables), **counts)


def _refuse(landing: Landing, file: InboxFile, refused: Refused) -> None:
    sha256 = quarantine(landing.quarantine, file, refused)
    source = LandedSource(INBOX, "csv", sha256, 0, "quarantined", None, file.name, refused.code, refused.sentence)
    numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
    with writing(landing.warehouse) as connection:
        append_rows(connection, "quarantined_files", [quarantined_row(numbered)])


def load_file(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, read: BillingFile) -> TableLanded:
    """Appends the rows of a CSV file that was read, in one transaction."""
    with transaction(connection):
        after = last_ordinal(connection, read.table, numbered.batch_id)
        _append_problems(connection, numbered.batch_id, numbered.source.sha256, read.problems, after)
        appended = append_billing(
            connection,
            read.table,
            arrow_rows(read.table, read.rows, read.ordinals),
            batch_id=numbered.batch_id,
            source_sha256=numbered.source.sha256,
            is_full=False,
            after=after,
        )
        _append_source(connection, numbered)
    return _landed(read.table, appended, read.problems, read.repeated_keys)


def load_extract(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, content: bytes) -> None:
    """Appends an archived extract again, under its own batch: how a deleted warehouse gets its past back."""
    table = BILLING_TABLE_BY_NAME[numbered.source.table_name or ""]
    rows = pq.read_table(io.BytesIO(content))
    with transaction(connection):
        after = last_ordinal(connection, table, numbered.batch_id)
        _append_problems(connection, numbered.batch_id, numbered.source.sha256, _problems_of(rows), after)
        append_billing(
            connection,
            table,
            rows,
            batch_id=numbered.batch_id,
            source_sha256=numbered.source.sha256,
            is_full=numbered.source.kind == "full",
            after=after,
        )
        _append_source(connection, numbered)


def _append_problems(
    connection: duckdb.DuckDBPyConnection,
    batch_id: int,
    source_sha256: str,
    problems: Sequence[RowProblem],
    after: int,
) -> None:
    """Appends the refused rows of a source, numbered like its good ones; they must stand before those are appended."""
    append_rows(
        connection,
        "row_problems",
        [
            (
                batch_id,
                source_sha256,
                after + problem.ordinal,
                problem.table_name,
                problem.company_id,
                problem.customer_id,
                problem.invoice_id,
                problem.code,
                problem.message,
            )
            for problem in problems
        ],
    )


def _append_source(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource) -> None:
    append_rows(connection, "landed_sources", [(numbered.batch_id, numbered.ordinal, numbered.source.sha256)])


def _landed(
    table: BillingTable, appended: Appended, problems: Sequence[RowProblem], repeated_keys: int = 0
) -> TableLanded:
    return TableLanded(table.name, appended.seen, appended.changed, appended.deleted, len(problems), repeated_keys)


PROBLEM_FIELDS = tuple(RowProblem.__dataclass_fields__)


def _parquet(rows: pa.Table, problems: Sequence[RowProblem]) -> bytes:
    """The extract as Parquet bytes, the refused rows with it as metadata: what a rebuild needs is in one file."""
    listed = json.dumps([[getattr(problem, name) for name in PROBLEM_FIELDS] for problem in problems])
    out = io.BytesIO()
    pq.write_table(rows.replace_schema_metadata({"problems": listed}), out, compression="zstd")
    return out.getvalue()


def _problems_of(rows: pa.Table) -> list[RowProblem]:
    listed = (rows.schema.metadata or {}).get(b"problems", b"[]").decode()
    return [RowProblem(**dict(zip(PROBLEM_FIELDS, values, strict=True))) for values in json.loads(listed)]

"""Appending to the raw change log: new and changed rows only, and a tombstone for what a full extract no longer holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from assets.landing.raw_tables import LOG_COLUMNS, OTHER_TABLES, SQL_TYPES, BillingTable, Kind, billing_columns
from assets.problem import DataProblem

ARROW_TYPES: dict[Kind, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "amount": pa.decimal128(18, 2),
    "percentage": pa.decimal128(9, 4),
    "integer": pa.int64(),
    "flag": pa.bool_(),
}

ARROW_BY_SQL: dict[str, pa.DataType] = {SQL_TYPES[kind]: arrow for kind, arrow in ARROW_TYPES.items()}


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append did: rows that were new or changed, keys that are gone, and rows seen in all."""

    seen: int
    changed: int
    deleted: int


def arrow_table(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object]]) -> pa.Table:
    """Rows as an Arrow table of the given (name, SQL type) columns."""
    values = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    arrays = [
        pa.array(column, type=ARROW_BY_SQL[sql_type]) for (_, sql_type), column in zip(columns, values, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in columns])


def append_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[object]]) -> int:
    """Appends rows, in the column order of `raw_tables`, to a raw table that is not part of the billing extract."""
    if rows:
        incoming = arrow_table(OTHER_TABLES[table], rows)
        connection.register("incoming", incoming)
        connection.execute(f"insert into raw.{table} select * from incoming")
        connection.unregister("incoming")
    return len(rows)


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Iterable[object]],
) -> int:
    """Puts `rows` in place of whatever `table` holds; for what is copied whole from the operations store each run."""
    incoming = arrow_table(columns, [tuple(_without_zone(value) for value in row) for row in rows])
    connection.execute(f"delete from {table}")
    connection.register("incoming", incoming)
    connection.execute(f"insert into {table} select * from incoming")
    connection.unregister("incoming")
    return int(incoming.num_rows)


def _without_zone(value: object) -> object:
    """Moments are kept in the warehouse as UTC without a zone."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def append_billing(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    rows: pa.Table,
    *,
    batch_id: int,
    source_sha256: str,
    is_full: bool,
    max_shrink_percent: int = 100,
) -> Appended:
    """Appends the rows of one extract or file: contract columns then `extra`, in the order of the source.

    The last of two rows with one key wins. With `is_full`, a key the extract no longer holds becomes a tombstone,
    unless more than `max_shrink_percent` of the rows would vanish: then nothing is appended and DataProblem is raised,
    because half an extract looks exactly like customers who owe nothing.
    """
    key = ", ".join(table.key)
    own = ", ".join([*table.column_names, "extra"])
    all_columns = ", ".join(name for name, _ in billing_columns(table))
    hashed = (
        "md5(concat_ws(chr(31), "
        + ", ".join(f"coalesce(cast({name} as varchar), chr(30))" for name in [*table.column_names, "extra"])
        + "))"
    )
    connection.register("incoming", rows)
    try:
        connection.execute(
            f"""
            create or replace temp table landing_rows as
            select {own}, ordinal, {hashed} as row_hash
            from (select *, row_number() over () as ordinal from incoming) as numbered
            qualify row_number() over (partition by {key} order by ordinal desc) = 1
            """
        )
    finally:
        connection.unregister("incoming")
    connection.execute(
        f"""
        create or replace temp table newest_rows as
        select {key}, row_hash, is_deleted from raw.{table.name}
        qualify row_number() over (partition by {key} order by batch_id desc, ordinal desc) = 1
        """
    )
    seen = _count(connection, "select count(*) from landing_rows")
    if is_full:
        _refuse_shrinking(connection, table, max_shrink_percent)
    changed = _count(
        connection,
        f"""
        insert into raw.{table.name} ({all_columns})
        select {batch_id}, '{source_sha256}', landing.ordinal, landing.row_hash, false, {", ".join(f"landing.{name}" for name in [*table.column_names, "extra"])}
        from landing_rows as landing
        left join newest_rows as newest using ({key})
        where newest.row_hash is null or newest.is_deleted or newest.row_hash <> landing.row_hash
        order by landing.ordinal
        """,
    )
    deleted = _tombstones(connection, table, batch_id, source_sha256) if is_full else 0
    connection.execute("drop table landing_rows; drop table newest_rows")
    return Appended(seen, changed, deleted)


def _refuse_shrinking(connection: duckdb.DuckDBPyConnection, table: BillingTable, max_shrink_percent: int) -> None:
    key = ", ".join(table.key)
    known, missing = connection.execute(
        f"""
        select count(*), count(*) filter (where landing.row_hash is null)
        from newest_rows as newest left join landing_rows as landing using ({key})
        where not newest.is_deleted
        """
    ).fetchall()[0]
    # A handful may always go: percentages of a small table say nothing.
    if missing > 10 and missing * 100 > known * max_shrink_percent:
        raise DataProblem(
            f"the extract of {table.name} lost {missing} of {known} rows, more than {max_shrink_percent} %",
            where=f"[billing] {table.name}",
            remedy="see whether the extract is complete; if the rows really are gone, raise [billing] max_shrink_percent for one run",
        )


def _tombstones(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, source_sha256: str) -> int:
    """A tombstone repeats the last version of the row, so that the log still says what it was that went away."""
    key = ", ".join(table.key)
    own = [*table.column_names, "extra"]
    return _count(
        connection,
        f"""
        insert into raw.{table.name} ({", ".join(name for name, _ in LOG_COLUMNS)}, {", ".join(own)})
        select {batch_id}, '{source_sha256}', last.ordinal, last.row_hash, true, {", ".join(f"last.{name}" for name in own)}
        from (
            select * from raw.{table.name} where batch_id < {batch_id}
            qualify row_number() over (partition by {key} order by batch_id desc, ordinal desc) = 1
        ) as last
        anti join landing_rows as landing using ({key})
        where not last.is_deleted
        """,
    )


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])

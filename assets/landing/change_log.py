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


def last_ordinal(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int) -> int:
    """The highest ordinal a batch holds of a table, refused rows included; the next source is numbered on from there.

    Of two files of one batch, or two attempts at one extract, the later must win: their rows cannot share numbers.
    """
    return _count(
        connection,
        f"""
        select greatest(
            (select coalesce(max(ordinal), 0) from raw.{table.name} where batch_id = {batch_id}),
            (select coalesce(max(ordinal), 0) from raw.row_problems where batch_id = {batch_id} and table_name = '{table.name}')
        )
        """,
    )


def append_billing(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    rows: pa.Table,
    *,
    batch_id: int,
    source_sha256: str,
    is_full: bool,
    max_shrink_percent: int = 100,
    after: int = 0,
) -> Appended:
    """Appends the rows of one extract or file: contract columns, then `extra`, in the order of the source.

    A column `ordinal` holds each row's number in its source; without one the rows are numbered as they come. `after` is
    the `last_ordinal` before this source. The refused rows of the source stand in raw.row_problems already.

    The last of two rows with one key wins. A row that says nothing new is left out, unless its key was refused in the
    meantime: then it is what heals it. With `is_full`, a key the extract no longer holds becomes a tombstone (a refused
    row does hold its key), unless more than `max_shrink_percent` of the rows would vanish: then nothing is appended and
    DataProblem is raised, because half an extract looks exactly like customers who owe nothing.
    """
    key = ", ".join(table.key)
    own = ", ".join([*table.column_names, "extra"])
    if "ordinal" not in rows.column_names:
        rows = rows.append_column("ordinal", pa.array(range(1, rows.num_rows + 1), type=pa.int64()))
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
            select {own}, {after} + ordinal as ordinal, {hashed} as row_hash
            from incoming
            qualify row_number() over (partition by {key} order by ordinal desc) = 1
            """
        )
    finally:
        connection.unregister("incoming")
    connection.execute(
        f"""
        create or replace temp table newest_rows as
        select {key}, row_hash, is_deleted, batch_id, ordinal from raw.{table.name}
        qualify row_number() over (partition by {key} order by batch_id desc, ordinal desc) = 1
        """
    )
    seen = _count(connection, "select count(*) from landing_rows")
    if is_full:
        _find_vanished(connection, table, batch_id, after)
        _refuse_shrinking(connection, table, max_shrink_percent)
    changed = _append_changed(connection, table, batch_id, source_sha256, after)
    deleted = _tombstones(connection, table, batch_id, source_sha256) if is_full else 0
    connection.execute("drop table landing_rows; drop table newest_rows; drop table if exists vanished_rows")
    return Appended(seen, changed, deleted)


def _whose(table: BillingTable) -> tuple[str, ...]:
    """The columns by which a refused row of this table is known: its company, and its invoice or else its customer."""
    finer = [name for name in ("invoice_id", "customer_id") if name in table.column_names]
    return ("company_id", *finer[:1])


def _append_changed(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, source_sha256: str, after: int
) -> int:
    key, whose = ", ".join(table.key), _whose(table)
    own = [*table.column_names, "extra"]
    # Where one invoice or customer has several rows, a good one beside a refused one in the same source heals nothing.
    is_one_row = set(whose) == set(table.key)
    before = f"{_arrival(str(batch_id), 'landing.ordinal')}" if is_one_row else _arrival(str(batch_id), f"{after} + 1")
    return _count(
        connection,
        f"""
        insert into raw.{table.name} ({", ".join(name for name, _ in billing_columns(table))})
        select {batch_id}, '{source_sha256}', landing.ordinal, landing.row_hash, false, {", ".join(f"landing.{name}" for name in own)}
        from landing_rows as landing
        left join newest_rows as newest using ({key})
        left join (
            select {", ".join(whose)}, max({_arrival("batch_id", "ordinal")}) as arrival
            from raw.row_problems where table_name = '{table.name}' group by all
        ) as refused on {" and ".join(f"refused.{name} = landing.{name}" for name in whose)}
        where
            newest.row_hash is null or newest.is_deleted or newest.row_hash <> landing.row_hash
            or (refused.arrival > {_arrival("newest.batch_id", "newest.ordinal")} and refused.arrival < {before})
        order by landing.ordinal
        """,
    )


def _arrival(batch_id: str, ordinal: str) -> str:
    """One number for a place in the log; no batch holds a milliard rows of a table."""
    return f"(cast({batch_id} as bigint) * 1000000000 + {ordinal})"


def _find_vanished(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, after: int) -> None:
    """Keys the extract no longer holds. A refused row is no vanished one; where it does not say whose it is, nothing is."""
    key = ", ".join(table.key)
    same = " and ".join(f"(refused.{name} is null or refused.{name} = newest.{name})" for name in _whose(table))
    # A mandate, say, is not known by its customer alone, but its key does not hold the customer: look in the log.
    known = ", ".join(f"log.{name}" for name in dict.fromkeys((*table.key, *_whose(table))))
    connection.execute(
        f"""
        create or replace temp table vanished_rows as
        select {known}, log.batch_id, log.ordinal
        from raw.{table.name} as log
        semi join newest_rows as newest using ({key}, batch_id, ordinal)
        anti join landing_rows as landing using ({key})
        where not log.is_deleted
        """
    )
    connection.execute(
        f"""
        delete from vanished_rows as newest
        where exists (
            select 1 from raw.row_problems as refused
            where refused.batch_id = {batch_id} and refused.table_name = '{table.name}' and refused.ordinal > {after} and {same}
        )
        """
    )


# Without any of these there is no business: an extract in which one is suddenly empty is no extract.
NEVER_EMPTY = ("companies", "customers", "invoices")


def _refuse_shrinking(connection: duckdb.DuckDBPyConnection, table: BillingTable, max_shrink_percent: int) -> None:
    known = _count(connection, "select count(*) from newest_rows where not is_deleted")
    missing = _count(connection, "select count(*) from vanished_rows")
    is_empty = table.name in NEVER_EMPTY and missing == known > 0 and max_shrink_percent < 100
    # Otherwise a handful may always go: percentages of a small table say nothing.
    if is_empty or (missing > 10 and missing * 100 > known * max_shrink_percent):
        raise DataProblem(
            f"the extract of {table.name} lost {missing} of {known} rows, more than {max_shrink_percent} %",
            where=f"[billing] {table.name}",
            remedy="see whether the extract is complete; if the rows really are gone, raise [billing] max_shrink_percent for one run",
        )


def _tombstones(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, source_sha256: str) -> int:
    """A tombstone repeats the last version of the row, so that the log still says what it was that went away."""
    key = ", ".join(table.key)
    own = [*table.column_names, "extra"]
    last = last_ordinal(connection, table, batch_id)
    return _count(
        connection,
        f"""
        insert into raw.{table.name} ({", ".join(name for name, _ in LOG_COLUMNS)}, {", ".join(own)})
        select
            {batch_id}, '{source_sha256}', {last} + row_number() over (order by {key}), last.row_hash, true,
            {", ".join(f"last.{name}" for name in own)}
        from raw.{table.name} as last
        semi join vanished_rows as vanished using ({key}, batch_id, ordinal)
        """,
    )


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])

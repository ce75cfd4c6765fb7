"""Appending to the raw change log: new and changed rows only, and a tombstone for what a full extract no longer holds."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from assets.landing.brakes import Brakes, refuse_implausible
from assets.landing.raw_tables import LOG_COLUMNS, OTHER_TABLES, SQL_TYPES, BillingTable, Kind, billing_columns

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
    """What an append did: keys seen, rows that were new or changed, keys that are gone, and rows whose key came again."""

    seen: int
    changed: int
    deleted: int
    repeated: int = 0


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


def parquet_of(table: str, rows: Sequence[Sequence[object]]) -> bytes:
    """Rows as `append_rows` takes them, as Parquet for the archive."""
    out = io.BytesIO()
    pq.write_table(arrow_table(OTHER_TABLES[table], rows), out, compression="zstd")
    return out.getvalue()


def append_archived(connection: duckdb.DuckDBPyConnection, table: str, content: bytes) -> None:
    """Appends what `parquet_of` made to the same raw table: how a deleted warehouse gets those rows back."""
    connection.register("incoming", pq.read_table(io.BytesIO(content)))
    connection.execute(f"insert into raw.{table} by name select * from incoming")
    connection.unregister("incoming")


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
    rows: pa.Table | Path,
    *,
    batch_id: int,
    source_sha256: str,
    is_full: bool,
    max_shrink_percent: int = 100,
    brakes: Brakes | None = None,
    after: int = 0,
) -> Appended:
    """Appends the rows of one extract or file: an Arrow table, or a Parquet file that need not fit in memory.

    They hold the contract's columns, then `extra`. A column `ordinal` holds each row's number in its source; without one
    the rows are numbered as they come. A column `is_deleted` marks rows that only say that their key is gone. `after` is
    the `last_ordinal` before this source. The refused rows of the source stand in raw.row_problems already.

    The last of two rows with one key wins. A row that says nothing new is left out, unless its key was refused in the
    meantime: then it is what heals it. A key that is marked as deleted becomes a tombstone, and so, with `is_full`, does
    one the extract no longer holds (a refused row does hold its key).

    Raises DataProblem, and has appended nothing, when one of the `brakes` says that this cannot be the business: half an
    extract looks exactly like customers who owe nothing. `max_shrink_percent` alone is the brake on lost rows only.
    """
    limits = brakes or Brakes(max_shrink_percent, max_growth_factor=None, max_sum_change_percent=None)
    with _incoming(connection, table, rows) as (incoming, names):
        _compare(connection, table, incoming, names, after)
        seen = _count(connection, f"select count(*) from {incoming}")
        distinct = _count(connection, "select count(*) from landing_rows")
        _find_vanished(connection, table, batch_id, after, is_full=is_full)
        refuse_implausible(
            connection, table, limits, incoming, seen=seen, batch_id=batch_id, after=after, is_full=is_full
        )
        changed = _append_changed(connection, table, incoming, batch_id, source_sha256, after)
    deleted = _tombstones(connection, table, batch_id, source_sha256)
    if is_full:
        connection.execute("insert into raw.full_extracts values (?, ?, ?)", [batch_id, table.name, after])
    connection.execute("drop table landing_rows; drop table newest_rows; drop table vanished_rows")
    return Appended(distinct, changed, deleted, repeated=seen - distinct)


@contextmanager
def _incoming(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, rows: pa.Table | Path
) -> Iterator[tuple[str, list[str]]]:
    """What the rows may be called in a query, and the columns they have. An archived extract of before a column was added
    to the contract says nothing in it."""
    if isinstance(rows, Path):
        relation = "read_parquet('{}')".format(str(rows).replace("'", "''"))
        described = connection.execute(f"describe select * from {relation}").fetchall()
        names = [str(column[0]) for column in described]
        absent = {
            name: kind for name, kind in billing_columns(table) if name in table.column_names and name not in names
        }
        if absent:
            empty = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in absent.items())
            relation = f"(select *, {empty} from {relation})"
        yield relation, [*names, *absent]
        return
    if "ordinal" not in rows.column_names:
        rows = rows.append_column("ordinal", pa.array(range(1, rows.num_rows + 1), type=pa.int64()))
    connection.register("incoming", rows)
    try:
        yield "incoming", list(rows.column_names)
    finally:
        connection.unregister("incoming")


def _compare(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, incoming: str, names: Sequence[str], after: int
) -> None:
    """Which row of the source is the newest of each key, and which row of the log. Keys and hashes only: they fit."""
    key = ", ".join(table.key)
    hashed = (
        "md5(concat_ws(chr(31), "
        + ", ".join(f"coalesce(cast({name} as varchar), chr(30))" for name in [*table.column_names, "extra"])
        + "))"
    )
    is_deleted = "coalesce(is_deleted, false)" if "is_deleted" in names else "false"
    connection.execute(
        f"""
        create or replace temp table landing_rows as
        select
            {key},
            {after} + max(ordinal) as ordinal,
            max_by({hashed}, ordinal) as row_hash,
            max_by({is_deleted}, ordinal) as is_deleted
        from {incoming}
        group by {key}
        """
    )
    arrival = _arrival("batch_id", "ordinal")
    connection.execute(
        f"""
        create or replace temp table newest_rows as
        select
            {key},
            max_by(row_hash, {arrival}) as row_hash,
            max_by(is_deleted, {arrival}) as is_deleted,
            max({arrival}) as arrival
        from raw.{table.name}
        group by {key}
        """
    )


def _whose(table: BillingTable) -> tuple[str, ...]:
    """The columns by which a refused row of this table is known: its company, and its invoice or else its customer."""
    finer = [name for name in ("invoice_id", "customer_id") if name in table.column_names]
    return ("company_id", *finer[:1])


def _append_changed(
    connection: duckdb.DuckDBPyConnection,
    table: BillingTable,
    incoming: str,
    batch_id: int,
    source_sha256: str,
    after: int,
) -> int:
    key, whose = ", ".join(table.key), _whose(table)
    own = [*table.column_names, "extra"]
    # Where one invoice or customer has several rows, a good one beside a refused one in the same source heals nothing.
    is_one_row = set(whose) == set(table.key)
    before = f"{_arrival(str(batch_id), 'landing.ordinal')}" if is_one_row else _arrival(str(batch_id), f"{after} + 1")
    in_key = [name for name in whose if name in table.key]
    # A mandate is not known by its customer alone, but its key does not hold the customer: look in the source.
    landing = (
        "landing_rows"
        if set(whose) == set(in_key)
        else f"(select landing_rows.*, {', '.join(f'rows.{name}' for name in whose if name not in in_key)} "
        f"from landing_rows join {incoming} as rows on {after} + rows.ordinal = landing_rows.ordinal)"
    )
    return _count(
        connection,
        f"""
        insert into raw.{table.name} ({", ".join(name for name, _ in billing_columns(table))})
        with changed as (
            select landing.ordinal, landing.row_hash
            from {landing} as landing
            left join newest_rows as newest using ({key})
            left join (
                select {", ".join(whose)}, max({_arrival("batch_id", "ordinal")}) as arrival
                from raw.row_problems where table_name = '{table.name}' group by all
            ) as refused on {" and ".join(f"refused.{name} = landing.{name}" for name in whose)}
            where
                not landing.is_deleted
                and (
                    newest.row_hash is null or newest.is_deleted or newest.row_hash <> landing.row_hash
                    or (refused.arrival > newest.arrival and refused.arrival < {before})
                )
        )
        select {batch_id}, '{source_sha256}', changed.ordinal, changed.row_hash, false, {", ".join(f"rows.{name}" for name in own)}
        from {incoming} as rows
        join changed on changed.ordinal = {after} + rows.ordinal
        order by changed.ordinal
        """,
    )


def _arrival(batch_id: str, ordinal: str) -> str:
    """One number for a place in the log; no batch holds a milliard rows of a table."""
    return f"(cast({batch_id} as bigint) * 1000000000 + {ordinal})"


def _find_vanished(
    connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, after: int, *, is_full: bool
) -> None:
    """Keys the source says are gone: marked as deleted, or, in a full extract, absent.

    A refused row is no vanished one; where it does not say whose it is, nothing is.
    """
    key = ", ".join(table.key)
    same = " and ".join(f"(refused.{name} is null or refused.{name} = gone.{name})" for name in _whose(table))
    # A mandate, say, is not known by its customer alone, but its key does not hold the customer: look in the log.
    known = ", ".join(f"log.{name}" for name in dict.fromkeys((*table.key, *_whose(table))))
    connection.execute(
        f"""
        create or replace temp table vanished_rows as
        select {known}, newest.arrival, coalesce(landing.is_deleted, false) as is_marked
        from newest_rows as newest
        left join landing_rows as landing using ({key})
        join raw.{table.name} as log
            on {_arrival("log.batch_id", "log.ordinal")} = newest.arrival
            and {" and ".join(f"log.{name} = newest.{name}" for name in table.key)}
        where not newest.is_deleted and (landing.is_deleted or ({is_full} and landing.ordinal is null))
        """
    )
    connection.execute(
        f"""
        delete from vanished_rows as gone
        where not gone.is_marked and exists (
            select 1 from raw.row_problems as refused
            where refused.batch_id = {batch_id} and refused.table_name = '{table.name}' and refused.ordinal > {after} and {same}
        )
        """
    )


def _tombstones(connection: duckdb.DuckDBPyConnection, table: BillingTable, batch_id: int, source_sha256: str) -> int:
    """A tombstone repeats the last version of the row, so that the log still says what it was that went away."""
    key = ", ".join(f"last.{name}" for name in table.key)
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
        join vanished_rows as gone
            on {_arrival("last.batch_id", "last.ordinal")} = gone.arrival
            and {" and ".join(f"last.{name} = gone.{name}" for name in table.key)}
        """,
    )


def _count(connection: duckdb.DuckDBPyConnection, statement: str) -> int:
    return int(connection.execute(statement).fetchall()[0][0])

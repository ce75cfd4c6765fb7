"""What a run leaves standing: its new allocations as facts, and its dated tables, archived as Parquet.

A deleted warehouse loads both again: an allocation once made stands, and a past day's decisions are evidence.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Engine, select

from assets.landing.archive import Archive
from assets.operations.runs import RunRef, record_dataset
from assets.operations.store import writing
from assets.operations.tables import archived_dataset

ALLOCATIONS = "raw.allocations"

# Tables with a row per day, kept for good: (schema, table).
DATED_TABLES = (
    ("dunning", "dunning_decisions"),
    ("tasks", "tasks"),
    ("communications", "communications_due"),
    ("communications", "communication_items"),
    ("communications", "communication_trace"),
)


@dataclass(frozen=True, slots=True)
class Dataset:
    """An archived data set: which run made it, for which day, of what kind."""

    seq: int
    run_id: str
    as_of_date: date
    kind: str
    sha256: str
    rows: int


def new_allocations(connection: duckdb.DuckDBPyConnection, run: RunRef, seq: int) -> pa.Table:
    """Allocations of this run that do not stand yet, as rows of raw.allocations numbered from `seq`."""
    return connection.sql(
        """
        select
            ? + row_number() over (order by made.entry_key, made.invoice_id, made.component, made.rule_id) as seq,
            ? as run_id,
            made.as_of_date,
            made.entry_key, made.company_id, made.customer_id, made.invoice_id, made.component, made.amount,
            made.currency, made.rung, made.rule_id, made.evidence, made.policy_id, made.allocated_on,
            made.booked_on, entries.counterparty_iban
        from reconciliation.payment_allocations as made
        left join banking.entries as entries
            on made.entry_key = entries.entry_key
        anti join raw.allocations as standing
            on standing.entry_key = made.entry_key and standing.invoice_id = made.invoice_id
            and standing.component = made.component and standing.rule_id = made.rule_id
            and standing.amount = made.amount
        where not made.is_standing
        order by 1
        """,
        params=[seq, run.run_id],
    ).to_arrow_table()


def keep_what_stands(
    connection: duckdb.DuckDBPyConnection, store: Engine, archive: Archive, run: RunRef
) -> dict[str, int]:
    """Archives the run's new allocations and its dated tables, then makes the allocations facts; returns the rows of each.

    The record comes before the fact: what a crash leaves recorded but not loaded, `load_missing_allocations` loads.
    """
    seq = int(connection.execute(f"select coalesce(max(seq), 0) from {ALLOCATIONS}").fetchall()[0][0])
    allocations = new_allocations(connection, run, seq)
    kept = {ALLOCATIONS: allocations} if allocations.num_rows else {}
    for schema, table in DATED_TABLES:
        kept[f"{schema}.{table}"] = connection.sql(
            f"select * from {schema}.{table} where as_of_date = ?", params=[run.as_of_date]
        ).to_arrow_table()
    with writing(store) as transaction_of_store:
        for kind, rows in kept.items():
            record_dataset(transaction_of_store, run, kind, archive.put(_parquet(rows)), rows.num_rows)
    _insert(connection, ALLOCATIONS, allocations)
    return {kind: rows.num_rows for kind, rows in kept.items()}


def _parquet(rows: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(rows, out, compression="zstd")
    return out.getvalue()


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    connection.register("incoming", rows)
    connection.execute(f"insert into {table} by name select * from incoming")
    connection.unregister("incoming")


def datasets(store: Connection) -> list[Dataset]:
    """Every archived data set, oldest first."""
    rows = store.execute(select(archived_dataset).order_by(archived_dataset.c.seq)).mappings()
    return [
        Dataset(row["seq"], row["run_id"], row["as_of_date"], row["kind"], row["sha256"], row["rows"]) for row in rows
    ]


def load_missing_allocations(connection: duckdb.DuckDBPyConnection, archive: Archive, kept: Sequence[Dataset]) -> int:
    """Loads archived allocations the warehouse lacks, and returns how many. Allocations are numbered: none comes twice."""
    recorded = [dataset for dataset in kept if dataset.kind == ALLOCATIONS]
    present = _count(connection, f"select count(*) from {ALLOCATIONS}")
    if present == sum(dataset.rows for dataset in recorded):
        return 0
    for dataset in recorded:
        connection.register("incoming", pq.read_table(io.BytesIO(archive.get(dataset.sha256))))
        connection.execute(
            f"insert into {ALLOCATIONS} by name select * from incoming where seq not in (select seq from {ALLOCATIONS})"
        )
        connection.unregister("incoming")
    return _count(connection, f"select count(*) from {ALLOCATIONS}") - present


def load_dated_tables(connection: duckdb.DuckDBPyConnection, archive: Archive, kept: Sequence[Dataset]) -> None:
    """Loads each past day's last dated tables into a warehouse that has none."""
    last_of_day = {
        (dataset.kind, dataset.as_of_date): dataset for dataset in kept if not dataset.kind.startswith("raw.")
    }
    for dataset in last_of_day.values():
        rows = pq.read_table(io.BytesIO(archive.get(dataset.sha256)))
        schema, table = dataset.kind.split(".")
        connection.execute(f"create schema if not exists {schema}")
        connection.register("incoming", rows)
        connection.execute(f"create table if not exists {schema}.{table} as select * from incoming limit 0")
        connection.unregister("incoming")
        _insert(connection, f"{schema}.{table}", rows)


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])

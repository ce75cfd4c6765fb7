"""What a run leaves standing: its new allocations as facts, and its dated tables, archived as Parquet.

A deleted warehouse loads both again: an allocation once made stands, and a past day's decisions are evidence.
"""

import io
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, select

from assets.landing.archive import Archive
from assets.landing.warehouse import transaction
from assets.operations.runs import RunRef, record_dataset
from assets.operations.tables import archived_dataset

ALLOCATIONS = "raw.allocations"

# Tables with a row per day, kept for good: (schema, table).
DATED_TABLES = (("dunning", "dunning_decisions"),)


@dataclass(frozen=True, slots=True)
class Dataset:
    """An archived data set: which run made it, for which day, of what kind."""

    seq: int
    run_id: str
    as_of_date: date
    kind: str
    sha256: str


def new_allocations(connection: duckdb.DuckDBPyConnection, run: RunRef, seq: int) -> pa.Table:
    """Allocations of this run that do not stand yet, as rows of raw.allocations numbered from `seq`."""
    return connection.execute(
        """
        select
            ? + row_number() over (order by made.entry_key, made.invoice_id, made.component, made.rule_id) as seq,
            ? as run_id,
            made.as_of_date,
            made.entry_key, made.company_id, made.customer_id, made.invoice_id, made.component, made.amount,
            made.currency, made.rung, made.rule_id, made.evidence, made.policy_id, made.allocated_on
        from reconciliation.payment_allocations as made
        anti join raw.allocations as standing
            on standing.entry_key = made.entry_key and standing.invoice_id = made.invoice_id
            and standing.component = made.component and standing.rule_id = made.rule_id
            and standing.amount = made.amount
        order by 1
        """,
        [seq, run.run_id],
    ).to_arrow_table()


def keep_what_stands(connection: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, run: RunRef) -> dict[str, int]:
    """Records the run's new allocations and archives its dated tables; returns the rows of each.

    Safe to run again for the same run: allocations that stand are not new any more.
    """
    seq = int(connection.execute(f"select coalesce(max(seq), 0) from {ALLOCATIONS}").fetchall()[0][0])
    allocations = new_allocations(connection, run, seq)
    kept = {ALLOCATIONS: allocations.num_rows}
    with transaction(connection):
        if allocations.num_rows:
            connection.register("incoming", allocations)
            connection.execute(f"insert into {ALLOCATIONS} select * from incoming")
            connection.unregister("incoming")
            _keep(store, archive, run, ALLOCATIONS, allocations)
        for schema, table in DATED_TABLES:
            rows = connection.execute(f"select * from {schema}.{table} where as_of_date = ?", [run.as_of_date]).to_arrow_table()
            _keep(store, archive, run, f"{schema}.{table}", rows)
            kept[f"{schema}.{table}"] = rows.num_rows
    return kept


def _keep(store: Connection, archive: Archive, run: RunRef, kind: str, rows: pa.Table) -> None:
    out = io.BytesIO()
    pq.write_table(rows, out, compression="zstd")
    record_dataset(store, run, kind, archive.put(out.getvalue()), rows.num_rows)


def datasets(store: Connection) -> list[Dataset]:
    """Every archived data set, oldest first."""
    rows = store.execute(select(archived_dataset).order_by(archived_dataset.c.seq)).mappings()
    return [Dataset(row["seq"], row["run_id"], row["as_of_date"], row["kind"], row["sha256"]) for row in rows]


def reload(connection: duckdb.DuckDBPyConnection, archive: Archive, kept: list[Dataset]) -> None:
    """Loads archived data sets into a warehouse that lacks them: every allocation, and each day's last dated tables."""
    last_of_day = {(dataset.kind, dataset.as_of_date): dataset for dataset in kept if dataset.kind != ALLOCATIONS}
    with transaction(connection):
        for dataset in [*(dataset for dataset in kept if dataset.kind == ALLOCATIONS), *last_of_day.values()]:
            rows = pq.read_table(io.BytesIO(archive.get(dataset.sha256)))
            schema, table = dataset.kind.split(".")
            connection.register("incoming", rows)
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(f"create table if not exists {schema}.{table} as select * from incoming limit 0")
            connection.execute(f"insert into {schema}.{table} by name select * from incoming")
            connection.unregister("incoming")

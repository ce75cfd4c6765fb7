"""What others read: the newest day as Parquet and as one DuckDB file, never the live warehouse."""

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

CHAPTERS = (
    "banking",
    "reconciliation",
    "receivables",
    "arrangements",
    "dunning",
    "tasks",
    "communications",
    "insight",
)

# Every BI tool of the last years reads this version; the one the warehouse itself is written in they do not.
STORAGE_VERSION = "v1.0.0"

# Snapshots kept beside the newest one: a dashboard that opened one yesterday must not lose it under its feet.
KEPT_SNAPSHOTS = 3


# Bookings proposed to the ledger of the ERP: its import reads a file, not a database.
JOURNAL = "journal_proposals"
JOURNAL_COLUMNS = (
    "journal_line_id",
    "company_id",
    "booked_on",
    "account_code",
    "account_name",
    "debit_amount",
    "credit_amount",
    "currency",
    "customer_id",
    "invoice_number",
    "component",
    "entry_key",
    "description",
)
# Columns whose text comes from outside: a description quotes what a payer wrote.
JOURNAL_TEXTS = frozenset(
    {"company_id", "account_code", "account_name", "customer_id", "invoice_number", "description"}
)


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the snapshot's file name and the rows of each table."""

    snapshot: str
    rows: dict[str, int]


def published_tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """Published tables of every chapter: they carry their day. Private steps are named int_*; seeds have no day."""
    rows = connection.execute(
        """
        select table_schema, table_name from information_schema.columns
        where
            column_name = 'as_of_date'
            and list_contains(?, table_schema)
            and table_name not like 'int\\_%' escape '\\'
        order by list_position(?, table_schema), table_name
        """,
        [list(CHAPTERS), list(CHAPTERS)],
    ).fetchall()
    return [(schema, table) for schema, table in rows]


def publish(warehouse: Path, folder: Path, as_of: date) -> Published:
    """Publishes the day `as_of` into `folder`. Dated tables are published for that day only.

    The warehouse is attached read-only from an empty connection, so that nothing of it can be changed here, and under the
    name of its file: a published view names its tables with it. The pointer `current.json` moves last, and in one step: a
    reader sees the old day or the new one, whole.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    snapshot = folder / _next_name(folder, as_of)
    rows: dict[str, int] = {}
    with duckdb.connect() as connection:
        live = '"' + warehouse.stem.replace('"', '""') + '"'
        connection.execute(f"attach '{_quoted(warehouse)}' as {live} (read_only)")
        connection.execute(f"attach '{_quoted(snapshot)}' as published (storage_version '{STORAGE_VERSION}')")
        connection.execute(f"use {live}")
        tables = published_tables(connection)
        for schema, table in tables:
            connection.execute(f"create schema if not exists published.{schema}")
            newest = f"select * from {live}.{schema}.{table} where as_of_date = date '{as_of.isoformat()}'"
            connection.execute(f"create table published.{schema}.{table} as {newest}")
            rows[f"{schema}.{table}"] = int(
                connection.execute(f"select count(*) from published.{schema}.{table}").fetchall()[0][0]
            )
            _write_parquet(connection, folder / "parquet" / schema, schema, table)
        if ("reconciliation", JOURNAL) in tables:
            _write_journal(connection, folder / "journal", as_of)
    snapshot.chmod(0o600)
    _point_to(folder, snapshot.name, as_of, rows)
    _forget_old_snapshots(folder)
    _forget_old_tables(folder / "parquet", rows)
    return Published(snapshot.name, rows)


def _next_name(folder: Path, as_of: date) -> str:
    """Versioned, because an open handle on an older file of the same name would go on seeing the older one."""
    prefix = f"tijdig-{as_of.isoformat()}-"
    taken = [
        int(path.stem.removeprefix(prefix))
        for path in folder.glob(f"{prefix}*.duckdb")
        if path.stem.removeprefix(prefix).isdigit()
    ]
    return f"{prefix}{max(taken, default=0) + 1}.duckdb"


def _write_parquet(connection: duckdb.DuckDBPyConnection, folder: Path, schema: str, table: str) -> None:
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, exist_ok=True)
    target, aside = folder / f"{table}.parquet", folder / f".{table}.parquet.tmp"
    connection.execute(f"copy published.{schema}.{table} to '{_quoted(aside)}' (format parquet, compression zstd)")
    aside.chmod(0o600)
    os.replace(aside, target)


def _write_journal(connection: duckdb.DuckDBPyConnection, folder: Path, as_of: date) -> None:
    """Writes `journal-<as_of>.csv` (RFC 4180, UTF-8), one line a row. The same day again writes the same file.

    A text that a spreadsheet would take for a formula gets an apostrophe in front.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    target, aside = folder / f"journal-{as_of.isoformat()}.csv", folder / f".journal-{as_of.isoformat()}.csv.tmp"
    columns = ", ".join(_no_formula(name) if name in JOURNAL_TEXTS else name for name in JOURNAL_COLUMNS)
    connection.execute(
        f"copy (select {columns} from published.reconciliation.{JOURNAL}"
        " order by company_id, entry_key, invoice_number, component, debit_amount desc, journal_line_id)"
        f" to '{_quoted(aside)}' (format csv, header)"
    )
    aside.chmod(0o600)
    os.replace(aside, target)


def _no_formula(column: str) -> str:
    return rf"regexp_replace({column}, '^([=+@\t\r-])', '''\1') as {column}"


def _point_to(folder: Path, snapshot: str, as_of: date, rows: dict[str, int]) -> None:
    aside = folder / ".current.json.tmp"
    aside.write_text(
        json.dumps({"as_of_date": as_of.isoformat(), "file": snapshot, "rows": rows}, indent=2) + "\n", encoding="utf-8"
    )
    aside.chmod(0o600)
    os.replace(aside, folder / "current.json")


def _forget_old_snapshots(folder: Path) -> None:
    snapshots = sorted(folder.glob("tijdig-*.duckdb"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for old in snapshots[KEPT_SNAPSHOTS + 1 :]:
        old.unlink()
        # What an interrupted publishing left beside it.
        old.with_name(old.name + ".wal").unlink(missing_ok=True)


def _forget_old_tables(folder: Path, rows: dict[str, int]) -> None:
    """A table that is no longer made must not go on showing its last day as if it were today's."""
    for path in folder.glob("*/*.parquet"):
        if f"{path.parent.name}.{path.stem}" not in rows:
            path.unlink()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")

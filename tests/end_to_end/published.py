"""Reading what a home published, for comparison."""

import json
from typing import Any

import duckdb

from orchestration.home import Home

# Ids of a run differ from run to run, and so does what only repeats them.
RUN_COLUMNS = {"run_id", "dagster_run_id", "batch_watermark", "register_seq", "dispatch_seq"}


def tables(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Every published table as sorted rows, run ids left aside."""
    pointer = json.loads((home.published / "current.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(home.published / pointer["file"]), read_only=True) as connection:
        names = connection.execute(
            "select table_schema, table_name from information_schema.tables order by 1, 2"
        ).fetchall()
        return {f"{schema}.{table}": _rows(connection, schema, table) for schema, table in names}


def _rows(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[tuple[Any, ...]]:
    result = connection.execute(f"select * from {schema}.{table}")
    kept = [index for index, column in enumerate(result.description) if column[0] not in RUN_COLUMNS]
    return sorted(tuple(repr(row[index]) for index in kept) for row in result.fetchall())


def select(home: Home, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Rows of a query over the newest snapshot."""
    pointer = json.loads((home.published / "current.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(home.published / pointer["file"]), read_only=True) as connection:
        return connection.execute(query, list(values)).fetchall()

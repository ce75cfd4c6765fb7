"""Connections to the warehouse: short-lived, one writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from assets.landing.raw_tables import LOG_VERSION, create_statements
from assets.problem import DataProblem


@contextmanager
def writing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection, with the raw and control schemas in place; closed at the end so that dbt can open the file."""
    connection = _open(path, read_only=False)
    try:
        for statement in create_statements():
            connection.execute(statement)
        # A log that holds something and does not say of which version it is was written before versions were.
        connection.execute(
            f"""
            insert into control.log_version
            select case when exists (from raw.landed_sources) then 0 else {LOG_VERSION} end
            where not exists (from control.log_version)
            """
        )
        yield connection
    finally:
        connection.close()


def is_of_this_version(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the raw log of an open warehouse is laid out as this version writes it."""
    return connection.execute("from control.log_version").fetchall() == [(LOG_VERSION,)]


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of what happens inside, or nothing of it."""
    connection.execute("begin")
    try:
        yield
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A reading connection. Raises DataProblem when there is no warehouse yet."""
    if not path.exists():
        raise DataProblem("there is no warehouse yet", where=str(path), remedy="run a day first: `tijdig run`")
    connection = _open(path, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def _open(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(path), read_only=read_only)
    except duckdb.IOException as error:
        raise DataProblem(
            "the warehouse cannot be opened",
            where=f"{path}: {str(error).splitlines()[0]}",
            remedy="close the program that holds it; if the file is damaged, delete it and run the day again: it is rebuilt",
        ) from error

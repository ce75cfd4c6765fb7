"""Connections to the warehouse: short-lived, one writer at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from assets.landing.raw_tables import create_statements
from assets.problem import DataProblem


@contextmanager
def writing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A writing connection, with the raw and control schemas in place; closed at the end so that dbt can open the file."""
    connection = _open(path, read_only=False)
    try:
        for statement in create_statements():
            connection.execute(statement)
        yield connection
    finally:
        connection.close()


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

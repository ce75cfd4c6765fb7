"""The billing extract from an ERP's own database, over SQLAlchemy: a query per table, rows streamed, never written to."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, TextClause, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from assets.billing.rows import RowProblem, Value, read_row
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BillingTable
from assets.problem import DataProblem, UsageProblem

NAME_OF_A_VIEW = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
ROWS_A_FETCH = 10_000

# Without these there is nothing to remind anybody of; the other tables an ERP may not have.
NEEDED_TABLES = ("companies", "customers", "invoices")


@dataclass(frozen=True, slots=True)
class Extract:
    """What one query gave: good rows in contract order with their numbers, and the rows that were refused."""

    table: BillingTable
    rows: list[tuple[Value, ...]]
    ordinals: list[int]
    problems: list[RowProblem]


def open_billing(url: str) -> Engine:
    """An engine on the ERP's database. Raises UsageProblem for a URL that cannot be understood."""
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageProblem(
            f"the billing url cannot be used: {error}",
            where="[billing] url",
            remedy="write it as dialect+driver://user@host/database",
        ) from error
    except ValueError:
        # What it says repeats a part of the URL, and that part may be a piece of a password.
        raise UsageProblem(
            "the billing url cannot be used: its port is not a number",
            where="[billing] url",
            remedy="write it as dialect+driver://user@host:port/database, with / and @ in a password as %2F and %40",
        ) from None
    if parsed.get_backend_name() == "sqlite" and not _exists(parsed.database):
        # SQLite would make an empty database there, and an empty database owes nobody anything.
        raise UsageProblem(
            "the billing database is not there",
            where=f"[billing] url {parsed.render_as_string(hide_password=True)}",
            remedy="name an existing SQLite file; three slashes for a relative path, four for an absolute one",
        )
    return engine


def _exists(database: str | None) -> bool:
    """Whether a SQLite database is a file that is there; `file:` names are SQLite's own to judge."""
    return bool(database) and (str(database).startswith("file:") or Path(str(database)).is_file())


def checked_queries(queries: Mapping[str, str]) -> dict[str, str]:
    """The query of each table; a name of a table or view becomes a query. Raises UsageProblem for unknown tables."""
    unknown = sorted(set(queries) - set(BILLING_TABLE_BY_NAME))
    if unknown:
        raise UsageProblem(
            f"{unknown[0]!r} is no table of the billing extract",
            where="[billing.queries]",
            remedy=f"use {', '.join(BILLING_TABLE_BY_NAME)}",
        )
    missing = [name for name in NEEDED_TABLES if name not in queries]
    if missing:
        raise UsageProblem(
            f"there is no query for {', '.join(missing)}",
            where="[billing.queries]",
            remedy="add one query or view name for each",
        )
    return {
        name: f"select * from {query.strip()}" if NAME_OF_A_VIEW.fullmatch(query.strip()) else query
        for name, query in queries.items()
    }


def extracts(engine: Engine, queries: Mapping[str, str]) -> Iterator[Extract]:
    """Runs each query in one read transaction. Raises DataProblem when the ERP cannot be read."""
    try:
        with engine.connect().execution_options(**_snapshot(engine)) as connection:
            for name, query in checked_queries(queries).items():
                table = BILLING_TABLE_BY_NAME[name]
                result = connection.execution_options(stream_results=True).execute(_as_written(query))
                _check_columns(table, list(result.keys()))
                rows: list[tuple[Value, ...]] = []
                ordinals: list[int] = []
                problems: list[RowProblem] = []
                ordinal = 0
                for chunk in result.mappings().partitions(ROWS_A_FETCH):
                    for given in chunk:
                        ordinal += 1
                        row = read_row(table, dict(given), ordinal)
                        if isinstance(row, RowProblem):
                            problems.append(row)
                        else:
                            rows.append(row)
                            ordinals.append(ordinal)
                yield Extract(table, rows, ordinals, problems)
    except SQLAlchemyError as error:
        # The first line only: the rest repeats the statement, and may repeat its data.
        raise DataProblem(
            f"the billing database cannot be read: {str(error).splitlines()[0]}",
            where=engine.url.render_as_string(hide_password=True),
            remedy="see that the database can be reached and that the queries in [billing.queries] run there",
        ) from error


def _snapshot(engine: Engine) -> dict[str, Any]:
    """Options by which all queries see one moment and can change nothing, where the database offers that."""
    is_postgresql = engine.dialect.name == "postgresql"
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True} if is_postgresql else {}


def _as_written(query: str) -> TextClause:
    """The query with nothing read into it: a colon in it is a time or a comment, never one of our parameters."""
    return text(query.replace(":", "\\:"))


def _check_columns(table: BillingTable, columns: list[str]) -> None:
    missing = [column for column in table.required if column not in columns]
    if missing:
        raise DataProblem(
            f"the extract of {table.name} lacks the column {', '.join(missing)}",
            where=f"[billing.queries] {table.name}",
            remedy="select it under that name",
        )

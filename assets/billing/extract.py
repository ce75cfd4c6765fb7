"""The billing extract from an ERP's own database, over SQLAlchemy: a query per table, rows streamed, never written to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from sqlalchemy import URL, Connection, CursorResult, Engine, TextClause, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from assets.billing.chunks import read_chunk
from assets.billing.extract_files import ColumnSeen, Contents, ExtractWriter, kinds_of
from assets.billing.marks import Mark, Overlap, higher, highest
from assets.billing.rows import DELETED_AT, DELETED_FLAG
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BillingTable
from assets.problem import DataProblem, UsageProblem

NAME_OF_A_VIEW = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
ROWS_A_FETCH = 10_000

# Without these there is nothing to remind anybody of; the other tables an ERP may not have.
NEEDED_TABLES = ("companies", "customers", "invoices")


# So many refused rows are no rows with a mistake in them: the query gives something else than it should.
MOST_REFUSED = 100_000

NAME_OF_A_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")

# What in the query part of a URL is nobody's business.
SECRET_PARTS = ("pass", "pwd", "secret", "token", "key")


DEFAULT_OVERLAP = Overlap()


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the ERP for one table. With a `since`, only rows whose watermark is at or above it.

    `asked` is a hash over the question and whom it is put to: a watermark answers only the question it came from.
    """

    table: BillingTable
    query: str
    watermark: str = ""
    since: Mark | None = None
    overlap: Overlap = DEFAULT_OVERLAP
    asked: str = ""


def open_billing(url: str) -> Engine:
    """An engine on the ERP's database. Raises UsageProblem for a URL that cannot be understood."""
    try:
        parsed = make_url(url)
        engine = create_engine(parsed, pool_pre_ping=True)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, TypeError) as error:
        raise UsageProblem(
            f"the billing url cannot be used: {_without_secrets(str(error), url)}",
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
    if parsed.password and "@" in f"{parsed.host}{parsed.database}":
        # Without %40, what follows the @ of a password is taken for the host, and would be shown as such.
        raise UsageProblem(
            "the billing url cannot be used: there is more than one @ in it",
            where="[billing] url",
            remedy="write / and @ in a password as %2F and %40",
        )
    if parsed.get_backend_name() == "sqlite" and not _exists(parsed.database):
        # SQLite would make an empty database there, and an empty database owes nobody anything.
        raise UsageProblem(
            "the billing database is not there",
            where=f"[billing] url {shown(parsed)}",
            remedy="name an existing SQLite file; three slashes for a relative path, four for an absolute one",
        )
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _only_read)
        event.listen(engine, "begin", _begin_snapshot)
    return engine


def _only_read(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # we say BEGIN ourselves, else each query of an extract sees a moment of its own
    raw.execute("pragma query_only = on")


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("begin")


def shown(url: URL) -> str:
    """A URL as it may be shown: without its password, and without what follows the question mark, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)


def _without_secrets(words: str, url: str | URL) -> str:
    """What a driver says of a URL, with every password in it blotted out."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return words
    secrets = [parsed.password or ""]
    for name, value in parsed.query.items():
        if any(part in name.lower() for part in SECRET_PARTS):
            secrets += [value] if isinstance(value, str) else value
    for secret in filter(None, secrets):
        for spelling in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            words = words.replace(spelling, "***")
    return words


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


def checked_watermarks(watermarks: Mapping[str, str], queries: Mapping[str, str]) -> dict[str, str]:
    """The watermark column of each table that has one. Raises UsageProblem for what cannot be the name of a column."""
    for name, column in watermarks.items():
        if name not in queries:
            raise UsageProblem(
                f"there is a watermark for {name!r}, and no query",
                where="[billing.watermarks]",
                remedy=f"use one of {', '.join(queries)}",
            )
        if not NAME_OF_A_COLUMN.fullmatch(column.strip()):
            raise UsageProblem(
                f"{column!r} is not the name of a column",
                where=f"[billing.watermarks] {name}",
                remedy="name a column that the query selects, by the name it gives it",
            )
    return {name: column.strip() for name, column in watermarks.items()}


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection on which all queries see one moment and can change nothing, where the database offers that.

    Raises DataProblem when the ERP cannot be reached, or does not let us in.
    """
    try:
        connection = engine.connect().execution_options(**_snapshot(engine))
    except (SQLAlchemyError, TypeError, ValueError, OSError) as error:
        raise _unreachable(engine, error) from error
    with connection:
        yield connection


def _snapshot(engine: Engine) -> dict[str, Any]:
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {"isolation_level": "REPEATABLE READ"} if engine.dialect.name in ("mysql", "mariadb") else {}


def pull(connection: Connection, question: Question, path: Path, now: datetime) -> Contents:
    """Asks one question and writes the answer to a Parquet file at `path`, as it comes.

    Rows come through a cursor of the server and are checked in chunks, so that a table need not fit in memory. Raises
    DataProblem when the query fails or lacks a column, and when its rows cannot be what was asked for.
    """
    table = question.table
    contents = Contents(table.name, question.asked)
    with ExtractWriter(path, table) as writer:
        # Closed at once, whatever happens: a cursor left half read keeps a SQLite ERP locked for those who write to it.
        with (
            _in_words(connection.engine, question),
            connection.begin_nested(),
            _execute(connection, question) as result,
        ):
            names = [str(name) for name in result.keys()]  # noqa: SIM118 - a result is no mapping
            _check_columns(question, names)
            contents.columns = {name: ColumnSeen(set(), 0) for name in names}
            ignored = {question.watermark} - set(table.column_names)
            for rows in result.partitions(ROWS_A_FETCH):
                ordinals = range(contents.seen + 1, contents.seen + len(rows) + 1)
                chunk = read_chunk(table, names, rows, ordinals, ignored)
                writer.write(chunk.rows)
                _account(contents, question, names, rows, now)
                contents.problems += chunk.problems
                _refuse_nonsense(table, contents)
        if not contents.seen and question.since is not None:
            raise _went_back(question)
        contents.mark = higher(question.since, contents.mark, f"{table.name}.{question.watermark}")
        writer.finish(contents)
    return contents


def _execute(connection: Connection, question: Question) -> CursorResult[Any]:
    streamed = {"yield_per": ROWS_A_FETCH}
    if question.since is None:
        return connection.execute(_as_written(question.query), execution_options=streamed)
    query, column = question.query.strip().rstrip(";"), question.watermark
    # On a line of its own, since the query may end in a comment. A row without a mark is asked for every time.
    asked = f"select * from (\n{query.replace(':', chr(92) + ':')}\n) extract_rows where {column} >= :since or {column} is null"
    since = {"since": question.since.less(question.overlap)}
    return connection.execute(text(asked), since, execution_options=streamed)


def _as_written(query: str) -> TextClause:
    """The query with nothing read into it: a colon in it is a time or a comment, never one of our parameters."""
    return text(query.replace(":", "\\:"))


def _account(
    contents: Contents, question: Question, names: Sequence[str], rows: Sequence[Sequence[object]], now: datetime
) -> None:
    """Counts what came: rows, what each column held, and the highest watermark."""
    contents.seen += len(rows)
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        seen = contents.columns[name]
        seen.kinds |= kinds_of(values)
        seen.filled += len(values) - values.count(None)
        if name == question.watermark:
            column = f"{question.table.name}.{name}"
            contents.mark = higher(contents.mark, highest(values, column, now), column)


def _refuse_nonsense(table: BillingTable, contents: Contents) -> None:
    if len(contents.problems) > MOST_REFUSED:
        raise DataProblem(
            f"more than {MOST_REFUSED} rows of {table.name} are refused; the first: {contents.problems[0].message}",
            where=f"[billing.queries] {table.name}",
            remedy="mend the query: so many refused rows are no mistakes in rows",
        )


def _check_columns(question: Question, columns: list[str]) -> None:
    table = question.table
    asked_for = {*table.column_names, question.watermark, DELETED_FLAG, DELETED_AT}
    repeated = sorted({name for name in columns if columns.count(name) > 1 and name in asked_for})
    if repeated:
        raise DataProblem(
            f"the extract of {table.name} gives the column {repeated[0]} twice",
            where=f"[billing.queries] {table.name}",
            remedy="select it once; a * over two tables gives both of theirs",
        )
    missing = [column for column in table.required if column not in columns]
    if missing:
        unknown = [column for column in columns if column not in asked_for]
        hint = f"; it has {', '.join(unknown)}, which nobody asked for: was a column renamed?" if unknown else ""
        raise DataProblem(
            f"the extract of {table.name} lacks the column {', '.join(missing)}{hint}",
            where=f"[billing.queries] {table.name}",
            remedy="select it under that name",
        )
    if question.watermark and question.watermark not in columns:
        raise DataProblem(
            f"the extract of {table.name} lacks its watermark column {question.watermark}",
            where=f"[billing.watermarks] {table.name}",
            remedy="select it under that name, or take it out of [billing.watermarks]",
        )


def _went_back(question: Question) -> DataProblem:
    table, since = question.table.name, question.since
    last = since.as_json()[1] if since else ""
    return DataProblem(
        f"the extract of {table} holds nothing from {question.watermark} {last} on, where it ended last time:"
        " the ERP was put back from a backup, or lost its newest rows",
        where=f"[billing.watermarks] {table}",
        remedy="see what happened there, then read everything once: TIJDIG_BILLING_MODE=full tijdig run",
    )


# What PostgreSQL calls its errors (SQLSTATE, appendix A of its manual), and what to do about each.
REMEDIES = {
    "42P01": "see that the table or view in the query exists and that the user's search_path finds it",
    "42703": "see that the columns in the query exist under that name",
    "42501": "let the user of [billing] url read what the query selects",
    "25006": "write a query that only reads",
    "57014": "the query took longer than the database allows: make it quicker, or raise its statement_timeout",
    "28P01": "set the right password for the user in [billing] url",
    "28000": "let the user of [billing] url in, in the server's pg_hba.conf",
    "3D000": "name a database that exists in [billing] url",
}
CANNOT_BE_REACHED = (
    "see that the database runs and can be reached from here, and that [billing] url names its user and password"
)


def _unreachable(engine: Engine, error: BaseException) -> DataProblem:
    state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
    said = _said(engine, error)
    if "password authentication failed" in said:
        state = "28P01"
    return DataProblem(
        f"the billing database cannot be reached: {said}",
        where=shown(engine.url),
        remedy=REMEDIES.get(state, CANNOT_BE_REACHED),
    )


class Lost(DataProblem):
    """The connection to the ERP is gone: no further table can be read."""


@contextmanager
def _in_words(engine: Engine, question: Question) -> Iterator[None]:
    """Turns what goes wrong while a table is read into a problem that names the table and what to do."""
    try:
        yield
    except SQLAlchemyError as error:
        name, said = question.table.name, _said(engine, error)
        is_lost = bool(getattr(error, "connection_invalidated", False))
        state = str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")
        remedy = REMEDIES.get(state, "see that the query runs there as it stands")
        if question.since is not None and question.watermark in said:
            remedy = "select the watermark column under that name, or take it out of [billing.watermarks]"
        raise (Lost if is_lost else DataProblem)(
            f"{name} cannot be read from the billing database: {said}",
            where=f"[billing.queries] {name}, on {shown(engine.url)}",
            remedy=CANNOT_BE_REACHED if is_lost else remedy,
        ) from error


def _said(engine: Engine, error: BaseException) -> str:
    # The first line only: the rest repeats the statement, and may repeat its data.
    lines = str(error).splitlines() or [type(error).__name__]
    return _without_secrets(lines[0], engine.url)

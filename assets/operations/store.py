"""Opening the operations store, and its two ways in: `reading` (a snapshot) and `writing` (the single writer).

SQLite is the default, PostgreSQL goes by URL. On both, one write transaction runs at a time: SQLite by BEGIN IMMEDIATE,
PostgreSQL by an advisory lock held until commit. That costs little, since a transaction here never spans a network
call, and buys sequences in commit order and a chain that cannot fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, text
from sqlalchemy.engine import URL, make_url

from assets.operations import guards
from assets.operations.clock import Clock
from assets.operations.refusal import Refusal
from assets.operations.tables import (
    handover_dossier,
    metadata,
    occasion_met,
    release_approval,
    run_control,
    schema_version,
)

SCHEMA_VERSION = 3

# How long a writer waits for its turn before it gives up. Transactions are milliseconds; a minute means something
# hangs.
BUSY_SECONDS = 60

# Any constant: it names our advisory lock among those of other programs on the same PostgreSQL database.
_WRITER_LOCK = 0x7469_6A64_6967


def _add_occasion(connection: Connection) -> None:
    """Messages that are no stage of a track: the column, the index that lets one through, the guard that freezes it."""
    connection.execute(text("alter table communication add column occasion text"))
    occasion_met.create(connection)
    if connection.dialect.name == "sqlite":
        connection.execute(text("drop trigger communication_identity"))
        renewed = [guard for guard in guards.sqlite_guards() if "trigger communication_identity " in guard]
    else:
        renewed = [guard for guard in guards.postgresql_guards() if "function tijdig_frozen()" in guard][:1]
    for statement in renewed:
        connection.execute(text(statement.replace(":", "\\:")))


def _add_approvals_and_dossiers(connection: Connection) -> None:
    """What several people agreed to, and what went to an agency."""
    is_missing = not inspect(connection).has_table(release_approval.name)
    metadata.create_all(connection, tables=[release_approval, handover_dossier])
    if is_missing:
        _guard(connection, only=release_approval.name)


# From version n to n + 1: {n + 1: step}. A new store is made whole at SCHEMA_VERSION; these bring older ones up to it.
MIGRATIONS: dict[int, Callable[[Connection], None]] = {2: _add_occasion, 3: _add_approvals_and_dossiers}


def open_store(url: str | URL) -> Engine:
    """The engine of the operations store at `url`. Makes no tables: call `migrate` for that.

    A SQLite file is created with mode 0600 in an existing folder. Raises Refusal on an unusable URL or folder.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed, pool_pre_ping=True)
    raise Refusal(
        f"The operations store cannot live in {parsed.get_backend_name()}",
        "[operations] url",
        "Use sqlite:///path/to/operations.db or postgresql+psycopg://...",
    )


def _open_sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise Refusal("The operations store needs a file", "[operations] url", "Name a path: sqlite:///operations.db")
    path = Path(url.database)
    if not path.parent.is_dir():
        raise Refusal(f"The folder {path.parent} does not exist", "[operations] url", "Make it, or run tijdig init")
    # The file is made before SQLite would make it readable for everyone; its WAL inherits the mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(raw: Any, _record: object) -> None:
    raw.isolation_level = None  # we say BEGIN ourselves, else the driver begins late and deferred
    for pragma in (
        "journal_mode = wal",
        "synchronous = full",  # normal may lose the last commits in a power cut: an intent record must not be lost
        "foreign_keys = on",
        "recursive_triggers = on",  # else REPLACE walks past delete triggers
    ):
        raw.execute(f"pragma {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("tijdig_writes", False)
    connection.exec_driver_sql("begin immediate" if writes else "begin")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """The one write transaction: commits at the end, rolls back on any exception."""
    with engine.connect().execution_options(tijdig_writes=True) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_WRITER_LOCK)))
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A consistent snapshot for reading. Nothing written through it is kept."""
    options: dict[str, Any] = {}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
    with engine.connect().execution_options(**options) as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def migrate(engine: Engine, clock: Clock) -> int:
    """Bring the store to SCHEMA_VERSION and return that version. Idempotent; one transaction, so all or nothing.

    Raises Refusal when the store was written by newer code: old code must not touch tables it does not understand.
    """
    with writing(engine) as connection:
        version = stored_version(connection)
        if version > SCHEMA_VERSION:
            raise Refusal(
                f"The operations store has schema {version}, this program knows up to {SCHEMA_VERSION}",
                engine.url.render_as_string(hide_password=True),
                "Upgrade tijdig, or restore the store that belongs to this version",
            )
        if version == 0:
            _create(connection, clock)
            return SCHEMA_VERSION
        for step in range(version + 1, SCHEMA_VERSION + 1):
            MIGRATIONS[step](connection)
            connection.execute(insert(schema_version).values(version=step, applied_at=clock.now()))
    return SCHEMA_VERSION


def stored_version(connection: Connection) -> int:
    """The schema version of the store; 0 when it has none yet."""
    if not inspect(connection).has_table(schema_version.name):
        return 0
    return connection.execute(select(func.coalesce(func.max(schema_version.c.version), 0))).scalar_one()


def _create(connection: Connection, clock: Clock) -> None:
    metadata.create_all(connection)
    _guard(connection)
    connection.execute(insert(schema_version).values(version=SCHEMA_VERSION, applied_at=clock.now()))
    # A new home rehearses: nothing can leave it until someone goes live on purpose.
    connection.execute(insert(run_control).values(id=1, mode="rehearsal", is_stopped=False, releases_applied_seq=0))


def _guard(connection: Connection, only: str | None = None) -> None:
    """Put the guards on all append-only tables, or on the one that a migration has just made."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in guards.sqlite_guards(only) if is_sqlite else guards.postgresql_guards(only):
        connection.execute(text(statement.replace(":", "\\:")))


def next_seq(connection: Connection, column: Any) -> int:
    """The next number of an append-only sequence. Right only inside `writing`, where no one else can take it."""
    return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one()) + 1

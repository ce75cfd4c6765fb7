"""Stores to test on: a SQLite file, and a PostgreSQL database where a server can be had."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from assets.operations.store import migrate, open_store

_numbers = count(1)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, moment: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """The URL of a PostgreSQL server: TIJDIG_TEST_POSTGRES_URL, or one of our own; skips aloud when there is neither."""
    given = os.environ.get("TIJDIG_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        pytest.skip("PostgreSQL not tested: no server found and TIJDIG_TEST_POSTGRES_URL is not set")
    user = None
    if os.geteuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("PostgreSQL not tested: running as root without a postgres user to hand the server to")
    folder = Path(tempfile.mkdtemp(prefix="tijdig-pg-", dir=quick_disk()))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    data = folder / "data"
    initdb = [
        str(binaries[-1] / "initdb"),
        "-D",
        str(data),
        "-U",
        "tijdig",
        "-A",
        "trust",
        "-N",
        "-E",
        "UTF8",
        "--locale=C",
    ]
    subprocess.run(initdb, check=True, capture_output=True, user=user, cwd=folder)
    control = [str(binaries[-1] / "pg_ctl"), "-D", str(data)]
    settings = f"-p {port} -k {folder} -F -h 127.0.0.1"
    start = [*control, "-w", "-t", "30", "-l", str(folder / "log"), "-o", settings, "start"]
    subprocess.run(start, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder)
    try:
        yield f"postgresql+psycopg://tijdig@127.0.0.1:{port}/postgres"
    finally:
        # At once: nobody needs what is in it.
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, capture_output=True, user=user, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


def new_schema(server_url: str) -> str:
    """A fresh, empty schema in that database, as a URL that sees nothing else."""
    name = f"tijdig_test_{os.getpid()}_{next(_numbers)}"
    admin = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        connection.execute(text(f"create schema {name}"))
    url = make_url(server_url).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


def quick_disk() -> str | None:
    """Memory, where there is some: a test waits for no disk, and what it kills are processes, not the power."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """In place of pytest's own: on the quick disk."""
    with tempfile.TemporaryDirectory(prefix="tijdig-test-", dir=quick_disk()) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'operations.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, sqlite_url: str) -> str:
    """The URL of an empty store, of either kind."""
    if request.param == "sqlite":
        return sqlite_url
    return new_schema(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def engine(store_url: str, clock: ManualClock) -> Iterator[Engine]:
    """A migrated store, of either kind."""
    engine = open_store(store_url)
    migrate(engine, clock)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_engine(sqlite_url: str, clock: ManualClock) -> Iterator[Engine]:
    """A migrated SQLite store."""
    engine = open_store(sqlite_url)
    migrate(engine, clock)
    yield engine
    engine.dispose()

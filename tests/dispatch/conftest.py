from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.dispatch.support import Catcher, Home, running_catcher
from tests.operations.stores import (  # noqa: F401
    ManualClock,
    clock,
    engine,
    postgresql_url,
    sqlite_engine,
    sqlite_url,
    store_url,
    tmp_path,
)


@pytest.fixture
def home(sqlite_engine: Engine, clock: ManualClock, tmp_path: Path) -> Home:  # noqa: F811
    """A new rehearsal home on SQLite; its clock stands at Monday 2 March 2026, 09:00 UTC."""
    return Home(sqlite_engine, clock, tmp_path)


@pytest.fixture
def any_home(engine: Engine, clock: ManualClock, tmp_path: Path) -> Home:  # noqa: F811
    """The same on either database."""
    return Home(engine, clock, tmp_path)


@pytest.fixture
def catcher(session_catcher: Catcher) -> Catcher:
    """The mail server, with an inbox that begins empty for this test."""
    return replace(session_catcher, since=len(session_catcher.kept()))


@pytest.fixture(scope="session")
def session_catcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catcher]:
    with running_catcher(tmp_path_factory.mktemp("catcher")) as running:
        yield running

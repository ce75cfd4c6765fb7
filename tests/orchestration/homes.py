"""Homes to test on: made by the program itself, opened with a clock that stands still."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

from assets.billing.landing import land_files
from assets.landing.context import Landing
from assets.landing.warehouse import reading
from orchestration.home import Home, create_home, find_home
from orchestration.installation import Installation, open_installation
from tests.operations.stores import ManualClock

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
RAW_TABLES = "select table_name from information_schema.tables where table_schema = 'raw' order by 1"


def new_installation(root: Path) -> Installation:
    return open_installation(create_home(root), ManualClock(NOW))


def copied(home: Path, to: Path) -> Installation:
    """A home of its own with the same life behind it: living it once is enough for all tests."""
    shutil.copytree(home, to)
    return open_installation(find_home(to), ManualClock(NOW))


def landing(installation: Installation, run_id: str, day: date = DAY) -> Landing:
    return installation.landing_room().of_run(run_id, day)


def put(home: Home, inbox: str, name: str, content: bytes | str) -> None:
    (home.root / "inbox" / inbox / name).write_bytes(content.encode() if isinstance(content, str) else content)


def land_billing(installation: Installation, run_id: str, day: date = DAY, **files: str) -> None:
    for name, content in files.items():
        put(installation.home, "billing", f"{name}.csv", content)
    land_files(landing(installation, run_id, day), installation.home.billing_inbox)


def raw_rows(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every raw table, in an order of its own."""
    with reading(warehouse) as connection:
        return {
            table: connection.execute(f"select * from raw.{table} order by all").fetchall()
            for (table,) in connection.execute(RAW_TABLES).fetchall()
        }

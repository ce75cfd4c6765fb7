"""The one row a day's models read, and the facts they may see beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from assets.landing.warehouse import reading, writing
from assets.operations.runs import RunRef, pin_run
from assets.operations.store import reading as reading_store
from assets.operations.store import writing as writing_store
from assets.register.events import record
from assets.warehouse.business_day import write_business_day
from assets.warehouse.dbt import DbtHome
from assets.warehouse.versions import code_version, policy_version, project_hash
from orchestration.installation import Installation
from tests.orchestration.homes import DAY, landing, new_installation


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    opened = new_installation(tmp_path)
    yield opened
    opened.store.dispose()


def hold(installation: Installation, customer: str) -> None:
    record(
        installation.store,
        installation.clock,
        kind="hold_placed",
        company_id="C1",
        effective_on=DAY,
        recorded_by="An",
        payload={"customer": customer, "reason": "verhuizing"},
        external_id=None,
    )


def pinned(installation: Installation, run_id: str) -> RunRef:
    batch_id = landing(installation, run_id).batch_id
    with writing_store(installation.store) as store:
        return pin_run(store, run_id, batch_id)


def written(installation: Installation, run: RunRef) -> dict[str, int]:
    with writing(installation.home.warehouse) as connection, reading_store(installation.store) as store:
        return write_business_day(connection, store, run)


def rows(installation: Installation, query: str) -> list[tuple[object, ...]]:
    with reading(installation.home.warehouse) as connection:
        return connection.execute(query).fetchall()


def test_the_day_is_one_row_however_often_it_is_written(installation: Installation) -> None:
    first, second = pinned(installation, "morning"), pinned(installation, "evening")
    written(installation, first)
    written(installation, second)
    assert rows(installation, "select as_of_date, run_id, batch_watermark from control.business_day") == [
        (DAY, "evening", 2)
    ]


def test_a_run_sees_the_register_up_to_its_own_moment_and_no_further(installation: Installation) -> None:
    hold(installation, "K1")
    early = pinned(installation, "early")
    hold(installation, "K2")
    late = pinned(installation, "late")
    assert written(installation, late)["register_events"] == 2
    assert written(installation, early)["register_events"] == 1, "a past run sees what it saw then"
    assert rows(
        installation, "select json_extract_string(payload, '$.customer'), effective_on from raw.register_events"
    ) == [("K1", DAY)]
    assert rows(installation, "select register_seq from control.business_day") == [(early.register_seq,)]


def test_moments_are_kept_as_utc_without_a_zone(installation: Installation) -> None:
    hold(installation, "K1")
    written(installation, pinned(installation, "run"))
    assert rows(installation, "select typeof(recorded_at), cast(recorded_at as varchar) from raw.register_events") == [
        ("TIMESTAMP", "2026-03-04 09:00:00")
    ]


def test_versions_say_the_same_of_the_same_files() -> None:
    assert policy_version() == policy_version()
    assert policy_version().startswith("policy-")
    assert code_version() == code_version()
    assert len(project_hash()) == 64


def test_dbt_writes_only_in_the_home_and_reports_nothing_home(tmp_path: Path) -> None:
    environment = DbtHome(tmp_path / "warehouse.duckdb", tmp_path / "target").environment()
    for name in ("TIJDIG_WAREHOUSE", "DBT_TARGET_PATH", "DBT_LOG_PATH"):
        assert Path(environment[name]).is_relative_to(tmp_path), name
    assert environment["DO_NOT_TRACK"] == "1"
    assert environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "False"


def test_a_day_is_never_taken_from_the_wall_clock(installation: Installation) -> None:
    run = pinned(installation, "run")
    assert run.as_of_date == DAY != date.today()  # noqa: DTZ011 - that it differs is the point

"""The house as Dagster sees it: it loads by itself, and nothing in it is nameless."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestration.definitions import definitions_of
from orchestration.home import Home, create_home
from orchestration.schedules import is_bank_day


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return create_home(tmp_path_factory.mktemp("definitions") / "home")


@pytest.fixture(scope="module")
def definitions(home: Home) -> dg.Definitions:
    return definitions_of(home)


def test_the_house_loads_in_a_fresh_interpreter(home: Home) -> None:
    """What pytest has imported already cannot hide a cycle or a missing import here."""
    environment = os.environ | {"TIJDIG_HOME": str(home.root)}
    program = "from orchestration.definitions import definitions; import dagster as dg; dg.Definitions.validate_loadable(definitions())"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_asset_has_an_owner_a_group_and_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    own = [graph.get(key) for key in graph.get_all_asset_keys() if key.path[0] not in ("raw_external",)]
    materialisable = [node for node in own if node.is_materializable]
    assert len(materialisable) > 60
    for node in materialisable:
        assert node.group_name not in (None, "default"), node.key
        assert node.owners, node.key
        assert node.description, node.key


def test_nothing_is_an_accidental_external_asset(definitions: dg.Definitions) -> None:
    """A misspelt dependency silently becomes an asset nobody makes, and what depends on it runs too early."""
    graph = definitions.resolve_asset_graph()
    assert [key for key in graph.get_all_asset_keys() if not graph.get(key).is_materializable] == []


def test_the_river_flows_from_file_to_message(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    wanted = dg.AssetKey(["outbox", "dispatched"])
    seen: set[dg.AssetKey] = set()
    queue = [wanted]
    while queue:
        key = queue.pop()
        for parent in graph.get(key).parent_keys - seen:
            seen.add(parent)
            queue.append(parent)
    for path in (
        ["raw", "bank_entries"],
        ["raw", "invoices"],
        ["operations", "register"],
        ["control", "business_day"],
        ["dunning", "dunning_decisions"],
    ):
        assert dg.AssetKey(path) in seen, path


def test_jobs_schedules_and_sensor(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} >= {"close_of_day", "send_day", "rebuild_day"}
    assert {schedule.name for schedule in repository.schedule_defs} == {
        "close_of_day_on_bank_days",
        "send_day_on_bank_days",
    }
    assert all(schedule.execution_timezone == "Europe/Amsterdam" for schedule in repository.schedule_defs)
    assert [sensor.name for sensor in repository.sensor_defs] == ["inbox"]


def test_closing_a_day_never_sends(definitions: dg.Definitions) -> None:
    assert "outbox__dispatched" not in definitions.resolve_job_def("close_of_day").graph.node_dict


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        ("2026-04-03", False),
        ("2026-04-06", False),
        ("2026-04-07", True),
        ("2026-12-25", False),
        ("2026-12-28", True),
        ("2026-11-22", False),
    ],
)
def test_bank_days_follow_target(day: str, is_open: bool) -> None:
    assert is_bank_day(datetime.fromisoformat(day).date()) is is_open


@pytest.mark.parametrize(("moment", "asks"), [("2026-11-23T06:30", True), ("2026-12-25T06:30", False)])
def test_the_schedule_asks_for_its_own_local_day(definitions: dg.Definitions, moment: str, asks: bool) -> None:
    schedule = definitions.resolve_schedule_def("close_of_day_on_bank_days")
    at = datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo("Europe/Amsterdam"))
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=at, repository_def=definitions.get_repository_def()
        )
        asked = schedule.evaluate_tick(context).run_requests or []
    assert [request.partition_key for request in asked] == ([moment[:10]] if asks else [])


def test_the_sensor_waits_until_a_file_keeps_its_size(definitions: dg.Definitions, home: Home, tmp_path: Path) -> None:
    sensor = definitions.resolve_sensor_def("inbox")
    statement = home.bank_inbox / "statement.xml"
    with dg.DagsterInstance.ephemeral() as instance:

        def look(cursor: str | None) -> tuple[int, str | None]:
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=definitions.get_repository_def()
            )
            data = sensor.evaluate_tick(context)
            return len(data.run_requests or []), data.cursor

        statement.write_bytes(b"half")
        asked, cursor = look(None)
        assert asked == 0
        statement.write_bytes(b"half and half")
        asked, cursor = look(cursor)
        assert asked == 0
        asked, cursor = look(cursor)
        assert asked == 1
        asked, cursor = look(cursor)
        assert asked == 0, "the same files are asked for once"
    statement.unlink()

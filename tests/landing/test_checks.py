"""What stops a day and what does not, as Dagster sees it: a step that reads what landed runs, or is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from assets.landing.assets import FINANCE_DATA
from assets.landing.checks import SPECS, expectations
from assets.landing.data_docs import DataDocs
from assets.landing.suites import SUITES
from tests.landing.rooms import Rooms
from tests.landing.test_expectations import documents, entries, invoices, land_billing, land_raw

TABLES = sorted({suite.table for suite in SUITES})


def day(rooms: Rooms, docs: Path) -> tuple[dict[str, dg.AssetCheckEvaluation], bool]:
    """The check as a day runs it, between the tables it looks at and a step that reads them; whether that step ran."""
    ran: list[bool] = []

    @dg.multi_asset(specs=[dg.AssetSpec(dg.AssetKey(["raw", table]), owners=[FINANCE_DATA]) for table in TABLES])
    def landed() -> Iterator[dg.MaterializeResult[None]]:
        for table in TABLES:
            yield dg.MaterializeResult(asset_key=dg.AssetKey(["raw", table]))

    @dg.asset(deps=[dg.AssetKey(["raw", table]) for table in TABLES])
    def rules() -> None:
        ran.append(True)

    definitions = dg.Definitions(
        assets=[landed, rules],
        asset_checks=[expectations],
        resources={"landing_room": rooms.room, "data_docs": DataDocs(docs)},
    )
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(raise_on_error=False)
    said = {f"{each.asset_key.path[-1]}.{each.check_name}": each for each in result.get_asset_check_evaluations()}
    assert set(said) == {f"{spec.asset_key.path[-1]}.{spec.name}" for spec in SPECS}, "every check is answered"
    return said, bool(ran)


def failed(said: dict[str, dg.AssetCheckEvaluation]) -> dict[str, dg.AssetCheckSeverity]:
    return {name: each.severity for name, each in said.items() if not each.passed}


def test_a_day_without_anything_goes_on(rooms: Rooms, tmp_path: Path) -> None:
    said, has_gone_on = day(rooms, tmp_path / "docs")
    assert (failed(said), has_gone_on) == ({}, True)
    assert said["invoices.looks_like_what_came_before"].description == "nothing unusual"
    assert (tmp_path / "docs" / "index.html").is_file()


def test_what_blocks_stops_the_day_and_says_what_to_do(rooms: Rooms, tmp_path: Path) -> None:
    land_billing(rooms, "monday", "invoices.csv", invoices(0, factor=100_000))
    said, has_gone_on = day(rooms, tmp_path / "docs")
    assert not has_gone_on
    assert failed(said)["invoices.looks_like_what_came_before"] == dg.AssetCheckSeverity.ERROR
    description = said["invoices.looks_like_what_came_before"].description or ""
    assert "an export in cents" in description
    assert "[landing] accepted_batches = [1]" in description


@pytest.mark.parametrize("table", ["bank_entries", "invoices"])
def test_what_only_warns_is_said_and_the_day_goes_on(rooms: Rooms, tmp_path: Path, table: str) -> None:
    """Also by a suite that could have stopped it."""
    if table == "invoices":
        land_billing(rooms, "monday", "invoices.csv", documents(0, 120))
        day(rooms, tmp_path / "docs")
        land_billing(rooms, "tuesday", "invoices.csv", documents(200, 20, order_number=""))
        check = "invoices.each_company_looks_as_usual"
    else:
        land_raw(rooms, "bank_entries", 1, entries(0, 1, booked_on=date(2027, 3, 4)))
        check = "bank_entries.each_account_looks_as_usual"
    said, has_gone_on = day(rooms, tmp_path / "docs")
    assert has_gone_on
    assert failed(said) == {check: dg.AssetCheckSeverity.WARN}
    assert "warning" in said[check].metadata

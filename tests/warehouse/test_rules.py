"""Every rule of the project, as dbt unit tests on a real DuckDB: one run, each failing rule named."""

import json
from pathlib import Path
from typing import Any

from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, run_dbt
from tests.requirements import named_tests


def test_every_rule_holds(dbt_home: DbtHome, manifest: dict[str, Any]) -> None:
    assert len(manifest["unit_tests"]) > 100
    # Unit tests take their column types from relations that exist: seeds first, then every model without a row.
    run_dbt(dbt_home, ["seed", "--quiet"])
    run_dbt(dbt_home, ["run", "--empty", "--quiet"])
    run_dbt(dbt_home, ["test", "--select", "test_type:unit", "--quiet"])
    results = json.loads((dbt_home.target / "run_results.json").read_text(encoding="utf-8"))["results"]
    passed = {result["unique_id"].split(".")[-1] for result in results if result["status"] == "pass"}
    assert not named_tests(in_pytest=False) - passed, "docs/requirements.md names rules that did not run"


def test_every_unit_test_is_named_as_a_rule(manifest: dict[str, Any]) -> None:
    for unit_test in manifest["unit_tests"].values():
        words = unit_test["name"].split("_")
        assert len(words) >= 3, f"{unit_test['name']} does not say what holds"
        assert not unit_test["name"].startswith("test_"), unit_test["name"]


def test_every_chapter_has_rules(manifest: dict[str, Any]) -> None:
    chapters = {Path(unit_test["original_file_path"]).parts[1] for unit_test in manifest["unit_tests"].values()}
    assert chapters >= {
        "banking",
        "reconciliation",
        "receivables",
        "arrangements",
        "dunning",
        "tasks",
        "communications",
        "insight",
    }


def test_a_seed_that_gained_a_column_fits_a_warehouse_of_before(tmp_path: Path) -> None:
    home = DbtHome(tmp_path / "warehouse.duckdb", tmp_path / "target")
    with writing(home.warehouse):
        pass
    run_dbt(home, ["seed", "--quiet", "--select", "reconciliation_rules"])
    with writing(home.warehouse) as connection:
        connection.execute("alter table reconciliation.reconciliation_rules drop column score")
    run_dbt(home, ["seed", "--quiet", "--select", "reconciliation_rules"])
    with writing(home.warehouse) as connection:
        row = connection.execute("select min(score) from reconciliation.reconciliation_rules").fetchone()
    assert row is not None
    assert row[0] > 0

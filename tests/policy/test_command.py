"""`tijdig policy` as a person calls it, before there is a home."""

import json
from pathlib import Path

from click.testing import CliRunner

from orchestration.cli import cli
from tests.policy.conftest import Seeds


def call(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["policy", *words])
    return result.exit_code, result.output


def test_a_good_policy_ends_with_exit_code_0(tmp_path: Path) -> None:
    code, said = call("check", "--date", "2026-11-20", "--home", str(tmp_path))
    assert code == 0, said


def test_a_policy_with_an_error_ends_with_exit_code_2_and_says_what_to_do(seeds: Seeds) -> None:
    seeds.step("standard", 3, expires_after_days="")
    code, said = call("check", "--seeds", str(seeds.folder), "--date", "2026-11-20", "--json")
    assert code == 2
    found = [finding for finding in json.loads(said)["findings"] if finding["severity"] == "error"]
    assert len(found) == 1
    assert found[0]["where"].startswith("scenario_steps.csv, line ")
    assert found[0]["what_to_do"].startswith("give expires_after_days")


def test_a_scenario_is_drawn_as_a_line_of_days(tmp_path: Path) -> None:
    code, said = call("show", "standard", "--due", "2026-12-01", "--date", "2026-11-20", "--home", str(tmp_path))
    assert code == 0
    assert "   +5  Sun 2026-12-06  ●  1  reminder 1, friendly, by email, else letter; 7 bank days to pay" in said


def test_the_same_scenario_is_told_as_json(tmp_path: Path) -> None:
    code, said = call(
        "show", "standard", "--due", "2026-12-01", "--date", "2026-11-20", "--json", "--home", str(tmp_path)
    )
    assert code == 0
    steps = [moment for moment in json.loads(said)["moments"] if moment["stage_no"] == 1]
    assert [(step["on"], step["days_from_due"], step["kind"]) for step in steps] == [("2026-12-06", 5, "reminder_1")]

"""`docs/requirements.md` lists all 92 requirements, and what it names as their tests is there. That they ran as well is
seen at the end of a whole run (`tests/conftest.py`) and when dbt's unit tests have run (`tests/warehouse/test_rules.py`)."""

import re

from tests.requirements import ROOT, exists, named_tests, requirements

SHOWN = {*range(1, 60), 83, 91}  # the others are of later work, and may be planned


def test_every_requirement_has_a_row_of_its_own() -> None:
    assert [row.number for row in requirements()] == list(range(1, 93))


def test_a_requirement_names_a_test_or_is_planned() -> None:
    for row in requirements():
        assert bool(row.tests) != row.is_planned, f"requirement {row.number}"


def test_what_must_be_shown_is_not_planned() -> None:
    assert not [row.number for row in requirements() if row.is_planned and row.number in SHOWN]


def test_the_tests_that_are_named_exist() -> None:
    assert not [name for name in named_tests(in_pytest=True) if not exists(name)]
    unit_tests = {
        name
        for path in (ROOT / "dbt_project" / "models").rglob("*.yml")
        for name in re.findall(r"^  - name: (\w+)$", path.read_text(encoding="utf-8").split("unit_tests:")[-1], re.M)
        if "unit_tests:" in path.read_text(encoding="utf-8")
    }
    assert not named_tests(in_pytest=False) - unit_tests

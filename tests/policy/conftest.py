"""A copy of the project's own seeds, to be spoilt one cell at a time."""

from __future__ import annotations

import csv
import functools
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from assets.communications.formats import LANGUAGES
from assets.communications.templates import template_hashes
from assets.policy.checks import Wording, check_policy
from assets.policy.findings import Finding
from assets.policy.seeds import read_policy
from assets.warehouse.versions import PROJECT, ROOT

TODAY = date(2026, 11, 20)
Rows = list[dict[str, str]]


@functools.cache
def wording() -> Wording:
    """The templates of the project, read once."""
    return Wording(template_hashes(ROOT / "templates"), tuple(LANGUAGES))


class Seeds:
    """A folder of seeds, and what is found in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return next(self.folder.rglob(f"{name}.csv"))

    def change(self, name: str, change: Callable[[Rows], Rows]) -> None:
        """Writes a seed anew with its rows changed."""
        with self.path(name).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or ()), list(reader)
        with self.path(name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(change(rows))

    def step(self, scenario_id: str, stage_no: int, **cells: str) -> None:
        """Sets cells of one step."""
        where = {"scenario_id": scenario_id, "stage_no": str(stage_no)}
        self.set("scenario_steps", where, cells)

    def set(self, name: str, where: dict[str, str], cells: dict[str, str]) -> None:
        """Sets cells of the rows that say `where`; there must be one."""

        def changed(rows: Rows) -> Rows:
            found = [row for row in rows if where.items() <= row.items()]
            assert found, f"{name} has no row {where}"
            for row in found:
                row.update(cells)
            return rows

        self.change(name, changed)

    def findings(self, severity: str = "error") -> list[Finding]:
        found = check_policy(read_policy(self.folder, PROJECT / "models"), wording(), TODAY)
        return [finding for finding in found if finding.severity == severity]

    def only_finding(self, severity: str = "error") -> str:
        """The words of the one finding of that kind."""
        found = self.findings(severity)
        assert len(found) == 1, [finding.what for finding in found]
        return f"{found[0].where}: {found[0].what}"


@pytest.fixture
def seeds(tmp_path: Path) -> Seeds:
    folder = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", folder)
    return Seeds(folder)

"""The policy seeds as their files say: rows with the line they stand on, and the key under which periods follow one another."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from assets.problem import UsageProblem

FIRST_DAY = date(2010, 1, 1)  # the first day the house knows: its partitions begin here
LAST_DAY = date(9999, 12, 31)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a seed. `line` counts from 1, the header included, as an editor shows it."""

    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def get(self, column: str) -> str:
        """The value, or nothing where the seed has no such column."""
        return self.values.get(column, "")

    def number(self, column: str) -> int | None:
        """A whole number, or None where the cell is empty. Raises ValueError for anything else."""
        text = self.get(column)
        return int(text) if text else None

    @property
    def valid_from(self) -> date:
        """The first day; an empty cell is always, where a seed allows one."""
        return date.fromisoformat(self["valid_from"]) if self["valid_from"] else FIRST_DAY

    @property
    def valid_to(self) -> date:
        """The last day; an empty cell is without end, where a seed allows one."""
        return date.fromisoformat(self["valid_to"]) if self["valid_to"] else LAST_DAY

    def is_in_force(self, day: date) -> bool:
        """Whether the row counts on that day."""
        return self.valid_from <= day <= self.valid_to


@dataclass(frozen=True, slots=True)
class Seed:
    """One file of policy: its columns, its rows, and (where it is effective-dated by key) the columns of that key."""

    name: str
    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    key: tuple[str, ...] | None

    def in_force(self, day: date) -> list[Row]:
        """The rows that count on a day, in the order of the file."""
        return [row for row in self.rows if row.is_in_force(day)]

    @property
    def is_dated(self) -> bool:
        """Whether its rows say from when until when."""
        return {"valid_from", "valid_to"} <= set(self.columns)


Policy = Mapping[str, Seed]


def read_policy(seeds: Path, models: Path) -> dict[str, Seed]:
    """Every seed below a folder, by name; the keys are those of the `unbroken_periods` tests beside the models.

    Raises UsageProblem for a file that is no table: what is wrong on which line.
    """
    paths = sorted(seeds.rglob("*.csv"))
    if not paths:
        raise UsageProblem("there are no seeds", where=str(seeds), remedy="name a folder with policy seeds (*.csv)")
    keys = _keys_of_periods(models)
    return {path.stem: _read_seed(path, keys.get(path.stem)) for path in paths}


def _read_seed(path: Path, key: tuple[str, ...] | None) -> Seed:
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            columns = tuple(next(lines, ()))
            rows = tuple(_rows(path, columns, lines))
        except (csv.Error, UnicodeDecodeError) as error:
            raise UsageProblem(
                f"the file is no table: {error}", where=f"{path.name}, line {lines.line_num}", remedy="mend that line"
            ) from error
    return Seed(path.stem, path, columns, rows, key)


def _rows(path: Path, columns: tuple[str, ...], lines: Any) -> Iterator[Row]:
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(columns):
            raise UsageProblem(
                f"the row has {len(cells)} cells where the header has {len(columns)}",
                where=f"{path.name}, line {lines.line_num}",
                remedy="count the commas; a text with a comma stands in quotes",
            )
        row = Row(lines.line_num, dict(zip(columns, cells, strict=True)))
        for column in ("valid_from", "valid_to"):
            try:
                if row.get(column):
                    date.fromisoformat(row[column])
            except ValueError as error:
                raise UsageProblem(
                    f"{column} {row[column]!r} is no day",
                    where=f"{path.name}, line {row.line}",
                    remedy="write YYYY-MM-DD; 9999-12-31 is without end",
                ) from error
        yield row


def _keys_of_periods(models: Path) -> dict[str, tuple[str, ...]]:
    """By seed, the key of its `unbroken_periods` test: one truth for dbt and for whoever checks before dbt runs."""
    keys: dict[str, tuple[str, ...]] = {}
    for path in sorted(models.rglob("*.yml")):
        text = path.read_text(encoding="utf-8")
        if "unbroken_periods" not in text:
            continue  # thousands of lines of unit tests, which say nothing of periods
        document = yaml.safe_load(text) or {}
        for seed in document.get("seeds") or []:
            for test in seed.get("data_tests") or []:
                if isinstance(test, dict) and "unbroken_periods" in test:
                    keys[seed["name"]] = tuple(test["unbroken_periods"]["arguments"]["key"])
    return keys

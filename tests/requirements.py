"""Which test shows which requirement, as `docs/requirements.md` says, and whether those tests exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "requirements.md"

_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_NAME = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row: its number, what it asks, and the tests that show it (none: planned)."""

    number: int
    words: str
    tests: tuple[str, ...]
    is_planned: bool


def requirements() -> list[Requirement]:
    """The rows of the document, in its order."""
    return [
        Requirement(int(number), words, tuple(_NAME.findall(shown)), shown.strip() == "planned")
        for number, words, shown in _ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    ]


def named_tests(*, in_pytest: bool) -> set[str]:
    """The names of all tests in the document: pytest ids (`tests/...::test_x`), or names of dbt unit tests."""
    return {name for row in requirements() for name in row.tests if ("::" in name) == in_pytest}


def functions_of(path: Path) -> Iterator[str]:
    """The test functions of a module, and `Class::method` of its classes."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef))


def exists(test_id: str) -> bool:
    """Whether a pytest id names a test that is in the file it names."""
    file, _, function = test_id.partition("::")
    path = ROOT / file
    return path.is_file() and function.split("[")[0] in set(functions_of(path))

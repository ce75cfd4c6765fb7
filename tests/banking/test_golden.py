"""Every golden file reads as expected, and none of them is ever read in part."""

from __future__ import annotations

from pathlib import Path

import pytest

from assets.banking.read import read_statement_file
from assets.banking.statements import StatementFile, UnreadableStatement
from tests.banking.golden_files import STATEMENT_FILES, described, expected_path

every_file = pytest.mark.parametrize("path", STATEMENT_FILES, ids=lambda path: path.name)


def test_there_are_golden_files_of_every_format() -> None:
    assert {path.parent.name for path in STATEMENT_FILES} == {"camt", "mt940", "coda"}
    assert len(STATEMENT_FILES) >= 19


@every_file
def test_reads_as_expected(path: Path) -> None:
    assert described(path.read_bytes()) == expected_path(path).read_text(encoding="utf-8"), (
        "if this is wanted: python -m tests.banking.regenerate"
    )


@every_file
def test_says_the_same_with_other_line_ends(path: Path) -> None:
    content = path.read_bytes().replace(b"\r\n", b"\n")
    assert described(content) == described(content.replace(b"\n", b"\r\n"))


def _without_tail(content: bytes, size: int) -> StatementFile | None:
    try:
        return read_statement_file(content[:size])
    except UnreadableStatement:
        return None


@every_file
def test_a_file_cut_short_anywhere_is_refused_or_loses_nothing(path: Path) -> None:
    content = path.read_bytes()
    whole = read_statement_file(content)
    cuts = {len(content) * percent // 100 for percent in range(0, 100, 5)} | set(range(len(content) - 40, len(content)))
    partial = [size for size in sorted(cuts) if _without_tail(content, size) not in (None, whole)]
    assert [size for size in partial if not _is_between_statements(path, content, size)] == []


def _is_between_statements(path: Path, content: bytes, size: int) -> bool:
    """MT940 statements and CODA blocks merely follow one another: a cut exactly between two of them cannot be seen."""
    begins = {".sta": (b":20:", b"{1:"), ".cod": (b"0000",)}.get(path.suffix)
    return begins is not None and content[size:].lstrip(b"\r\n-").startswith(begins)

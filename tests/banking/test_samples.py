"""Opt-in: files that others published, read in place (`TIJDIG_SAMPLES=<folder with oracle.json>`), never copied."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest

from assets.banking.read import read_statement_file
from assets.banking.statements import UnreadableStatement

_FOLDER = os.environ.get("TIJDIG_SAMPLES")
pytestmark = pytest.mark.skipif(
    _FOLDER is None, reason="TIJDIG_SAMPLES is not set: the readers were NOT tried on real files"
)
_ORACLE = json.loads((Path(_FOLDER) / "oracle.json").read_text(encoding="utf-8")) if _FOLDER else {}
_STATEMENTS = sorted(name for name in _ORACLE if name.startswith(("camt.053", "mt940", "coda")))

# The other reader took the balance of 31 November for granted; an impossible date is a refusal here.
_IMPOSSIBLE_DATE = (
    "mt940/railslove+cmxl/spec__fixtures__mt940-deutsche_bank.txt",
    "mt940/railslove+cmxl/spec__fixtures__mt940-iso8859-1.txt",
    "mt940/railslove+cmxl/spec__fixtures__mt940.txt",
)


@pytest.mark.parametrize("name", [name for name in _STATEMENTS if not _ORACLE[name]["broken"]])
def test_sound_file_has_the_totals_another_reader_found(name: str) -> None:
    content = (Path(_FOLDER or "") / name).read_bytes()
    if name in _IMPOSSIBLE_DATE:
        with pytest.raises(UnreadableStatement) as refusal:
            read_statement_file(content)
        assert refusal.value.code == "invalid_date"
        return
    read = read_statement_file(content)
    amounts = [entry.amount for statement in read.statements for entry in statement.entries]
    credits = sum((amount for amount in amounts if amount > 0), Decimal(0))
    debits = -sum((amount for amount in amounts if amount < 0), Decimal(0))
    assert (credits, debits) == (Decimal(_ORACLE[name]["credit"]), Decimal(_ORACLE[name]["debit"]))


@pytest.mark.parametrize("name", [name for name in _STATEMENTS if _ORACLE[name]["broken"]])
def test_broken_file_is_refused(name: str) -> None:
    with pytest.raises(UnreadableStatement):
        read_statement_file((Path(_FOLDER or "") / name).read_bytes())

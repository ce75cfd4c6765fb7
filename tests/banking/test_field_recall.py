"""Every fact a bank file holds is found: references, identifications, accounts, return reasons, and all of the text.

`fields/*.json` says for published sample files what each movement holds, found by other means than the readers: by
`camt_fields` and `coda_fields`, and for MT940, whose banks share no grammar, by reading the files. Those files are read in
place (`TIJDIG_SAMPLES`, opt-in). The second readings also run over our own golden files, in every test run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from assets.banking.read import read_statement_file
from assets.banking.statements import Entry
from tests.banking.camt_fields import Movement, camt_movements, hashed, said
from tests.banking.coda_fields import coda_movements
from tests.banking.golden_files import STATEMENT_FILES
from tests.banking.mending import mended_camt, mended_mt940

_FOLDER = Path(__file__).parent / "fields"
_EXPECTED: dict[str, list[Movement]] = {
    sample: movements
    for path in sorted(_FOLDER.glob("*.json"))
    for sample, movements in json.loads(path.read_text(encoding="utf-8")).items()
}
_MENDED = frozenset(json.loads((_FOLDER / "mended.json").read_text(encoding="utf-8")))
"""Samples whose balances are put right in memory before they are read: `mending`."""
_SAMPLES = os.environ.get("TIJDIG_SAMPLES")
with_samples = pytest.mark.skipif(
    _SAMPLES is None, reason="TIJDIG_SAMPLES is not set: no field of a real file was looked for"
)
_LISTS = {
    "end_to_end_ids": lambda entry: entry.end_to_end_id,
    "mandate_ids": lambda entry: entry.mandate_id,
    "accounts": lambda entry: entry.counterparty_iban,
    "return_reasons": lambda entry: entry.return_reason,
}


def content_of(sample: str) -> bytes:
    """The bytes of a sample, with balances that add up."""
    content = (Path(_SAMPLES or "") / sample).read_bytes()
    if sample not in _MENDED:
        return content
    return mended_camt(content) if sample.startswith("camt") else mended_mt940(content)


def movements_read(content: bytes) -> list[Movement]:
    """What the reader found, in the form of the expected lists: the rows of a split batch are one movement."""
    grouped: list[list[Entry]] = []
    for statement in read_statement_file(content).statements:
        for entry in statement.entries:
            if entry.detail_ordinal > 1:
                grouped[-1].append(entry)
            else:
                grouped.append([entry])
    return [_movement(rows) for rows in grouped]


def _movement(rows: Sequence[Entry]) -> Movement:
    movement: dict[str, Any] = {"amount": f"{sum(entry.amount for entry in rows):.2f}"}
    for name, of in _LISTS.items():
        movement[name] = sorted(value for entry in rows if (value := of(entry)))
    movement["references"] = sorted(
        reference
        for entry in rows
        for reference in (entry.structured_reference, *(one for _, one in entry.further_references))
        if reference
    )
    movement["documents"] = sorted(number for entry in rows for number in entry.referred_documents)
    movement["text"] = hashed("".join(entry.remittance or "" for entry in rows))
    return said(movement)


_SECOND_READINGS = {".xml": camt_movements, ".cod": coda_movements}
_GOLDEN = {path.name: path for path in STATEMENT_FILES if path.suffix in _SECOND_READINGS}


@pytest.mark.parametrize("name", _GOLDEN)
def test_every_field_of_a_golden_file_is_found_and_no_other(name: str) -> None:
    content = _GOLDEN[name].read_bytes()
    assert movements_read(content) == _SECOND_READINGS[_GOLDEN[name].suffix](content)


def test_enough_shapes_of_real_files_are_listed() -> None:
    assert len(_EXPECTED) >= 110
    assert {sample.partition("/")[0].partition(".")[0] for sample in _EXPECTED} == {"camt", "mt940", "coda"}
    facts = [name for movements in _EXPECTED.values() for movement in movements for name in movement]
    for name in (*_LISTS, "references", "text"):
        assert facts.count(name) >= 8, name


@with_samples
@pytest.mark.parametrize("sample", _EXPECTED)
def test_every_field_of_a_real_file_is_found_and_no_other(sample: str) -> None:
    assert movements_read(content_of(sample)) == _EXPECTED[sample]


@with_samples
@pytest.mark.parametrize("sample", [sample for sample in _EXPECTED if not sample.startswith("mt940")])
def test_the_second_reading_still_finds_what_is_listed(sample: str) -> None:
    second_reading = camt_movements if sample.startswith("camt") else coda_movements
    assert second_reading((Path(_SAMPLES or "") / sample).read_bytes()) == _EXPECTED[sample]

"""Every golden document reads as its expectation says; change both with `python -m tests.invoicing.regenerate`."""

from pathlib import Path

import pytest

from assets.invoicing.documents import InvoiceDocument, InvoiceResponse
from assets.invoicing.read import read_document
from tests.invoicing.golden_files import DOCUMENT_FILES, FOLDER, described, expected_path


@pytest.mark.parametrize("path", DOCUMENT_FILES, ids=lambda path: path.stem)
def test_it_reads_as_expected(path: Path) -> None:
    assert described(path.read_bytes()) == expected_path(path).read_text(encoding="utf-8")


def test_every_expectation_has_its_document() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {
        name for path in DOCUMENT_FILES for name in (path.name, expected_path(path).name)
    }


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENT_FILES if not path.stem.startswith("refused")], ids=lambda path: path.stem
)
def test_nothing_of_what_is_asked_is_lost(path: Path) -> None:
    """No expectation may be regenerated into one that lacks what makes a claim."""
    read = read_document(path.read_bytes())
    if isinstance(read, InvoiceResponse):
        assert read.code
        assert read.invoice_number
    else:
        assert isinstance(read, InvoiceDocument)
        assert read.number
        assert read.supplier.name
        assert read.customer.name
        assert read.totals.tax_inclusive - read.totals.prepaid + read.totals.rounding == read.totals.payable

"""Killed halfway, tried again, or its warehouse deleted: the log comes out row for row as it was."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from assets.invoicing import landing as invoicing
from assets.invoicing.landing import land_documents
from assets.landing.warehouse import writing
from orchestration.answers import answer_recorder
from orchestration.installation import Installation
from orchestration.rebuild import ensure_warehouse
from simulation.invoice_documents import invoice_response, ubl
from tests.invoicing.rooms import COMPANIES, CUSTOMERS, INVOICE, MOLENAAR, STRANGER, US, document
from tests.operations.stores import tmp_path  # noqa: F401
from tests.orchestration.homes import DAY, land_billing, landing, new_installation, put, raw_rows

FILES = {
    "1.xml": ubl(INVOICE),
    "2.xml": ubl(document(number="2")),
    "again.xml": ubl(INVOICE),
    "answer.xml": invoice_response("2", "AP", sender=MOLENAAR, receiver=US, issued_on=DAY),
    "conflict.xml": ubl(document(number="2", vat_cents=0)),
    "stranger.xml": ubl(document(number="3", buyer=STRANGER)),
}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:  # noqa: F811
    made = new_installation(tmp_path / "home")
    land_billing(made, "extract", companies=COMPANIES, customers=CUSTOMERS)
    for name, content in FILES.items():
        put(made.home, "invoices", name, content)
    yield made
    made.store.dispose()


def deliver(installation: Installation) -> None:
    recorder = answer_recorder(installation.store, installation.clock)
    land_documents(landing(installation, "run"), installation.home.invoices_inbox, recorder)


def test_a_deleted_warehouse_gets_its_documents_back(installation: Installation) -> None:
    deliver(installation)
    before = raw_rows(installation.home.warehouse)
    assert {table: len(before[table]) for table in ("invoice_documents", "invoice_document_lines", "row_problems")} == {
        "invoice_documents": 2,
        "invoice_document_lines": 2,
        "row_problems": 1,
    }
    # The customers of today would give another answer; what was decided then stands.
    land_billing(installation, "later", customers=CUSTOMERS.replace("NL009876543B01", "NL001111111B01"))
    after = raw_rows(installation.home.warehouse)
    installation.home.warehouse.unlink()
    ensure_warehouse(installation)
    assert raw_rows(installation.home.warehouse) == after
    assert after["invoice_documents"] == before["invoice_documents"]


def test_recorded_but_not_loaded_is_loaded(installation: Installation) -> None:
    deliver(installation)
    before = raw_rows(installation.home.warehouse)
    with writing(installation.home.warehouse) as connection:
        for table in ("invoice_documents", "invoice_document_lines", "row_problems", "quarantined_files"):
            connection.execute(f"delete from raw.{table}")
        connection.execute("delete from raw.landed_sources where batch_id = 2")
    assert ensure_warehouse(installation) == 3
    assert raw_rows(installation.home.warehouse) == before


@pytest.mark.parametrize("step", ["record_sources", "append_rows", "take_away"])
def test_cut_off_at_any_step_and_tried_again_it_is_as_if_never_cut_off(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the machine stopped")

    with monkeypatch.context() as patched:
        patched.setattr(invoicing, step, fail)
        with pytest.raises(OSError, match="stopped"):
            deliver(installation)
    ensure_warehouse(installation)
    deliver(installation)
    rows = raw_rows(installation.home.warehouse)
    assert sorted((row[5], row[14]) for row in rows["invoice_documents"]) == [
        ("2", INVOICE_TOTAL),
        ("2026-0042", INVOICE_TOTAL),
    ]
    assert len(rows["invoice_document_lines"]) == 2
    assert list(installation.home.invoices_inbox.iterdir()) == []
    assert rows == _rebuilt(installation)


def _rebuilt(installation: Installation) -> dict[str, list[tuple[object, ...]]]:
    installation.home.warehouse.unlink()
    ensure_warehouse(installation)
    return raw_rows(installation.home.warehouse)


INVOICE_TOTAL = Decimal("121.00")

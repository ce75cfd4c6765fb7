"""A deleted warehouse gets the billing extract back as it was: deltas, tombstones, full files and refused rows."""

from __future__ import annotations

from pathlib import Path

from assets.billing.landing import land_files
from assets.billing.source import BillingSource
from orchestration.rebuild import ensure_warehouse
from tests.billing.erps import Erp
from tests.billing.files import INVOICE, invoices, written
from tests.orchestration.homes import DAY, landing, new_installation, put, raw_rows


def test_what_was_extracted_comes_back(tmp_path: Path) -> None:
    installation = new_installation(tmp_path)
    (tmp_path / "erp.db").touch()
    erp = Erp("sqlite", f"sqlite:///{tmp_path / 'erp.db'}")
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd\n", "weg as is_deleted, gewijzigd\n")
    erp.bill(1, 2, 3)
    erp.bill(4, centen=-1)
    erp.land(landing(installation, "monday"))
    erp.do("update facturen set weg = 1 where id = 2")
    erp.land(landing(installation, "tuesday"))
    erp.do("update facturen set centen = 7 where id = 4")
    erp.land(landing(installation, "wednesday"), is_full=True)

    # From the database to files: other columns, other types, and a person who has looked.
    full = BillingSource(is_full=True, accepted=frozenset({f"invoices {DAY}"}))
    numbered = [INVOICE | {"invoice_id": f"I{number}"} for number in range(1, 4)]
    for run_id, first, second in (
        ("thursday", written(numbered[:2]), written(numbered[2:])),
        ("friday", written(numbered[:1]), invoices({"total_amount": "x"}, {"invoice_id": "I8"})),
    ):
        put(installation.home, "billing", "invoices-1.csv", first)
        put(installation.home, "billing", "invoices-2.csv", second)
        land_files(landing(installation, run_id), installation.home.billing_inbox, full)
    put(installation.home, "billing", "invoices.csv", written(numbered[:1]))
    land_files(landing(installation, "saturday"), installation.home.billing_inbox)

    before = raw_rows(installation.home.warehouse)
    assert before["full_extracts"]
    assert before["row_problems"]
    installation.home.warehouse.unlink()
    ensure_warehouse(installation)
    assert raw_rows(installation.home.warehouse) == before
    assert ensure_warehouse(installation) == 0, "nothing is missing now"
    installation.store.dispose()

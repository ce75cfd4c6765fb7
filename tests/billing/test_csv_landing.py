"""CSV files from the billing inbox into the raw log."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from assets.billing.landing import land_files
from assets.billing.offers import TableLanded
from assets.billing.source import BillingSource
from assets.problem import DataProblem
from tests.billing.files import CUSTOMER, INVOICE, invoices, written
from tests.landing.rooms import COMPANY, Rooms


def land(rooms: Rooms, run_id: str = "day", *, is_full: bool = False) -> dict[str, TableLanded]:
    landed = land_files(rooms.run(run_id), rooms.room.billing_inbox, BillingSource(is_full=is_full))
    assert (landed.taken, landed.duplicate, landed.quarantined) == tuple(
        sum(outcome == wanted for outcome, _, _ in last_batch(rooms))
        for wanted in ("taken", "duplicate", "quarantined")
    )
    assert list(rooms.room.billing_inbox.iterdir()) == []
    return {table.table_name: table for table in landed.tables}


def last_batch(rooms: Rooms) -> list[tuple[str, str, str | None]]:
    from assets.landing.batches import all_sources

    sources = all_sources(rooms.store)
    newest = max(each.batch_id for each in sources)
    return [
        (each.source.outcome, each.source.original_name or "", each.source.code)
        for each in sources
        if each.batch_id == newest and each.source.inbox == "billing"
    ]


def open_invoices(rooms: Rooms) -> list[tuple[object, ...]]:
    return rooms.newest("invoices", "invoice_id, total_amount", ["company_id", "invoice_id"])


def test_each_file_lands_in_its_table_and_in_the_archive(rooms: Rooms) -> None:
    rooms.put("billing", "companies.csv", COMPANY)
    rooms.put("billing", "customers.csv", written([CUSTOMER]))
    rooms.put("billing", "invoices.csv", invoices({}, {}))
    landed = land(rooms)
    assert landed["invoices"] == TableLanded("invoices", seen=2, changed=2, deleted=0, refused=0)
    assert open_invoices(rooms) == [("I1", Decimal("100.00")), ("I2", Decimal("100.00"))]
    ((sha256,),) = rooms.rows("select distinct source_sha256 from raw.invoices")
    assert rooms.room.archive.get(str(sha256)) == invoices({}, {}).encode()
    assert rooms.rows("select batch_id, ordinal from raw.landed_sources order by all") == [(1, 1), (1, 2), (1, 3)]


def test_files_are_taken_in_name_order_and_the_last_row_of_a_key_wins(rooms: Rooms) -> None:
    """The key stands far down the first file and at the top of the second: the second is later all the same."""
    rooms.put("billing", "invoices-1.csv", invoices({}, {}, {}, {"total_amount": "1.00"}))
    rooms.put("billing", "invoices-2.csv", written([INVOICE | {"invoice_id": "I4", "total_amount": "2.00"}]))
    land(rooms)
    assert open_invoices(rooms)[3] == ("I4", Decimal("2.00"))


def test_refused_rows_are_kept_with_their_reason_and_the_others_go_on(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {"total_amount": "1,00"}, {}, {"issued_on": "1-1-2026"}))
    assert land(rooms)["invoices"] == TableLanded("invoices", seen=2, changed=2, deleted=0, refused=2)
    problems = rooms.rows(
        "select batch_id, ordinal, table_name, company_id, customer_id, invoice_id, code from raw.row_problems order by ordinal"
    )
    assert problems == [
        (1, 2, "invoices", "C1", "K1", "I2", "invalid_amount"),
        (1, 4, "invoices", "C1", "K1", "I4", "invalid_date"),
    ]
    assert rooms.rows("select ordinal from raw.invoices order by 1") == [(1,), (3,)], "each row keeps its own number"
    assert rooms.rows(
        "select count(*) from raw.row_problems where source_sha256 not in (select source_sha256 from raw.invoices)"
    ) == [(0,)]


def test_the_good_row_that_follows_a_refused_one_is_the_later_of_the_two(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}))
    land(rooms, "monday")
    bad_then_good = invoices({"total_amount": "1,00"}, {"invoice_id": "I1"})
    rooms.put("billing", "invoices.csv", bad_then_good)
    land(rooms, "tuesday")
    ((problem,),) = rooms.rows("select max(batch_id * 1000000000 + ordinal) from raw.row_problems")
    ((good,),) = rooms.rows("select max(batch_id * 1000000000 + ordinal) from raw.invoices")
    assert good > problem  # type: ignore[operator]


def test_a_good_line_beside_a_refused_one_of_its_invoice_is_no_news(rooms: Rooms) -> None:
    line = {"company_id": "C1", "invoice_id": "I1", "line_number": "1", "description": "Werk", "line_amount": "60.00"}
    second = line | {"line_number": "2", "line_amount": "40.00"}
    rooms.put("billing", "invoice_lines.csv", written([line, second]))
    land(rooms, "monday")
    rooms.put("billing", "invoice_lines.csv", written([second | {"line_amount": "40,00"}, line]))
    assert land(rooms, "tuesday")["invoice_lines"].changed == 0, "it would heal a line that is still unreadable"
    rooms.put("billing", "invoice_lines-2.csv", written([line, second]) + "\r\n")
    assert land(rooms, "wednesday")["invoice_lines"].changed == 2


def test_a_refused_file_goes_to_quarantine_and_stops_no_other(rooms: Rooms) -> None:
    rooms.put("billing", "companies.csv", "company_id,name\nC1,Voorbeeld\n")
    rooms.put("billing", "facturen.csv", "a\n1\n")
    rooms.put("billing", "invoices.csv", invoices({}))
    (rooms.room.billing_inbox / "orders.csv").symlink_to("/etc/passwd")
    land(rooms)
    assert last_batch(rooms) == [
        ("quarantined", "companies.csv", "missing_column"),
        ("quarantined", "facturen.csv", "unknown_table"),
        ("taken", "invoices.csv", None),
        ("quarantined", "orders.csv", "not_a_file"),
    ]
    reasons = [json.loads(path.read_text(encoding="utf-8")) for path in rooms.room.quarantine.glob("*.reason.json")]
    (missing,) = [reason for reason in reasons if reason["file"] == "companies.csv"]
    assert missing["message"] == "companies needs the column country, iban"
    assert rooms.rows("select message from raw.quarantined_files where inbox = 'billing' order by original_name") == [
        ("companies needs the column country, iban (line 1)",),
        ("the file name says no table; name it companies*.csv, customers*.csv, invoices*.csv, invoice_lines*.csv, "
         "mandates*.csv, orders*.csv, opening_stages*.csv",),
        ("the file is not taken: it is a symbolic link; put plain files into the inbox",),
    ]  # fmt: skip


def test_the_same_file_again_changes_nothing(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {"total_amount": "1,00"}))
    land(rooms, "monday")
    before = [rooms.rows(f"select * from raw.{table} order by all") for table in ("invoices", "row_problems")]
    rooms.put("billing", "invoices-again.csv", invoices({}, {"total_amount": "1,00"}))
    assert land(rooms, "tuesday") == {}
    assert [outcome for outcome, _, _ in last_batch(rooms)] == ["duplicate"]
    assert [rooms.rows(f"select * from raw.{table} order by all") for table in ("invoices", "row_problems")] == before


def test_a_later_file_brings_only_what_changed(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {}))
    land(rooms, "monday")
    rooms.put("billing", "invoices.csv", invoices({}, {"total_amount": "90.00"}, {}))
    assert land(rooms, "tuesday")["invoices"] == TableLanded("invoices", seen=3, changed=2, deleted=0, refused=0)
    assert open_invoices(rooms) == [("I1", Decimal("100.00")), ("I2", Decimal("90.00")), ("I3", Decimal("100.00"))]


def test_repeated_keys_are_reported(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {"invoice_id": "I1", "total_amount": "2.00"}))
    assert land(rooms)["invoices"].repeated_keys == 1
    assert open_invoices(rooms) == [("I1", Decimal("2.00"))]


def test_one_value_no_column_can_hold_does_not_stop_the_day(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({"discount_percent": "123456789"}, {}))
    assert land(rooms)["invoices"].refused == 1
    assert open_invoices(rooms) == [("I2", Decimal("100.00"))]


def test_a_value_of_many_pages_stops_no_other_row(rooms: Rooms) -> None:
    """Ten megabytes of description is somebody's accident, and still one row."""
    rooms.put("billing", "invoices.csv", invoices({}, {"description": "x" * 10_000_000}, {}))
    assert land(rooms)["invoices"].seen == 3
    assert rooms.rows("select max(length(description)) from raw.invoices") == [(10_000_000,)]


def test_a_file_told_again_after_another_counts_again(rooms: Rooms) -> None:
    """A, B, A: the newest delivery is the state; the same bytes twice in a row change nothing."""
    first, second = invoices({}, {}), invoices({"total_amount": "90.00"})
    for run_id, content, outcome, amount in (
        ("monday", first, "taken", "100.00"),
        ("tuesday", second, "taken", "90.00"),
        ("wednesday", first, "taken", "100.00"),
        ("thursday", first, "duplicate", "100.00"),
    ):
        rooms.put("billing", "invoices.csv", content)
        land(rooms, run_id)
        assert [each for each, _, _ in last_batch(rooms)] == [outcome]
        assert open_invoices(rooms) == [("I1", Decimal(amount)), ("I2", Decimal("100.00"))]


def test_a_refused_row_told_again_after_it_was_healed_is_refused_again(rooms: Rooms) -> None:
    bad, good = invoices({}, {"total_amount": "1,00"}), invoices({}, {"total_amount": "2.00"})
    for run_id, content in (("monday", bad), ("tuesday", good), ("wednesday", bad), ("thursday", bad)):
        rooms.put("billing", "invoices.csv", content)
        land(rooms, run_id)
    assert rooms.rows("select batch_id from raw.row_problems order by 1") == [(1,), (3,)]
    assert [each for each, _, _ in last_batch(rooms)] == ["duplicate"]


def test_all_files_delivered_twice_end_where_they_ended(rooms: Rooms) -> None:
    files = {
        "companies.csv": COMPANY,
        "customers.csv": written([CUSTOMER]),
        "invoices-1.csv": invoices({}, {}, {"total_amount": "x"}),
        "invoices-2.csv": written([INVOICE | {"invoice_id": "I1", "total_amount": "7.00"}]),
    }
    held = []
    for run_id in ("monday", "tuesday"):
        for name, content in files.items():
            rooms.put("billing", name, content)
        land(rooms, run_id)
        held.append([rooms.newest(table, "* exclude (batch_id, ordinal)", key) for table, key in KEYS.items()])
    assert held[0] == held[1]


KEYS = {
    "companies": ["company_id"],
    "customers": ["company_id", "customer_id"],
    "invoices": ["company_id", "invoice_id"],
}


def test_full_files_of_one_run_are_the_extract_together(rooms: Rooms) -> None:
    numbered = [INVOICE | {"invoice_id": f"I{number}"} for number in range(1, 5)]
    rooms.put("billing", "invoices-1.csv", written(numbered[:2]))
    rooms.put("billing", "invoices-2.csv", written(numbered[2:]))
    rooms.put("billing", "customers.csv", written([CUSTOMER]))
    assert land(rooms, "monday", is_full=True)["invoices"] == TableLanded("invoices", 4, 4, 0, 0)
    rooms.put("billing", "invoices-1.csv", written(numbered[:1]))
    rooms.put("billing", "invoices-2.csv", written([numbered[3], numbered[0] | {"total_amount": "5.00"}]))
    landed = land(rooms, "tuesday", is_full=True)
    assert (landed["invoices"].changed, landed["invoices"].deleted) == (1, 2)
    assert "customers" not in landed, "no file of a table is no extract of it"
    assert open_invoices(rooms) == [("I1", Decimal("5.00")), ("I4", Decimal("100.00"))]
    rooms.put("billing", "invoices-1.csv", written(numbered[:1]))
    rooms.put("billing", "invoices-2.csv", written([numbered[3], numbered[0] | {"total_amount": "5.00"}]))
    assert land(rooms, "wednesday", is_full=True)["invoices"].changed == 0
    assert [each for each, name, _ in last_batch(rooms) if name.endswith("csv")] == ["duplicate", "duplicate"]


def test_half_a_full_extract_deletes_nothing(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {}, {}))
    land(rooms, "monday", is_full=True)
    rooms.put("billing", "invoices-1.csv", invoices({"total_amount": "8.00"}))
    rooms.put("billing", "invoices-2.csv", "company_id;invoice_id\n")
    land(rooms, "tuesday", is_full=True)
    assert open_invoices(rooms) == [("I1", Decimal("8.00")), ("I2", Decimal(100)), ("I3", Decimal(100))]


def test_rows_refused_in_full_files_keep_their_place_and_are_over_with_the_next(rooms: Rooms) -> None:
    line = invoices({}).splitlines()[0] + "\n\nC1\n"
    rooms.put("billing", "invoices-1.csv", invoices({}, {"total_amount": "x"}))
    rooms.put("billing", "invoices-2.csv", line)
    rooms.put("billing", "invoices-3.csv", written([INVOICE | {"invoice_id": "I9"}]))
    land(rooms, "monday", is_full=True)
    assert rooms.rows("select ordinal, code from raw.row_problems order by 1") == [
        (2, "invalid_amount"),
        (4, "field_count"),
    ]
    assert rooms.rows("select invoice_id, ordinal from raw.invoices order by 2") == [("I1", 1), ("I9", 5)]
    rooms.put("billing", "invoices.csv", invoices({}, {}))
    with pytest.raises(DataProblem):
        land_files(rooms.run("none"), rooms.room.billing_inbox / "invoices.csv")
    land(rooms, "tuesday", is_full=True)
    assert rooms.rows("select batch_id, table_name, after_ordinal from raw.full_extracts order by all") == [
        (1, "invoices", 0),
        (3, "invoices", 0),
    ]


def test_a_file_a_brake_refuses_stays_where_it_is(rooms: Rooms) -> None:
    many = [{} for _ in range(30)]
    rooms.put("billing", "invoices.csv", invoices(*many))
    land(rooms, "monday")
    path = rooms.put("billing", "invoices.csv", invoices(*[{"total_amount": "10000.00"} for _ in many]))
    rooms.put("billing", "orders.csv", "company_id,customer_id,order_number\nC1,K1,PO-1\n")
    with pytest.raises(DataProblem, match=r"from 3000.00 to 300000.00 EUR"):
        land_files(rooms.run("tuesday"), rooms.room.billing_inbox)
    assert path.exists()
    assert rooms.rows("select count(*) from raw.orders") == [(1,)]
    assert open_invoices(rooms)[0] == ("I1", Decimal(100))


def test_a_delta_file_may_say_what_is_deleted(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({}, {}))
    land(rooms, "monday")
    gone = {"company_id": "C1", "invoice_id": "I1", "is_deleted": "true"}
    rooms.put("billing", "invoices.csv", written([dict.fromkeys(INVOICE, "") | gone]))
    assert land(rooms, "tuesday")["invoices"].deleted == 1
    assert [row[0] for row in open_invoices(rooms)] == ["I2"]


def test_files_of_one_run_may_differ_in_their_columns_and_a_later_run_may_not_lose_one(rooms: Rooms) -> None:
    rooms.put("billing", "invoices.csv", invoices({"order_number": "PO-1"}))
    rooms.put("billing", "invoices_history.csv", written([INVOICE | {"invoice_id": "I2"}]))
    land(rooms, "monday")
    assert len(open_invoices(rooms)) == 2
    rooms.put("billing", "invoices.csv", invoices({}))
    with pytest.raises(DataProblem, match="the column order_number is gone; 1 rows had it filled"):
        land(rooms, "tuesday")

"""CSV files from the billing inbox into the raw log."""

from __future__ import annotations

import json
from decimal import Decimal

from assets.billing.landing import TableLanded, land_files
from tests.billing.files import CUSTOMER, INVOICE, invoices, written
from tests.landing.rooms import COMPANY, Rooms


def land(rooms: Rooms, run_id: str = "day") -> dict[str, TableLanded]:
    landed = land_files(rooms.run(run_id), rooms.room.billing_inbox)
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
        if each.batch_id == newest
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
        ("the file is not taken: it is a symbolic link",),
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

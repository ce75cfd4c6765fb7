"""Delta extracts by watermark, and what is deleted, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from assets.billing.landing import last_extract
from assets.billing.marks import Mark, Overlap
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME
from assets.problem import DataProblem, UsageProblem
from tests.billing.erps import Erp, state
from tests.landing.rooms import Rooms

INVOICES = BILLING_TABLE_BY_NAME["invoices"]
WEG = "select 'C1' as company_id, id as invoice_id, weg as is_deleted"


def test_the_next_extract_asks_only_for_what_changed_since(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2, at="2026-02-01 08:00:00")
    erp.bill(3, at="2026-02-01 10:00:00")
    assert erp.land(rooms.run("monday"))["invoices"].seen == 3
    erp.bill(4, at="2026-02-01 12:00:00")
    erp.do("update facturen set centen = 1 where id = 1")  # nobody said so
    erp.do("update facturen set centen = 2, gewijzigd = '2026-02-01 13:00:00' where id = 2")
    assert erp.land(rooms.run("tuesday"))["invoices"].seen == 3
    assert state(rooms) == [("1", Decimal(100)), ("2", Decimal("0.02")), ("3", Decimal(100)), ("4", Decimal(100))]
    assert erp.land(rooms.run("wednesday"))["invoices"].changed == 0


@pytest.mark.parametrize(("minutes", "is_seen"), [(60, True), (59, False)])
def test_a_late_commit_is_seen_within_the_overlap_and_no_minute_beyond(
    rooms: Rooms,
    erp: Erp,
    minutes: int,
    is_seen: bool,
) -> None:
    erp.bill(1, at="2026-02-01 11:00:00")
    erp.land(rooms.run("monday"))
    erp.bill(2, at="2026-02-01 10:00:00")
    erp.land(rooms.run("tuesday"), overlap=Overlap(minutes))
    assert (("2", Decimal(100)) in state(rooms)) is is_seen


def test_unchanged_rows_of_the_overlap_append_nothing_and_the_mark_is_kept(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2)
    erp.land(rooms.run("monday"))
    marks = [last_extract(rooms.run("monday"), INVOICES)]
    landed = erp.land(rooms.run("tuesday"))["invoices"]
    assert (landed.seen, landed.changed) == (2, 0)
    marks.append(last_extract(rooms.run("tuesday"), INVOICES))
    assert [each.mark for each in marks if each] == [
        Mark("text", "2026-02-01 10:00:00")
    ] * 2 or erp.kind == "postgresql"
    assert len({str(each.mark) for each in marks if each}) == 1


def test_a_row_without_a_mark_is_asked_for_every_time(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2)
    erp.land(rooms.run("monday"))
    erp.bill(3)
    erp.do("update facturen set gewijzigd = null where id in (1, 3)")
    erp.land(rooms.run("tuesday"))
    erp.do("update facturen set centen = 5 where id = 1")
    erp.land(rooms.run("wednesday"))
    assert state(rooms) == [("1", Decimal("0.05")), ("2", Decimal(100)), ("3", Decimal(100))]


def test_a_day_in_the_far_future_does_not_hide_tomorrow(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1)
    erp.bill(2, at="2062-02-01 10:00:00")
    erp.land(rooms.run("monday"))
    erp.bill(3, at="2026-02-02 10:00:00")
    erp.land(rooms.run("tuesday"))
    assert len(state(rooms)) == 3


def test_an_erp_put_back_from_a_backup_stops_and_a_full_extract_goes_on(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, at="2026-02-01 10:00:00")
    erp.bill(2, at="2026-02-05 10:00:00")
    erp.land(rooms.run("monday"))
    erp.do("delete from facturen where id = 2")
    with pytest.raises(DataProblem, match="invoices holds nothing from gewijzigd 2026-02-05") as refusal:
        erp.land(rooms.run("tuesday"))
    assert "TIJDIG_BILLING_MODE=full" in refusal.value.what_to_do
    assert len(state(rooms)) == 2
    assert erp.land(rooms.run("wednesday"), is_full=True)["invoices"].deleted == 1
    erp.bill(3, at="2026-02-02 10:00:00")
    erp.land(rooms.run("thursday"))
    assert [row[0] for row in state(rooms)] == ["1", "3"], "the mark began anew with the full extract"


def test_another_question_is_asked_from_the_beginning(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, at="2026-01-01 10:00:00")
    erp.bill(2)
    erp.land(rooms.run("monday"))
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd", "'D' as description, gewijzigd", 1)
    assert erp.land(rooms.run("tuesday"))["invoices"].seen == 2
    assert erp.land(rooms.run("wednesday"))["invoices"].seen == 1


def test_the_mark_is_on_record_and_not_in_the_warehouse(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, at="2026-02-01 08:00:00")
    erp.bill(2, at="2026-02-01 10:00:00")
    erp.land(rooms.run("monday"))
    rooms.room.warehouse.unlink()
    assert erp.land(rooms.run("tuesday"))["invoices"].seen == 1


@pytest.mark.parametrize("column", ["Gewijzigd op", "x; drop table facturen", ""])
def test_a_watermark_is_the_name_of_a_column(rooms: Rooms, erp: Erp, column: str) -> None:
    with pytest.raises(UsageProblem, match="is not the name of a column"):
        erp.land(rooms.run("monday"), watermarks={"invoices": column})
    with pytest.raises(UsageProblem, match="a watermark for 'orders', and no query"):
        erp.land(rooms.run("monday"), watermarks={"orders": "id"})


def test_a_watermark_the_query_lacks_is_named(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1)
    with pytest.raises(DataProblem, match="invoices lacks its watermark column veranderd"):
        erp.land(rooms.run("monday"), watermarks={"invoices": "veranderd"})


def test_the_watermark_is_kept_out_of_the_row(rooms: Rooms, erp: Erp) -> None:
    """Else every row that was touched in the ERP would be a new version of the invoice."""
    erp.bill(1)
    erp.land(rooms.run("monday"))
    erp.do("update facturen set gewijzigd = '2026-02-03 10:00:00'")
    assert erp.land(rooms.run("tuesday"))["invoices"].changed == 0
    assert rooms.rows("select extra from raw.invoices") == [(None,)]


@pytest.mark.parametrize(("column", "first", "then"), [("id", 3, 2), ("datum", 3, 2)])
def test_numbers_and_days_serve_as_watermarks_too(rooms: Rooms, erp: Erp, column: str, first: int, then: int) -> None:
    erp.bill(1, at="2026-01-01 10:00:00")
    erp.bill(2, at="2026-01-05 10:00:00")
    erp.bill(3, at="2026-01-06 10:00:00")
    datum = "cast(gewijzigd as date) as datum" if erp.kind == "postgresql" else "substr(gewijzigd, 1, 10) as datum"
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd\n", f"{datum}, id\n")
    given = {"watermarks": {"invoices": column}, "overlap": Overlap(60, 1)}
    assert erp.land(rooms.run("monday"), **given)["invoices"].seen == first
    assert erp.land(rooms.run("tuesday"), **given)["invoices"].seen == then


def test_what_the_query_says_is_deleted_becomes_a_tombstone(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2, 3)
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd\n", "weg as is_deleted, gewijzigd\n")
    erp.land(rooms.run("monday"))
    true = "true" if erp.kind == "postgresql" else "1"
    erp.do(f"update facturen set weg = {true}, klant = null, gewijzigd = '2026-02-02 10:00:00' where id = 2")
    landed = erp.land(rooms.run("tuesday"))["invoices"]
    assert (landed.deleted, landed.refused) == (1, 0)
    assert [row[0] for row in state(rooms)] == ["1", "3"]
    gone = rooms.rows("select invoice_id, customer_id, total_amount from raw.invoices where is_deleted")
    assert gone == [("2", "K1", Decimal(100))], "it says what it was"
    assert erp.land(rooms.run("wednesday"))["invoices"].deleted == 0, "what is gone goes once"
    erp.do(f"update facturen set weg = not {true}, klant = 'K1', gewijzigd = '2026-02-03 10:00:00' where id = 2")
    assert erp.land(rooms.run("thursday"))["invoices"].changed == 1
    assert len(state(rooms)) == 3


def test_a_moment_of_deletion_says_the_same(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2)
    erp.queries["invoices"] = erp.queries["invoices"].replace(
        "gewijzigd\n", "case when klant = 'weg' then gewijzigd end as deleted_at, gewijzigd\n"
    )
    erp.land(rooms.run("monday"))
    erp.do("update facturen set klant = 'weg', gewijzigd = '2026-02-02 10:00:00' where id = 2")
    assert erp.land(rooms.run("tuesday"))["invoices"].deleted == 1


def test_the_brake_holds_deletions_that_are_said_as_well(rooms: Rooms, erp: Erp) -> None:
    erp.bill(*range(1, 41))
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd\n", "weg as is_deleted, gewijzigd\n")
    erp.land(rooms.run("monday"))
    true = "true" if erp.kind == "postgresql" else "1"
    erp.do(f"update facturen set weg = {true} where id <= 11")
    with pytest.raises(DataProblem, match="lost 11 of 40 rows"):
        erp.land(rooms.run("tuesday"))
    assert len(state(rooms)) == 40


def test_a_real_postgresql_hands_its_rows_out_through_a_cursor_of_its_own(rooms: Rooms, erp: Erp) -> None:
    if erp.kind != "postgresql":
        pytest.skip("a cursor of the server takes a server")
    erp.bill(1)
    cursors = "(select string_agg(name, ';') from pg_cursors where statement like '%facturen%') as cursors"
    erp.queries["invoices"] = erp.queries["invoices"].replace("gewijzigd\n", f"{cursors}, gewijzigd\n")
    erp.land(rooms.run("monday"))
    ((extra,),) = rooms.rows("select extra from raw.invoices")
    assert json.loads(str(extra))["cursors"], "the server knows a named cursor while it is read from"


def test_a_table_of_many_chunks_is_read_whole(rooms: Rooms, erp: Erp) -> None:
    for first, last in ((1, 1), (2, 9_999), (10_000, 10_001), (10_002, 20_000), (20_001, 20_001)):
        erp.bill(*range(first, last + 1), centen=-5 if last - first < 2 else 10_000)
    landed = erp.land(rooms.run("monday"))["invoices"]
    assert (landed.seen, landed.refused) == (19_997, 4)
    assert rooms.rows("select ordinal from raw.row_problems order by 1") == [(1,), (10_000,), (10_001,), (20_001,)]
    assert rooms.rows("select min(ordinal), max(ordinal), count(distinct ordinal) from raw.invoices") == [
        (2, 20_000, 19_997)
    ]

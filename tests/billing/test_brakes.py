"""Brakes on a whole extract, at both sides of each boundary, and how a person takes it all the same."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from sqlalchemy import select

from assets.operations.store import reading
from assets.operations.tables import audit_event, audit_payload
from assets.problem import DataProblem
from tests.billing.erps import Erp, open_erp, state
from tests.landing.rooms import DAY, Rooms

FULL = {"is_full": True, "watermarks": {}}


@pytest.fixture
def erp(request: pytest.FixtureRequest, rooms: Rooms) -> Erp:
    """These rules are about the log: one kind of ERP will do."""
    return open_erp("sqlite", rooms.root, request)


@pytest.mark.parametrize(("centen", "is_refused"), [(15_000, False), (15_001, True), (5_000, False), (4_999, True)])
def test_the_total_may_change_by_half_and_no_cent_more(rooms: Rooms, erp: Erp, centen: int, is_refused: bool) -> None:
    erp.bill(*range(20))
    erp.land(rooms.run("monday"), **FULL)
    erp.do(f"update facturen set centen = {centen}")
    if not is_refused:
        assert erp.land(rooms.run("tuesday"), **FULL)["invoices"].changed == 20
        return
    with pytest.raises(DataProblem, match=r"takes the invoices of company C1 from 2000.00 to .* EUR, more than 50 %"):
        erp.land(rooms.run("tuesday"), **FULL)
    assert {row[1] for row in state(rooms)} == {Decimal(100)}


@pytest.mark.parametrize(("known", "is_refused"), [(19, False), (20, True)])
def test_a_few_invoices_may_change_as_they_like(rooms: Rooms, erp: Erp, known: int, is_refused: bool) -> None:
    erp.bill(*range(known))
    erp.land(rooms.run("monday"), **FULL)
    erp.do("update facturen set centen = centen * 100")
    if is_refused:
        with pytest.raises(DataProblem, match="see whether amounts are in cents"):
            erp.land(rooms.run("tuesday"), **FULL)
    else:
        erp.land(rooms.run("tuesday"), **FULL)


@pytest.mark.parametrize("settings", [FULL, {}])
def test_a_good_month_is_no_error(rooms: Rooms, erp: Erp, settings: dict[str, object]) -> None:
    erp.bill(*range(30), at="2026-01-01 10:00:00")
    erp.land(rooms.run("monday"), **settings)
    erp.bill(*range(30, 130), at="2026-02-01 10:00:00")
    assert erp.land(rooms.run("tuesday"), **settings)["invoices"].changed == 100


def test_each_currency_and_kind_is_added_up_by_itself(rooms: Rooms, erp: Erp) -> None:
    """A hundred small credit notes that become large vanish in the total of the invoices."""
    erp.bill(*range(20), centen=1)
    erp.bill(*range(20, 120), centen=1_000_000)
    erp.queries["invoices"] = erp.queries["invoices"].replace(
        "'invoice' as kind", "case when id < 20 then 'credit_note' else 'invoice' end as kind"
    )
    erp.land(rooms.run("monday"), **FULL)
    erp.do("update facturen set centen = 100 where id < 20")
    with pytest.raises(DataProblem, match=r"takes the credit_notes of company C1 from 0.20 to 20.00 EUR"):
        erp.land(rooms.run("tuesday"), **FULL)


def test_a_delta_is_weighed_with_what_it_leaves_alone(rooms: Rooms, erp: Erp) -> None:
    erp.bill(*range(40), at="2026-01-01 10:00:00")
    erp.land(rooms.run("monday"))
    erp.do("update facturen set centen = 20000, gewijzigd = '2026-02-01 10:00:00' where id < 20")
    assert erp.land(rooms.run("tuesday"))["invoices"].changed == 20, "half of all doubled: half as much again"
    erp.do("update facturen set centen = 40100, gewijzigd = '2026-02-02 10:00:00' where id < 20")
    with pytest.raises(DataProblem, match=r"from 6000.00 to 10020.00 EUR"):
        erp.land(rooms.run("wednesday"))


@pytest.mark.parametrize(("rows", "is_refused"), [(10, False), (11, True)])
def test_a_join_that_repeats_rows_is_found_out(rooms: Rooms, erp: Erp, rows: int, is_refused: bool) -> None:
    """Each row is right and its key known: only the number of rows says that the view joins too much."""
    erp.bill(*range(20))
    erp.land(rooms.run("monday"), **FULL)
    numbers = " union all select ".join(str(number) for number in range(rows))
    erp.queries["invoices"] = erp.queries["invoices"].replace("from facturen", f"from facturen, (select {numbers})")
    if is_refused:
        with pytest.raises(DataProblem, match="has 220 rows, more than 10 times the 20 known ones"):
            erp.land(rooms.run("tuesday"), **FULL)
    else:
        landed = erp.land(rooms.run("tuesday"), **FULL)["invoices"]
        assert (landed.changed, landed.repeated_keys) == (0, 180)
        assert landed.notices == ("invoices: 180 rows repeat the key of an earlier one; the last one counts",)


def test_the_tables_that_look_right_are_landed_and_all_reasons_said_at_once(rooms: Rooms, erp: Erp) -> None:
    erp.bill(*range(20))
    erp.land(rooms.run("monday"), **FULL)
    erp.do("update facturen set centen = centen * 100")
    erp.queries["customers"] = "select 'C1' as company_id from facturen"
    erp.queries["companies"] = erp.queries["companies"].replace("Voorbeeld", "Ander")
    with pytest.raises(DataProblem) as refusal:
        erp.land(rooms.run("tuesday"), **FULL)
    assert "customers lacks the column customer_id" in refusal.value.what
    assert "takes the invoices of company C1" in refusal.value.what
    assert rooms.newest("companies", "name", ["company_id"]) == [("Ander",)]


def test_a_person_takes_a_table_for_one_day_and_the_reason_stays_on_record(rooms: Rooms, erp: Erp) -> None:
    erp.bill(*range(20))
    erp.land(rooms.run("monday"), **FULL)
    erp.do("update facturen set centen = centen * 2")
    with pytest.raises(DataProblem) as refusal:
        erp.land(rooms.run("tuesday"), **FULL)
    assert f'[billing] accepted_extracts = ["invoices {DAY}"]' in refusal.value.what_to_do
    for wrong in (f"customers {DAY}", "invoices 2026-03-01"):
        with pytest.raises(DataProblem):
            erp.land(rooms.run(f"with {wrong}"), accepted=frozenset({wrong}), **FULL)
    landed = erp.land(rooms.run("accepted"), accepted=frozenset({f"invoices {DAY}"}), **FULL)["invoices"]
    assert landed.changed == 20
    assert landed.notices[0].startswith("invoices: taken although the extract of invoices takes")
    assert erp.land(rooms.run("after"), **FULL)["invoices"].notices == ()
    with reading(rooms.store) as store:
        refused = store.execute(
            select(audit_payload.c.payload)
            .join(audit_event, audit_event.c.seq == audit_payload.c.seq)
            .where(audit_event.c.type == "extract_refused")
        ).scalars()
        assert {json.loads(payload)["code"] for payload in refused} == {"sum_changed"}


def test_the_first_extract_has_nothing_to_be_compared_with(rooms: Rooms, erp: Erp) -> None:
    erp.bill(*range(500))
    assert erp.land(rooms.run("monday"), **FULL)["invoices"].changed == 500


def test_an_emptied_table_of_companies_stops(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1)
    erp.land(rooms.run("monday"), **FULL)
    erp.queries["companies"] += " where 1 = 0"
    with pytest.raises(DataProblem, match="the extract of companies lost 1 of 1 rows"):
        erp.land(rooms.run("tuesday"), **FULL)

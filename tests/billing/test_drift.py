"""Columns that come, go, empty or change their type: what is said, and what stops a table."""

from __future__ import annotations

import pytest

from assets.landing.batches import all_sources
from assets.problem import DataProblem
from tests.billing.erps import Erp, open_erp, state
from tests.landing.rooms import DAY, Rooms

FULL = {"is_full": True, "watermarks": {}}


@pytest.fixture
def erp(request: pytest.FixtureRequest, rooms: Rooms) -> Erp:
    opened = open_erp("sqlite", rooms.root, request)
    for number in range(1, 31):
        opened.do(
            "insert into facturen (id, klant, centen, kenmerk, mail, gewijzigd)"
            f" values ({number}, 'K{number}', 100, 'RF{number}', 'k@k.nl', '2026-02-01 10:00:00')"
        )
    return opened


def instead(erp: Erp, table: str, old: str, new: str) -> None:
    assert old in erp.queries[table]
    erp.queries[table] = erp.queries[table].replace(old, new)


def test_a_new_column_is_said_aloud_and_kept_aside(rooms: Rooms, erp: Erp) -> None:
    erp.land(rooms.run("monday"), **FULL)
    instead(erp, "invoices", "'EUR' as currency", "'EUR' as currency, 'rood' as kleur, 'PO' as order_number")
    landed = erp.land(rooms.run("tuesday"), **FULL)["invoices"]
    assert landed.notices == (
        "invoices: there is a new column kleur, which is kept aside and not used",
        "invoices: there is a new column order_number",
    )
    (source,) = [each.source for each in all_sources(rooms.store) if each.batch_id == 2 and each.source.code]
    assert (source.table_name, source.code, source.outcome) == ("invoices", "column_new", "taken")
    assert rooms.rows("select distinct extra from raw.invoices where batch_id = 2")[0][0] == (
        '{"gewijzigd": "2026-02-01 10:00:00", "kleur": "rood"}'
    )
    instead(erp, "invoices", "'rood' as kleur, ", "")
    assert erp.land(rooms.run("wednesday"), **FULL)["invoices"].notices == (
        "invoices: the column kleur, which was kept aside, is gone",
    )


def test_customers_do_not_lose_their_addresses_in_silence(rooms: Rooms, erp: Erp) -> None:
    erp.land(rooms.run("monday"), **FULL)
    instead(erp, "customers", ", mail as email", "")
    with pytest.raises(
        DataProblem, match="customers changed its shape: the column email is gone; 30 rows had it filled"
    ):
        erp.land(rooms.run("tuesday"), **FULL)
    assert rooms.rows("select count(*) from raw.customers where email is null") == [(0,)]
    erp.land(rooms.run("wednesday"), accepted=frozenset({f"customers {DAY}"}), **FULL)
    assert erp.land(rooms.run("thursday"), **FULL)["customers"].notices == (), "what was accepted is no news"


def test_a_column_nobody_misses_may_go_with_a_word(rooms: Rooms, erp: Erp) -> None:
    instead(erp, "customers", "'NL' as country", "'NL' as country, '020' as phone")
    erp.land(rooms.run("monday"), **FULL)
    instead(erp, "customers", ", '020' as phone", "")
    assert erp.land(rooms.run("tuesday"), **FULL)["customers"].notices == (
        "customers: the column phone is gone; 30 rows had it filled",
    )


@pytest.mark.parametrize(("filled", "is_refused"), [(10, False), (11, True)])
def test_a_column_that_is_there_and_empty_is_as_good_as_gone(
    rooms: Rooms, erp: Erp, filled: int, is_refused: bool
) -> None:
    erp.do(f"update facturen set mail = null where id > {filled}")
    erp.land(rooms.run("monday"), **FULL)
    erp.do("update facturen set mail = null")
    if is_refused:
        with pytest.raises(DataProblem, match="the column email is empty; 11 rows had it filled"):
            erp.land(rooms.run("tuesday"), **FULL)
    else:
        assert erp.land(rooms.run("tuesday"), **FULL)["customers"].changed == 10


def test_a_delta_that_happens_to_bring_no_address_says_nothing(rooms: Rooms, erp: Erp) -> None:
    erp.do("update facturen set gewijzigd = '2026-01-01 10:00:00' where id < 30")
    erp.land(rooms.run("monday"))
    erp.do("update facturen set kenmerk = null where id = 30")
    assert erp.land(rooms.run("tuesday"))["invoices"].notices == ()


def test_a_number_for_a_name_stops_and_a_number_for_an_amount_does_not(rooms: Rooms, erp: Erp) -> None:
    instead(erp, "invoices", "id as invoice_id", "'00' || id as invoice_id")
    erp.land(rooms.run("monday"), **FULL)
    instead(erp, "invoices", "printf('%d.%02d', centen / 100, centen % 100)", "centen / 100")
    landed = erp.land(rooms.run("tuesday"), **FULL)["invoices"]
    assert (landed.changed, landed.notices) == (
        0,
        ("invoices: the column total_amount holds number values, and held text values",),
    )
    instead(erp, "invoices", "'00' || id as invoice_id", "id as invoice_id")
    with pytest.raises(DataProblem, match="invoice_id holds number values, and held text values"):
        erp.land(rooms.run("wednesday"), **FULL)
    assert state(rooms)[0][0] == "001"


def test_a_renamed_column_is_named_beside_the_one_that_is_missing(rooms: Rooms, erp: Erp) -> None:
    instead(erp, "invoices", "klant as customer_id", "klant as debtor_no")
    with pytest.raises(
        DataProblem, match="lacks the column customer_id; it has debtor_no, gewijzigd, which nobody asked for"
    ):
        erp.land(rooms.run("monday"), **FULL)


def test_a_column_given_twice_is_refused_where_it_matters(rooms: Rooms, erp: Erp) -> None:
    instead(erp, "invoices", "'EUR' as currency", "'EUR' as currency, 'USD' as currency")
    with pytest.raises(DataProblem, match="gives the column currency twice"):
        erp.land(rooms.run("monday"), **FULL)


def test_deletions_must_not_stop_being_told(rooms: Rooms, erp: Erp) -> None:
    instead(erp, "invoices", "gewijzigd\n", "weg as is_deleted, gewijzigd\n")
    erp.land(rooms.run("monday"))
    instead(erp, "invoices", "weg as is_deleted, ", "")
    with pytest.raises(DataProblem, match="the column is_deleted is gone: what is deleted would no longer be heard of"):
        erp.land(rooms.run("tuesday"))

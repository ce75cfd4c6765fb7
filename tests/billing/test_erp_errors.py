"""What an ERP says when it does not want to: each in its own words, with the table and what to do, never a password."""

from __future__ import annotations

import re

import pytest
from sqlalchemy.engine import make_url

from assets.billing.extract import open_billing, shown, snapshot
from assets.problem import DataProblem, UsageProblem
from tests.billing.erps import Erp
from tests.landing.rooms import Rooms


def only_postgresql(erp: Erp) -> None:
    if erp.kind != "postgresql":
        pytest.skip("a matter of servers with users")


@pytest.mark.parametrize(
    ("query", "says", "remedy"),
    [
        ("select * from bestellingen", "bestellingen.* does not exist", "the table or view in the query exists"),
        ("select onbekend from facturen", "onbekend.* does not exist", "the columns in the query exist"),
        ("select id from pg_authid_geheim.x", "schema .* does not exist|does not exist", "exists"),
        ("select pg_sleep(10) from facturen", "statement timeout", "raise its statement_timeout"),
        ("select * from dicht", "permission denied", "let the user of .billing. url read"),
        ("select id from facturen for update", "FOR UPDATE|read-only", "query"),
        ("delete from facturen", "syntax error|read-only", "query"),
        ("select date 'infinity' as company_id", "orders cannot be read", "query"),
        ("selec 1", "syntax error", "runs there as it stands"),
    ],
)
def test_postgresql_says_what_is_wrong_with_a_query(rooms: Rooms, erp: Erp, query: str, says: str, remedy: str) -> None:
    only_postgresql(erp)
    erp.bill(1)
    erp.do("create table dicht (id integer)")
    erp.do("do $$ begin create role lezer login; exception when duplicate_object then null; end $$")
    schema = make_url(erp.url).query["options"]
    name = str(schema).removeprefix("-csearch_path=")
    erp.do(f"grant usage on schema {name} to lezer")
    erp.do("grant select, update, delete on facturen to lezer")
    url = make_url(erp.url).set(username="lezer").update_query_dict({"options": f"{schema} -cstatement_timeout=2000"})
    erp.url = url.render_as_string(hide_password=False)
    erp.queries["orders"] = query
    with pytest.raises(DataProblem, match=says) as refusal:
        erp.land(rooms.run("monday"), watermarks={})
    assert refusal.value.where.startswith("[billing.queries] orders, on postgresql+psycopg://lezer@")
    assert "options" not in refusal.value.where
    assert re.search(remedy, refusal.value.what_to_do), refusal.value.what_to_do
    assert rooms.rows("select count(*) from raw.invoices") == [(1,)], "the other tables are landed"


def test_a_server_that_asks_for_a_password_gets_the_blame_in_words(erp: Erp) -> None:
    only_postgresql(erp)
    url = make_url(erp.url).set(database="er_is_geen")
    with (
        pytest.raises(DataProblem, match='database "er_is_geen" does not exist') as refusal,
        snapshot(open_billing(url.render_as_string(hide_password=False))),
    ):
        pass
    assert (
        "names its user and password" in refusal.value.what_to_do or "database that exists" in refusal.value.what_to_do
    )


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://u:geheim@127.0.0.1:1/erp",
        "postgresql+psycopg://u@127.0.0.1:1/erp?password=geheim",
        "postgresql+psycopg://u@127.0.0.1:1/erp?password=geheim&geheim=geheim",
        "postgresql+psycopg://u:ge%2Fheim@127.0.0.1:1/erp?sslpassword=ge/heim",
    ],
)
def test_no_way_of_writing_a_password_brings_it_into_a_message(url: str) -> None:
    with pytest.raises(DataProblem) as refusal, snapshot(open_billing(url)):
        pass
    said = f"{refusal.value} {refusal.value.sentence()}"
    assert "heim" not in said.replace("geheim=", "").replace('option "geheim"', "")
    assert "geheim" not in shown(make_url(url))


@pytest.mark.parametrize("password", ["ge@heim", "ge/x@heim", "ge@x/heim", "ge@x:1/heim", "ge@x@heim"])
def test_a_password_with_an_at_sign_is_not_taken_for_a_host(password: str) -> None:
    with (
        pytest.raises((UsageProblem, DataProblem)) as refusal,
        snapshot(open_billing(f"postgresql+psycopg://u:{password}@127.0.0.1:1/erp")),
    ):
        pass
    assert "heim" not in f"{refusal.value} {refusal.value.sentence()}"
    assert "%40" in refusal.value.what_to_do


def test_a_table_that_is_refused_does_not_keep_the_erp_locked(rooms: Rooms, erp: Erp) -> None:
    """The refusal is still in hand, as it is while the other tables are landed; yet the ERP can be written to."""
    erp.bill(1, 2)
    with pytest.raises(DataProblem, match="lacks its watermark column"):
        erp.land(rooms.run("monday"), watermarks={"invoices": "changed_at"})
    erp.bill(3)


def test_options_a_driver_does_not_know_are_no_accident() -> None:
    url = "postgresql+psycopg://127.0.0.1:1/x?connect_timeout=drie"
    with pytest.raises(DataProblem), snapshot(open_billing(url)):
        pass


def test_a_file_that_is_no_database_says_so(rooms: Rooms, erp: Erp) -> None:
    if erp.kind != "sqlite":
        pytest.skip("a matter of files")
    (rooms.root / "erp.db").write_bytes(b"geen database" * 100)
    with pytest.raises(DataProblem, match="file is not a database"):
        erp.land(rooms.run("monday"))


def test_all_tables_are_seen_at_one_moment(rooms: Rooms, erp: Erp) -> None:
    """The customers are read after somebody has booked another invoice: they belong to the moment of the first query."""
    erp.bill(1)
    engine = open_billing(erp.url)
    try:
        with snapshot(engine) as connection:
            count = "select count(*) from facturen"
            assert connection.exec_driver_sql(count).scalar() == 1
            if erp.kind == "postgresql":  # a SQLite file in its usual mode makes the writer wait instead
                erp.bill(2)
            assert connection.exec_driver_sql(count).scalar() == 1
    finally:
        engine.dispose()


def test_a_text_of_ten_megabytes_is_one_row(rooms: Rooms, erp: Erp) -> None:
    erp.bill(1, 2)
    long = "replace(hex(zeroblob(5000000)), '0', 'x')" if erp.kind == "sqlite" else "repeat('x', 10000000)"
    erp.do(f"update facturen set kenmerk = {long} where id = 1")
    assert erp.land(rooms.run("monday"))["invoices"].seen == 2
    assert rooms.rows("select max(length(payment_reference)) from raw.invoices") == [(10_000_000,)]


def test_sqlite_numerics_come_as_floats_and_are_refused_not_rounded(rooms: Rooms, erp: Erp) -> None:
    """F45: 90071992547409.93 in a NUMERIC column of SQLite is a double already; the query must give it as text."""
    if erp.kind != "sqlite":
        pytest.skip("PostgreSQL keeps its numerics")
    erp.bill(1)
    erp.do("create table exact (bedrag numeric(18, 2))")
    erp.do("insert into exact values (90071992547409.93)")
    erp.queries["invoices"] = erp.queries["invoices"].replace(
        "printf('%d.%02d', centen / 100, centen % 100)", "(select bedrag from exact)"
    )
    assert erp.land(rooms.run("monday"))["invoices"].refused == 1
    assert rooms.rows("select code from raw.row_problems") == [("float_value",)]

"""The billing extract from a database with a schema of its own, mapped by queries."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from assets.billing.extract import checked_queries, open_billing, snapshot
from assets.billing.landing import BillingLanded, land_extract
from assets.billing.source import BillingSource
from assets.landing.inbox import complete_files
from assets.problem import DataProblem, UsageProblem
from tests.landing.rooms import Rooms
from tests.operations.stores import new_schema, postgresql_server

SCHEMA = """
create table bedrijven (code text, naam text, land text, rekening text);
create table relaties (bedrijf text, nummer text, naam text, land text, mail text);
create table verkoopfacturen (
    bedrijf text, id integer, nummer text, relatie text, soort text, datum text, vervalt text, valuta text, bedrag_centen integer
);
create view klanten as
    select bedrijf as company_id, nummer as customer_id, naam as name, land as country, mail as email from relaties;
insert into bedrijven values ('C1', 'Voorbeeld BV', 'NL', 'NL91ABNA0417164300');
insert into relaties values ('C1', 'K1', 'Klant BV', 'NL', 'boek@klant.example'), ('C1', 'K2', 'Andere BV', 'BE', null);
insert into verkoopfacturen values
    ('C1', 1, '2026-1', 'K1', 'F', '2026-01-01', '2026-01-31', 'EUR', 12345),
    ('C1', 2, '2026-2', 'K2', 'C', '2026-01-02', '2026-02-01', 'EUR', 500);
"""
EXACT = "cast(bedrag_centen / 100 as text) || '.' || printf('%02d', bedrag_centen % 100)"
INVOICES = f"""
    -- soort :F is een factuur, verstuurd om 10:30
    select bedrijf as company_id, id as invoice_id, nummer as invoice_number, relatie as customer_id,
        case soort when 'F' then 'invoice' else 'credit_note' end as kind, datum as issued_on, vervalt as due_on,
        valuta as currency, {EXACT} as total_amount, ':los' as dagboek
    from verkoopfacturen
"""
QUERIES = {
    "companies": "select code as company_id, naam as name, land as country, rekening as iban from bedrijven",
    "customers": "klanten",
    "invoices": INVOICES,
}


@pytest.fixture
def erp(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(tmp_path / "erp.db") as connection:
        connection.executescript(SCHEMA)
        yield connection
    connection.close()


def url_of(rooms: Rooms) -> str:
    return f"sqlite:///{rooms.root / 'erp.db'}"


def land(
    rooms: Rooms, run_id: str = "day", queries: dict[str, str] | None = None, *, is_full: bool = True
) -> BillingLanded:
    return land_extract(rooms.run(run_id), BillingSource(url_of(rooms), queries or QUERIES, is_full=is_full))


def test_queries_and_views_land_as_contract_rows(rooms: Rooms, erp: sqlite3.Connection) -> None:
    landed = land(rooms)
    assert {table.table_name: table.changed for table in landed.tables} == {
        "companies": 1,
        "customers": 2,
        "invoices": 2,
    }
    assert rooms.rows("select invoice_id, kind, total_amount, extra from raw.invoices order by invoice_id") == [
        ("1", "invoice", Decimal("123.45"), '{"dagboek": ":los"}'),
        ("2", "credit_note", Decimal("5.00"), '{"dagboek": ":los"}'),
    ]
    assert rooms.rows("select customer_id, email from raw.customers order by 1") == [
        ("K1", "boek@klant.example"),
        ("K2", None),
    ]


def test_the_erp_is_only_read(rooms: Rooms, erp: sqlite3.Connection) -> None:
    before = list(erp.iterdump())
    writes = "insert into relaties values ('C1', 'K9', 'x', 'NL', null) returning bedrijf as company_id, nummer as customer_id, 'PO' as order_number"
    with pytest.raises(DataProblem, match=r"orders cannot be read .* attempt to write a readonly database"):
        land(rooms, queries=QUERIES | {"orders": writes})
    assert list(erp.iterdump()) == before
    assert rooms.rows("select count(*) from raw.invoices") == [(2,)], "the other tables are landed all the same"


def test_an_unchanged_extract_appends_nothing(rooms: Rooms, erp: sqlite3.Connection) -> None:
    land(rooms, "monday")
    assert [table.changed for table in land(rooms, "tuesday").tables] == [0, 0, 0]


def test_what_a_full_extract_no_longer_holds_is_gone_and_what_a_delta_leaves_out_is_not(
    rooms: Rooms, erp: sqlite3.Connection
) -> None:
    land(rooms, "monday")
    erp.execute("delete from verkoopfacturen where id = 2")
    erp.commit()
    assert [table.deleted for table in land(rooms, "tuesday", is_full=False).tables] == [0, 0, 0]
    assert [table.deleted for table in land(rooms, "wednesday").tables] == [0, 0, 1]


def test_half_an_extract_stops_the_day_and_is_never_on_record(rooms: Rooms, erp: sqlite3.Connection) -> None:
    for number in range(3, 103):
        erp.execute(
            "insert into verkoopfacturen select bedrijf, ?, ?, relatie, soort, datum, vervalt, valuta, 100 from verkoopfacturen where id = 1",
            (number, f"2026-{number}"),
        )
    erp.commit()
    land(rooms, "monday")
    erp.execute("delete from verkoopfacturen where id > 50")
    erp.commit()
    with pytest.raises(DataProblem, match="the extract of invoices lost 52 of 102 rows"):
        land(rooms, "tuesday")
    assert rooms.rows("select count(*) from raw.invoices where is_deleted or batch_id = 2") == [(0,)]
    assert [name for _, name, _ in rooms.sources()].count("invoices") == 1
    assert rooms.rows("select count(*) from raw.landed_sources where batch_id = 2") == [(2,)]


def test_a_float_is_refused_as_an_amount_and_the_reason_says_what_to_do(rooms: Rooms, erp: sqlite3.Connection) -> None:
    land(rooms, "monday")
    land(rooms, "tuesday", QUERIES | {"invoices": INVOICES.replace(EXACT, "bedrag_centen / 100.0")})
    problems = rooms.rows("select code, message, customer_id from raw.row_problems order by invoice_id")
    assert [(code, customer) for code, _, customer in problems] == [("float_value", "K1"), ("float_value", "K2")]
    assert "cast it to text in the query" in str(problems[0][1])
    assert rooms.rows("select count(*) from raw.invoices where is_deleted") == [(0,)], "they are there, only unreadable"


def test_a_float_key_is_refused_too(rooms: Rooms, erp: sqlite3.Connection) -> None:
    land(rooms, queries=QUERIES | {"customers": "select company_id, 1.0 as customer_id, name, country from klanten"})
    assert rooms.rows("select distinct code from raw.row_problems") == [("float_value",)]


def test_binary_is_no_text(rooms: Rooms, erp: sqlite3.Connection) -> None:
    land(
        rooms, queries=QUERIES | {"customers": "select company_id, customer_id, x'00ff' as name, country from klanten"}
    )
    assert rooms.rows("select distinct code from raw.row_problems") == [("binary_value",)]


def test_a_missing_column_stops_with_its_table_and_name(rooms: Rooms, erp: sqlite3.Connection) -> None:
    with pytest.raises(DataProblem, match="the extract of customers lacks the column country") as refusal:
        land(rooms, queries=QUERIES | {"customers": "select company_id, customer_id, name from klanten"})
    assert refusal.value.where == "[billing.queries] customers"


def test_a_query_that_does_not_run_says_so_without_its_data(rooms: Rooms, erp: sqlite3.Connection) -> None:
    with pytest.raises(DataProblem, match="no such table: debiteuren") as refusal:
        land(rooms, queries=QUERIES | {"customers": "debiteuren"})
    assert "select" not in str(refusal.value)


def test_a_sqlite_file_that_is_not_there_is_not_made(rooms: Rooms) -> None:
    with pytest.raises(UsageProblem, match="is not there"):
        land(rooms)
    assert not (rooms.root / "erp.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "",
        "nodialect://u:geheim@host/db",
        "mysql://u:geheim@host/db",
        "postgresql+psycopg://u:geheim@host:poort/db",
        "postgresql+psycopg://u:ge:heim@host:geheim/db",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageProblem, match="billing url cannot be used") as refusal:
        open_billing(url)
    assert "geheim" not in str(refusal.value)
    assert refusal.value.where == "[billing] url"


def test_an_unreachable_database_is_named_without_its_password() -> None:
    engine = open_billing("postgresql+psycopg://lezer:geheim@127.0.0.1:1/erp")
    with pytest.raises(DataProblem, match="cannot be reached") as refusal, snapshot(engine):
        pass
    assert "geheim" not in str(refusal.value)
    assert refusal.value.where == "postgresql+psycopg://lezer:***@127.0.0.1:1/erp"


def test_a_table_nobody_knows_and_a_missing_query_are_refused() -> None:
    with pytest.raises(UsageProblem, match="'facturen' is no table"):
        checked_queries(QUERIES | {"facturen": "x"})
    with pytest.raises(UsageProblem, match="no query for customers, invoices"):
        checked_queries({"companies": "bedrijven"})


def test_only_a_bare_name_becomes_a_query() -> None:
    checked = checked_queries(QUERIES | {"orders": " erp.bestellingen ", "mandates": "select 1; --x"})
    assert checked["orders"] == "select * from erp.bestellingen"
    assert checked["mandates"] == "select 1; --x"


def test_the_inbox_plays_no_part(rooms: Rooms, erp: sqlite3.Connection) -> None:
    rooms.put("billing", "invoices.csv", "x\n")
    land(rooms)
    assert [file.name for file in complete_files(rooms.room.billing_inbox)] == ["invoices.csv"]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    with postgresql_server() as server:
        url = new_schema(server)
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("create sequence volgnummers"))
        engine.dispose()
        yield url


def of_postgresql(total_amount: str, orders: str | None = None) -> dict[str, str]:
    queries = {
        "companies": "select 'C1' as company_id, 'Voorbeeld' as name, 'NL' as country, 'NL91ABNA0417164300' as iban",
        "customers": "select 'C1' as company_id, 'K1'::text as customer_id, '100%' as name, 'NL' as country "
        "where to_char(now(), 'HH24:MI') like '%:%'",
        "invoices": "select 'C1' as company_id, 7 as invoice_id, '2026-7' as invoice_number, 'K1' as customer_id, "
        "'invoice' as kind, date '2026-01-01' as issued_on, date '2026-01-31' as due_on, 'EUR' as currency, "
        f"{total_amount} as total_amount, true as is_cancelled, timestamptz '2026-01-01 12:00+01' as delivered_at, "
        "2.5::numeric as discount_percent",
    }
    return queries | ({"orders": orders} if orders else {})


def test_a_real_postgresql_gives_its_numerics_dates_and_booleans_exactly(rooms: Rooms, postgresql: str) -> None:
    queries = of_postgresql("90071992547409.93::numeric(18, 2)")
    landed = land_extract(rooms.run("day"), BillingSource(postgresql, queries, is_full=True))
    assert [(table.changed, table.refused) for table in landed.tables] == [(1, 0), (1, 0), (1, 0)]
    assert rooms.rows(
        "select total_amount, is_cancelled, cast(delivered_at as varchar), discount_percent from raw.invoices"
    ) == [(Decimal("90071992547409.93"), True, "2026-01-01 11:00:00", Decimal("2.5000"))]
    assert rooms.rows("select name from raw.customers") == [("100%",)]


def test_a_real_postgresql_float_is_refused(rooms: Rooms, postgresql: str) -> None:
    queries = of_postgresql("100.10::float8")
    land_extract(rooms.run("day"), BillingSource(postgresql, queries, is_full=True))
    assert rooms.rows("select code, invoice_id from raw.row_problems") == [("float_value", "7")]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select 1/0 as company_id", "division by zero"),
        ("bestellingen", "does not exist"),
        ("select nextval('volgnummers') as company_id", "read-only transaction"),
    ],
)
def test_what_a_real_postgresql_refuses_is_said_in_its_own_words(
    rooms: Rooms, postgresql: str, query: str, says: str
) -> None:
    with pytest.raises(DataProblem, match=says):
        land_extract(rooms.run("day"), BillingSource(postgresql, of_postgresql("1::numeric", query), is_full=True))

"""A warehouse that is gone, or that lacks a part, is made whole: every raw table row for row as it was."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.banking.landing import land_statements
from assets.billing.landing import land_extract
from assets.billing.source import BillingSource
from assets.landing.brakes import Brakes
from assets.landing.expectations import RESULTS, archived_results, look
from assets.landing.warehouse import reading, writing
from assets.operations.runs import read_run, record_dataset
from assets.operations.store import writing as writing_store
from assets.problem import DataProblem
from assets.register.landing import land_register
from assets.warehouse.standing import ALLOCATIONS, DATED_TABLES, keep_what_stands
from orchestration.installation import Installation
from orchestration.rebuild import ensure_warehouse
from tests.banking.build import Payment, camt053, coda, mt940
from tests.billing.files import CUSTOMER, INVOICE, invoices, written
from tests.landing.rooms import COMPANY
from tests.operations.stores import quick_disk
from tests.orchestration.homes import DAY, copied, land_billing, landing, new_installation, put, raw_rows

TUESDAY, WEDNESDAY = date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture
def lived(tmp_path: Path, life: Path) -> Iterator[Installation]:
    """A home that lived through three days."""
    installation = copied(life, tmp_path / "home")
    yield installation
    installation.store.dispose()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days lived: every inbox, both kinds of extract, refusals, deletions, standing facts."""
    installation = new_installation(tmp_path_factory.mktemp("life") / "home")
    home = installation.home
    land_billing(installation, "monday", companies=COMPANY, invoices=invoices({}, {}, {"total_amount": "1,00"}))
    for name, content in {
        "a.xml": camt053([Payment(12_345), Payment(12_345)]),
        "a-again.xml": camt053([Payment(12_345), Payment(12_345)]),
        "b.cod": coda([Payment(-5_000)]),
        "broken.xml": b"<Document",
    }.items():
        put(home, "bank", name, content)
    land_statements(landing(installation, "monday"), home.bank_inbox)
    put(home, "register", "r.csv", "external_id\n")
    land_register(landing(installation, "monday"), home.register_inbox)
    keep(installation, "monday", DAY, "100.00")

    land_billing(
        installation,
        "tuesday",
        TUESDAY,
        **{
            "invoices-1": invoices({}, {"total_amount": "2.00"}),
            "invoices-2": invoices({"total_amount": "3.00"}),
            "facturen": "x\n",
        },
    )
    put(home, "bank", "c.sta", mt940([Payment(777, "RF18539007547034")]))
    put(home, "bank", "broken-again.xml", b"<Document")
    land_statements(landing(installation, "tuesday", TUESDAY), home.bank_inbox)
    keep(installation, "tuesday", TUESDAY, "23.45")

    erp(installation, [INVOICE | {"invoice_id": f"E{n}"} for n in range(3)])
    extract(installation, "wednesday-1")
    erp(installation, [INVOICE | {"invoice_id": f"E{n}", "total_amount": f"{n}.5"} for n in range(2)])
    extract(installation, "wednesday-2")
    put(home, "bank", "d.xml", camt053([Payment(12_345)], opening=24_690, statement_id="S-2"))
    land_statements(landing(installation, "wednesday-2", WEDNESDAY), home.bank_inbox)
    keep(installation, "wednesday-2", WEDNESDAY, "5.00")
    installation.store.dispose()
    return home.root


def erp(installation: Installation, documents: list[dict[str, str]]) -> None:
    """The ERP's own database; one of its invoices has an amount nobody can read exactly."""
    with sqlite3.connect(installation.home.root / "erp.db") as connection:
        connection.execute("drop table if exists documents")
        columns = list(INVOICE)
        connection.execute(f"create table documents ({', '.join(columns)})")
        marks = ", ".join("?" for _ in columns)
        rows = [*documents, INVOICE | {"invoice_id": "F", "total_amount": 0.1}]
        connection.executemany(
            f"insert into documents values ({marks})", [[row[name] for name in columns] for row in rows]
        )
    connection.close()


def extract(installation: Installation, run_id: str, *, is_full: bool = True) -> None:
    queries = {
        "companies": "select 'C1' as company_id, 'Voorbeeld BV' as name, 'NL' as country, 'NL91ABNA0417164300' as iban",
        "customers": f"select {', '.join(repr(value) + ' as ' + name for name, value in CUSTOMER.items())}",
        "invoices": "documents",
    }
    url = f"sqlite:///{installation.home.root / 'erp.db'}"
    anything = Brakes(100, None, None)
    land_extract(
        landing(installation, run_id, WEDNESDAY), BillingSource(url, queries, is_full=is_full, brakes=anything)
    )


def keep(installation: Installation, run_id: str, day: date, amount: str) -> None:
    """What the end of a day leaves standing, from tables shaped like the published ones."""
    with writing(installation.home.warehouse) as connection:
        connection.execute("create schema if not exists reconciliation")
        connection.execute(
            """
            create or replace table reconciliation.payment_allocations as
            select cast(? as date) as as_of_date, 'K-' || ? as entry_key, 'C1' as company_id, 'K1' as customer_id,
                'I1' as invoice_id, 'principal' as component, cast(? as decimal(18, 2)) as amount, 'EUR' as currency,
                cast(1 as bigint) as rung, 'exact' as rule_id, 'text' as evidence, 'p' as policy_id, cast(? as date) as allocated_on,
                cast(? as date) as booked_on, false as is_standing
            """,
            [day, run_id, amount, day, day],
        )
        connection.execute("create schema if not exists banking")
        connection.execute("create table if not exists banking.entries (entry_key varchar, counterparty_iban varchar)")
        for schema, table in DATED_TABLES:
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create table if not exists {schema}.{table} (as_of_date date, company_id varchar, open_amount decimal(18, 2))"
            )
            connection.execute(f"delete from {schema}.{table} where as_of_date = ?", [day])
            connection.execute(f"insert into {schema}.{table} values (?, 'C1', ?)", [day, amount])
        outcomes = look(connection, frozenset(), day)
        with writing_store(installation.store) as store:
            run = read_run(store, run_id)
            content, rows = archived_results(outcomes)
            record_dataset(store, run, RESULTS, installation.archive.put(content), rows)
        keep_what_stands(connection, installation.store, installation.archive, run)


def dated(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    with reading(warehouse) as connection:
        return {
            f"{schema}.{table}": connection.execute(f"select * from {schema}.{table} order by all").fetchall()
            for schema, table in DATED_TABLES
        }


def test_the_day_lived_is_worth_rebuilding(lived: Installation) -> None:
    """If one of these were empty, the tests below would prove nothing about it."""
    rows = raw_rows(lived.home.warehouse)
    for table in (
        "companies", "customers", "invoices", "row_problems", "bank_statements", "bank_entries", "entry_references",
        "quarantined_files", "landed_sources", "allocations",
    ):  # fmt: skip
        assert rows[table], table
    assert len(rows["quarantined_files"]) == 4
    with reading(lived.home.warehouse) as connection:
        assert connection.execute("select count(*) > 0 from raw.invoices where is_deleted").fetchall() == [(True,)]
        twins = "select count(*) from raw.bank_entries group by content_key having count(*) > 1"
        assert connection.execute(twins).fetchall() == [(3,)]


def test_a_deleted_warehouse_comes_back_row_for_row(lived: Installation) -> None:
    before, kept = raw_rows(lived.home.warehouse), dated(lived.home.warehouse)
    lived.home.warehouse.unlink()
    assert ensure_warehouse(lived) == len(before["landed_sources"])
    assert raw_rows(lived.home.warehouse) == before
    assert dated(lived.home.warehouse) == kept
    assert [path.name for path in lived.home.root.glob("warehouse*")] == ["warehouse.duckdb"]


def test_a_whole_warehouse_is_left_as_it_is(lived: Installation) -> None:
    before = raw_rows(lived.home.warehouse)
    assert ensure_warehouse(lived) == 0
    assert raw_rows(lived.home.warehouse) == before


@pytest.mark.parametrize("version", ["delete from control.log_version", "update control.log_version set version = 1"])
def test_a_warehouse_of_an_older_layout_is_built_again(lived: Installation, version: str) -> None:
    before = raw_rows(lived.home.warehouse)
    with writing(lived.home.warehouse) as connection:
        connection.execute(version)
        connection.execute("update raw.bank_statements set statement_key = 'as keys were made before'")
    assert ensure_warehouse(lived) == len(before["landed_sources"])
    assert raw_rows(lived.home.warehouse) == before
    assert ensure_warehouse(lived) == 0


def test_a_warehouse_rebuilt_twice_is_the_same_twice(lived: Installation) -> None:
    lived.home.warehouse.unlink()
    ensure_warehouse(lived)
    before = raw_rows(lived.home.warehouse)
    assert ensure_warehouse(lived) == 0
    lived.home.warehouse.unlink()
    ensure_warehouse(lived)
    assert raw_rows(lived.home.warehouse) == before


@pytest.mark.parametrize("last_batch", [0, 1, 3])
def test_a_half_loaded_warehouse_is_completed_row_for_row(lived: Installation, last_batch: int) -> None:
    """An older copy of the file was put back, or a crash came between the record of a source and its loading."""
    before = raw_rows(lived.home.warehouse)
    with writing(lived.home.warehouse) as connection:
        for table in before:
            column = "seq" if table == "allocations" else "batch_id"
            if column in {row[0] for row in connection.execute(f"describe raw.{table}").fetchall()}:
                connection.execute(f"delete from raw.{table} where {column} > {last_batch}")
        connection.execute(
            "delete from raw.entry_references where entry_key not in (select entry_key from raw.bank_entries)"
        )
    assert raw_rows(lived.home.warehouse) != before
    assert ensure_warehouse(lived) > 0
    assert raw_rows(lived.home.warehouse) == before


def test_a_source_recorded_but_not_loaded_is_loaded(lived: Installation) -> None:
    before = raw_rows(lived.home.warehouse)
    ((sha256,),) = [row[1:2] for row in before["bank_statements"] if row[0] == 4]
    with writing(lived.home.warehouse) as connection:
        for table in ("bank_statements", "bank_entries"):
            connection.execute(f"delete from raw.{table} where file_sha256 = ?", [sha256])
        connection.execute("delete from raw.entry_references where batch_id = 4")
        connection.execute("delete from raw.landed_sources where sha256 = ?", [sha256])
    assert ensure_warehouse(lived) == 1
    assert raw_rows(lived.home.warehouse) == before


def test_an_interrupted_rebuild_begins_again(lived: Installation) -> None:
    before = raw_rows(lived.home.warehouse)
    lived.home.warehouse.unlink()
    (lived.home.root / "warehouse.rebuilding").write_bytes(b"half a file")
    (lived.home.root / "warehouse.rebuilding.wal").write_bytes(b"x")
    ensure_warehouse(lived)
    assert raw_rows(lived.home.warehouse) == before


def test_what_a_killed_run_left_beside_a_deleted_warehouse_is_not_read_into_the_new_one(lived: Installation) -> None:
    """DuckDB keeps its last transactions beside the file; who deletes the file easily leaves them behind."""
    before = raw_rows(lived.home.warehouse)
    program = (
        "import os, sys, duckdb\nconnection = duckdb.connect(sys.argv[1])\n"
        "connection.execute(\"delete from raw.invoices; insert into raw.landed_sources values (99, 1, 'x')\")\nos._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(lived.home.warehouse)], check=False)
    assert lived.home.warehouse.with_name("warehouse.duckdb.wal").exists()
    lived.home.warehouse.unlink()
    ensure_warehouse(lived)
    assert raw_rows(lived.home.warehouse) == before


def test_a_rebuild_needs_its_archive_and_leaves_no_half_warehouse_behind(lived: Installation) -> None:
    lived.home.warehouse.unlink()
    shutil.rmtree(lived.home.archive)
    with pytest.raises(DataProblem, match="an archived file is missing"):
        ensure_warehouse(lived)
    assert not lived.home.warehouse.exists()


def test_a_new_home_gets_an_empty_warehouse(tmp_path: Path) -> None:
    installation = new_installation(tmp_path)
    assert ensure_warehouse(installation) == 0
    assert all(rows == [] for rows in raw_rows(installation.home.warehouse).values())
    installation.store.dispose()


def test_an_allocation_that_stands_is_recorded_once(lived: Installation) -> None:
    with reading(lived.home.warehouse) as connection:
        standing = connection.execute(f"select seq, run_id, amount from {ALLOCATIONS} order by seq").fetchall()
    assert standing == [
        (1, "monday", Decimal("100.00")),
        (2, "tuesday", Decimal("23.45")),
        (3, "wednesday-2", Decimal("5.00")),
    ]
    with writing_store(lived.store) as store:
        run = read_run(store, "wednesday-2")
    with writing(lived.home.warehouse) as connection:
        assert ALLOCATIONS not in keep_what_stands(connection, lived.store, lived.archive, run), "the same day again"
        assert connection.execute(f"select count(*) from {ALLOCATIONS}").fetchall() == [(3,)]


def test_the_last_run_of_a_day_is_the_one_that_comes_back(lived: Installation) -> None:
    landing(lived, "wednesday-3", WEDNESDAY)
    keep(lived, "wednesday-3", WEDNESDAY, "6.00")
    kept = dated(lived.home.warehouse)
    lived.home.warehouse.unlink()
    ensure_warehouse(lived)
    assert dated(lived.home.warehouse) == kept
    assert (WEDNESDAY, "C1", Decimal("6.00")) in kept["dunning.dunning_decisions"]


def test_what_the_suites_agreed_on_is_not_asked_again(tmp_path: Path) -> None:
    installation = new_installation(tmp_path)
    many = written([INVOICE | {"invoice_id": f"I{n}", "invoice_number": f"2026-{n}"} for n in range(30)])
    land_billing(installation, "monday", companies=COMPANY, invoices=many)
    keep(installation, "monday", DAY, "1.00")
    before = raw_rows(installation.home.warehouse)
    assert ("invoices", True) in [row[1:3] for row in before["expectation_results"]]
    installation.home.warehouse.unlink()
    ensure_warehouse(installation)
    assert raw_rows(installation.home.warehouse) == before
    with writing(installation.home.warehouse) as connection:
        assert {outcome.rows for outcome in look(connection, frozenset(), DAY)} == {0}
    installation.store.dispose()


ROWS = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["1.00", "2.00", "3,00", ""])), max_size=5)
ARRIVALS = st.lists(st.tuples(st.sampled_from(["csv", "full", "delta"]), st.booleans(), ROWS), min_size=1, max_size=5)


@settings(max_examples=8, deadline=None)
@given(ARRIVALS)
def test_whatever_arrived_in_whatever_order_is_rebuilt_row_for_row(
    arrivals: list[tuple[str, bool, list[tuple[int, str]]]],
) -> None:
    """Files and extracts, good and bad rows, keys that go and come back, several sources in one batch."""
    with tempfile.TemporaryDirectory(dir=quick_disk()) as folder:
        installation = new_installation(Path(folder) / "home")
        batch = 1
        for number, (kind, is_next_batch, rows) in enumerate(arrivals):
            batch += is_next_batch
            documents = [INVOICE | {"invoice_id": f"I{key}", "total_amount": amount} for key, amount in rows]
            if kind == "csv":
                header = written([INVOICE]).splitlines()[0] + "\r\n"
                content = written(documents) if documents else header
                land_billing(installation, f"run-{batch}", WEDNESDAY, **{f"invoices-{number}": content})
            else:
                erp(installation, documents)
                extract(installation, f"run-{batch}", is_full=kind == "full")
        before = raw_rows(installation.home.warehouse)
        installation.home.warehouse.unlink()
        ensure_warehouse(installation)
        assert raw_rows(installation.home.warehouse) == before
        installation.store.dispose()

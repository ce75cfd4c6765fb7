"""Publishing: the newest day as Parquet and as one DuckDB file, the pointer last, the live warehouse untouched."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import struct
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from assets.publishing import publish as publishing
from assets.publishing.publish import KEPT_SNAPSHOTS, publish

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """Tables of two days in three chapters, a private step, a seed without a day, and the raw log."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            create schema raw; create schema banking; create schema receivables; create schema dunning;
            create table raw.invoices (as_of_date date, company_id varchar);
            insert into raw.invoices values ('2026-03-03', 'C1');
            create table banking.entries (as_of_date date, company_id varchar, amount decimal(18, 2), currency varchar, is_return boolean);
            insert into banking.entries values
                ('2026-03-03', 'C1', 90071992547409.93, 'EUR', false), ('2026-03-03', 'C1', -0.01, 'EUR', null);
            create table receivables.int_balances_stacked (as_of_date date);
            insert into receivables.int_balances_stacked values ('2026-03-03');
            create table receivables.ageing_buckets (bucket varchar, from_days integer);
            create table receivables.invoice_balances (as_of_date date, invoice_id varchar, open_amount decimal(18, 2));
            create table dunning.dunning_decisions (as_of_date date, invoice_id varchar, reason_code varchar);
            insert into dunning.dunning_decisions values
                ('2026-03-02', 'I1', 'not_due'), ('2026-03-03', 'I1', 'grace'), ('2026-03-03', 'I2', 'Köln''s');
            """
        )
    return path


def pointer(folder: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((folder / "current.json").read_text(encoding="utf-8"))
    return told


def snapshot_rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(folder / pointer(folder)["file"]), read_only=True) as connection:
        return connection.execute(f"select * from {table} order by all").fetchall()


def parquet_rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    path = folder / "parquet" / Path(*table.split(".")).with_suffix(".parquet")
    return duckdb.read_parquet(str(path)).order("all").fetchall()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_published_tables_are_the_chapters_own_with_their_rows(warehouse: Path, tmp_path: Path) -> None:
    published = publish(warehouse, tmp_path / "published", TUESDAY)
    assert published.rows == {"banking.entries": 2, "receivables.invoice_balances": 0, "dunning.dunning_decisions": 2}
    assert published.snapshot == "tijdig-2026-03-03-1.duckdb"
    told = pointer(tmp_path / "published")
    assert told == {"as_of_date": "2026-03-03", "file": published.snapshot, "rows": published.rows}


def test_snapshot_and_parquet_hold_the_same_to_the_cent(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    published = publish(warehouse, folder, TUESDAY)
    for table in published.rows:
        assert snapshot_rows(folder, table) == parquet_rows(folder, table), table
    assert snapshot_rows(folder, "banking.entries") == [
        (TUESDAY, "C1", Decimal("-0.01"), "EUR", None),
        (TUESDAY, "C1", Decimal("90071992547409.93"), "EUR", False),
    ]
    with duckdb.connect(str(folder / published.snapshot), read_only=True) as connection:
        types = connection.execute("select typeof(amount) from banking.entries limit 1").fetchall()
    assert types == [("DECIMAL(18,2)",)]


def test_dated_tables_are_published_for_their_day_only(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publish(warehouse, folder, TUESDAY)
    wanted: list[tuple[object, ...]] = [(TUESDAY, "I1", "grace"), (TUESDAY, "I2", "Köln's")]
    assert snapshot_rows(folder, "dunning.dunning_decisions") == wanted
    assert parquet_rows(folder, "dunning.dunning_decisions") == wanted


def test_the_snapshot_is_written_in_the_version_every_reader_knows(warehouse: Path, tmp_path: Path) -> None:
    """The storage version stands at byte 12 of the file; 64 is the one of DuckDB 0.9 to 1.1."""
    published = publish(warehouse, tmp_path / "published", TUESDAY)
    head = (tmp_path / "published" / published.snapshot).read_bytes()[:20]
    assert head[8:12] == b"DUCK"
    assert struct.unpack("<Q", head[12:20]) == (64,)


def test_the_warehouse_is_not_touched(warehouse: Path, tmp_path: Path) -> None:
    before = hashlib.sha256(warehouse.read_bytes()).hexdigest()
    publish(warehouse, tmp_path / "published", TUESDAY)
    assert hashlib.sha256(warehouse.read_bytes()).hexdigest() == before
    assert list(tmp_path.glob("warehouse*")) == [warehouse]


def test_everything_is_for_its_owner_only(warehouse: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        publish(warehouse, tmp_path / "published", TUESDAY)
    finally:
        os.umask(before)
    for path in [tmp_path / "published", *(tmp_path / "published").rglob("*")]:
        assert mode(path) == (0o700 if path.is_dir() else 0o600), path


def test_nothing_unfinished_is_left_behind(warehouse: Path, tmp_path: Path) -> None:
    publish(warehouse, tmp_path / "published", TUESDAY)
    names = sorted(path.name for path in (tmp_path / "published").rglob("*") if path.is_file())
    assert names == [
        "current.json",
        "dunning_decisions.parquet",
        "entries.parquet",
        "invoice_balances.parquet",
        "tijdig-2026-03-03-1.duckdb",
    ]


@pytest.mark.parametrize("step", ["_write_parquet", "_point_to"])
def test_until_the_pointer_moves_readers_see_the_day_before(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    folder = tmp_path / "published"
    publish(warehouse, folder, MONDAY)
    before = pointer(folder)

    def the_power_goes(*_: object) -> None:
        assert pointer(folder) == before, "everything else happens before the pointer moves"
        raise OSError("no space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(publishing, step, the_power_goes)
        with pytest.raises(OSError, match="no space"):
            publish(warehouse, folder, TUESDAY)
    assert pointer(folder) == before
    assert snapshot_rows(folder, "dunning.dunning_decisions") == [(MONDAY, "I1", "not_due")]
    published = publish(warehouse, folder, TUESDAY)
    assert pointer(folder)["file"] == published.snapshot
    assert len(snapshot_rows(folder, "dunning.dunning_decisions")) == 2


def test_a_day_published_again_gets_a_name_of_its_own(warehouse: Path, tmp_path: Path) -> None:
    """An open handle on the older file must go on seeing the older day."""
    folder = tmp_path / "published"
    first = publish(warehouse, folder, TUESDAY)
    with duckdb.connect(str(folder / first.snapshot), read_only=True) as reader:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("delete from dunning.dunning_decisions where invoice_id = 'I2'")
        second = publish(warehouse, folder, TUESDAY)
        assert second.snapshot == "tijdig-2026-03-03-2.duckdb"
        assert reader.execute("select count(*) from dunning.dunning_decisions").fetchall() == [(2,)]
    assert len(snapshot_rows(folder, "dunning.dunning_decisions")) == 1


def test_older_snapshots_are_forgotten_but_never_the_newest(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    made = [publish(warehouse, folder, TUESDAY).snapshot for _ in range(KEPT_SNAPSHOTS + 3)]
    left = {path.name for path in folder.glob("*.duckdb")}
    assert left == set(made[-KEPT_SNAPSHOTS - 1 :])
    assert pointer(folder)["file"] == made[-1]


def test_the_tenth_snapshot_of_a_day_follows_the_ninth(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    folder.mkdir()
    for number in (9, 10):
        (folder / f"tijdig-2026-03-03-{number}.duckdb").write_bytes(b"")
    (folder / "tijdig-2026-03-03-notes.duckdb").write_bytes(b"")
    assert publish(warehouse, folder, TUESDAY).snapshot == "tijdig-2026-03-03-11.duckdb"


def test_a_table_that_is_gone_is_no_longer_published(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "published"
    publish(warehouse, folder, TUESDAY)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table banking.entries")
    publish(warehouse, folder, TUESDAY)
    assert not (folder / "parquet" / "banking" / "entries.parquet").exists()


def test_a_folder_with_a_quote_in_its_name_is_a_folder_like_any_other(warehouse: Path, tmp_path: Path) -> None:
    folder = tmp_path / "klant's map"
    publish(warehouse, folder, TUESDAY)
    assert len(parquet_rows(folder, "dunning.dunning_decisions")) == 2


def test_the_journal_of_the_day_is_a_file_whose_texts_are_no_formulas(warehouse: Path, tmp_path: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            create schema reconciliation;
            create table reconciliation.journal_proposals as
            select
                day as as_of_date, line as journal_line_id, 'C1' as company_id, date '2026-03-01' as booked_on,
                account as account_code, 'Debtors, trade' as account_name, debit::decimal(18, 2) as debit_amount,
                credit::decimal(18, 2) as credit_amount, 'EUR' as currency, 'K1' as customer_id, number as invoice_number,
                'principal' as component, 'e1' as entry_key, told as description
            from (values
                (date '2026-03-03', 'l1', '2190', 10.5, 0, '=F1', '-Names "F1".'),
                (date '2026-03-03', 'l2', '1300', 0, 10.5, '=F1', '@SUM(A1)'),
                (date '2026-03-02', 'l0', '1300', 0, 99, 'F0', 'of yesterday')
            ) as lines(day, line, account, debit, credit, number, told)
            """
        )
    for _ in range(2):
        publish(warehouse, tmp_path / "published", TUESDAY)
        journal = tmp_path / "published" / "journal" / "journal-2026-03-03.csv"
        assert journal.read_text(encoding="utf-8").splitlines() == [
            "journal_line_id,company_id,booked_on,account_code,account_name,debit_amount,credit_amount,currency,"
            "customer_id,invoice_number,component,entry_key,description",
            'l1,C1,2026-03-01,2190,"Debtors, trade",10.50,0.00,EUR,K1,\'=F1,principal,e1,"\'-Names ""F1""."',
            "l2,C1,2026-03-01,1300,\"Debtors, trade\",0.00,10.50,EUR,K1,'=F1,principal,e1,'@SUM(A1)",
        ]
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600

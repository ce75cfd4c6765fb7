"""Rows on their way into the log: the same however they are read, and all or none of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest

from assets.banking import spool as spool_module
from assets.banking.keys import content_key, entry_key, landed_key
from assets.banking.landing import StatementsLanded, land_statements
from assets.banking.read import read_statement_file
from assets.banking.references import candidate_references
from assets.banking.spool import Spooled, ToRead, spool, spool_files, spool_folder
from assets.banking.statements import ENTRY_COLUMNS, STATEMENT_COLUMNS
from assets.billing.landing import land_files
from assets.landing.raw_tables import OTHER_TABLES
from assets.landing.warehouse import writing
from assets.problem import DataProblem
from tests.banking.build import Payment, camt053, coda, mt940
from tests.landing.rooms import COMPANY, Rooms, open_rooms

TABLES = ("bank_statements", "bank_entries", "entry_references", "landed_sources")


def payments(count: int) -> list[Payment]:
    return [Payment(100 + number % 7, f"Factuur 2026-{number % 50:06d}") for number in range(count)]


FILES = {
    "a.xml": camt053(payments(30)),
    "b.sta": mt940(payments(20)),
    "c.cod": coda(payments(10)),
    "d.xml": camt053(payments(5), statement_id="S-2", opening=1),
    "e.xml": b"<Document",
    "f.xml": camt053(payments(30)),
}


@pytest.fixture
def bank(rooms: Rooms) -> Rooms:
    """A room that knows one company, with files of every kind in its inbox."""
    return filled(rooms)


def filled(rooms: Rooms) -> Rooms:
    rooms.put("billing", "companies.csv", COMPANY)
    land_files(rooms.run("setup"), rooms.room.billing_inbox)
    for name, content in FILES.items():
        rooms.put("bank", name, content)
    return rooms


def land(rooms: Rooms, run_id: str = "day") -> StatementsLanded:
    return land_statements(rooms.run(run_id), rooms.room.bank_inbox)


def raw(rooms: Rooms) -> list[list[tuple[object, ...]]]:
    return [rooms.rows(f"select * from raw.{table} order by all") for table in (*TABLES, "quarantined_files")]


def test_every_row_says_what_the_reader_said(bank: Rooms) -> None:
    """The log against the readers, the keys and the references, each asked on its own."""
    land(bank)
    seen: dict[str, int] = {}
    statements, entries, references = [], [], []
    for name in ("a.xml", "b.sta", "c.cod", "d.xml"):
        digest = sha256(FILES[name]).hexdigest()
        for ordinal, statement in enumerate(read_statement_file(FILES[name]).statements, start=1):
            facts = {column: getattr(statement, column) for column in STATEMENT_COLUMNS}
            facts["statement_key"] = landed_key(statement.statement_key, statement.format)
            facts |= {"batch_id": 2, "file_sha256": digest, "ordinal": ordinal}
            statements.append(tuple(facts[column] for column, _ in OTHER_TABLES["bank_statements"]))
            for entry in statement.entries:
                content = content_key(entry, statement.account_iban)
                seen[content] = seen.get(content, 0) + 1
                told = {column: getattr(entry, column) for column in ENTRY_COLUMNS}
                told |= {"statement_key": facts["statement_key"], "content_key": content}
                told |= {"entry_key": entry_key(entry, statement.account_iban, seen[content])}
                told |= {"batch_id": 2, "file_sha256": digest}
                entries.append(tuple(told[column] for column, _ in OTHER_TABLES["bank_entries"]))
                references.extend((2, told["entry_key"], *found) for found in candidate_references(entry))
    assert max(seen.values()) > 1, "there must be twins among them"
    for table, expected in (
        ("bank_statements", statements),
        ("bank_entries", entries),
        ("entry_references", references),
    ):
        landed = bank.rows(f"select * from raw.{table}")
        assert sorted(landed, key=repr) == sorted(expected, key=repr)


def test_several_processes_land_the_same_rows(
    bank: Rooms, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert land(bank) == StatementsLanded(taken=4, duplicate=1, quarantined=1, statements=4, entries=65)
    other = filled(open_rooms(tmp_path_factory.mktemp("other")))
    monkeypatch.setattr(spool_module, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    assert land(other) == StatementsLanded(taken=4, duplicate=1, quarantined=1, statements=4, entries=65)
    assert raw(other) == raw(bank)
    assert other.sources() == bank.sources()
    other.store.dispose()


def test_pieces_of_any_size_give_the_same_rows(
    bank: Rooms, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    land(bank)
    other = filled(open_rooms(tmp_path_factory.mktemp("other")))
    monkeypatch.setattr(spool_module, "PIECE_ROWS", 3)
    monkeypatch.setattr(spool_module, "PIECE_REFERENCES", 2)
    land(other)
    assert raw(other) == raw(bank)
    other.store.dispose()


@contextmanager
def killing_a_worker() -> Iterator[None]:
    """Kills the first process that is started, as the system does when memory runs out."""
    done = threading.Event()

    def kill() -> None:
        while not done.wait(0.001):
            for child in multiprocessing.active_children():
                if child.pid is not None:
                    os.kill(child.pid, signal.SIGKILL)
                    return

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_worker_that_dies_takes_nothing_and_says_so(bank: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool_module, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    with killing_a_worker(), pytest.raises(DataProblem, match="died") as problem:
        land(bank)
    assert "a.xml" in problem.value.where
    assert "still in the inbox" in problem.value.what_to_do
    assert {path.name for path in bank.room.bank_inbox.iterdir()} == set(FILES)
    assert raw(bank)[:3] == [[], [], []]
    assert len(bank.sources()) == 1, "only the billing file of before is on record"
    assert not (bank.root / "spool").exists()
    monkeypatch.undo()
    assert land(bank) == StatementsLanded(taken=4, duplicate=1, quarantined=1, statements=4, entries=65)


def test_a_load_that_fails_leaves_nothing_of_it_and_every_file_where_it_was(bank: Rooms) -> None:
    with writing(bank.room.warehouse) as connection:
        connection.execute("alter table raw.entry_references rename column reference to reverence")
    with pytest.raises(duckdb.Error):
        land(bank)
    assert {path.name for path in bank.room.bank_inbox.iterdir()} == set(FILES)
    assert [len(rows) for rows in raw(bank)[:3]] == [0, 0, 0]
    assert all(bank.room.archive.has(sha256(FILES[name]).hexdigest()) for name in ("a.xml", "b.sta", "c.cod", "d.xml"))


def test_small_files_are_read_in_this_process(tmp_path: Path) -> None:
    files = []
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
        files.append(ToRead(tmp_path / name, name, len(content)))
    with spool_folder(tmp_path / "warehouse.duckdb") as folder:
        outcomes = spool_files(files, folder, None)
        assert multiprocessing.active_children() == []
        assert [isinstance(outcome, Spooled) for outcome in outcomes] == [True, True, True, True, False, True]
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(list(folder.iterdir())) == 5, "a refused file leaves nothing"
    assert not folder.exists()


def test_a_file_of_an_unknown_account_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(FILES["a.xml"])
    with (tmp_path / "a.xml").open("rb") as source:
        refused = spool(source, tmp_path / "spooled", accounts=frozenset({"NL02ABNA0123456789"}))
    assert not isinstance(refused, Spooled)
    assert (refused.code, refused.account_iban) == ("unknown_account", "NL91ABNA0417164300")
    assert not (tmp_path / "spooled").exists()

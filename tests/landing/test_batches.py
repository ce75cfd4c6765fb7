"""Batches, and the list of sources from which a warehouse can be built again."""

from __future__ import annotations

from datetime import date

import pytest

from assets.landing.batches import all_sources, record_sources, taken_hashes
from assets.landing.warehouse import reading, transaction, writing
from assets.operations.refusal import Refusal
from assets.operations.runs import LandedSource
from assets.problem import DataProblem
from tests.landing.rooms import DAY, Rooms


def test_every_run_has_one_batch_and_later_runs_higher_ones(rooms: Rooms) -> None:
    assert [rooms.run(run_id).batch_id for run_id in ("a", "b", "a", "c")] == [1, 2, 1, 3]


def test_a_run_of_a_past_day_gets_no_batch(rooms: Rooms) -> None:
    rooms.run("a")
    with pytest.raises(Refusal, match="lies before the last day run"):
        rooms.room.of_run("b", date(2026, 2, 28))
    assert rooms.room.of_run("a", DAY).batch_id == 1, "a run that began goes on"


def test_sources_are_numbered_within_their_batch_and_read_back_as_they_were(rooms: Rooms) -> None:
    first = LandedSource("bank", "mt940", "a" * 64, 3, "taken", original_name="één.sta")
    second = LandedSource(
        "bank", "statement", "b" * 64, 0, "quarantined", None, "kapot.xml", "malformed", "it is", "NL91ABNA0417164300"
    )
    room = rooms.room
    record_sources(rooms.store, room.clock, rooms.run("r1").batch_id, [first, second])
    record_sources(rooms.store, room.clock, rooms.run("r2").batch_id, [first])
    assert [(each.batch_id, each.ordinal) for each in all_sources(rooms.store)] == [(1, 1), (1, 2), (2, 1)]
    assert [each.source for each in all_sources(rooms.store)] == [first, second, first]


def test_only_what_was_taken_into_this_inbox_makes_a_duplicate(rooms: Rooms) -> None:
    sources = [
        LandedSource("bank", "coda", "a" * 64, 1, "taken"),
        LandedSource("bank", "coda", "b" * 64, 0, "quarantined"),
        LandedSource("billing", "csv", "c" * 64, 1, "taken"),
    ]
    record_sources(rooms.store, rooms.room.clock, rooms.run("r").batch_id, sources)
    assert taken_hashes(rooms.store, "bank") == {"a" * 64}, "a refused file may be offered again"


def test_a_transaction_that_fails_leaves_nothing(rooms: Rooms) -> None:
    def fail() -> None:
        with writing(rooms.room.warehouse) as connection, transaction(connection):
            connection.execute("insert into raw.landed_sources values (1, 1, 'a')")
            raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        fail()
    assert rooms.rows("select count(*) from raw.landed_sources") == [(0,)]


def test_reading_before_there_is_a_warehouse_says_what_to_do(rooms: Rooms) -> None:
    with pytest.raises(DataProblem, match="no warehouse yet") as refusal, reading(rooms.room.warehouse):
        pass
    assert "tijdig run" in refusal.value.what_to_do
    assert not rooms.room.warehouse.exists()


def test_a_file_that_is_no_warehouse_is_named_with_what_to_do(rooms: Rooms) -> None:
    rooms.room.warehouse.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(DataProblem, match="cannot be opened") as refusal, writing(rooms.room.warehouse):
        pass
    assert "delete it" in refusal.value.what_to_do

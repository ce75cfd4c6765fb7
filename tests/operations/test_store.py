"""The store: opening, migrating, guarding what only grows."""

from __future__ import annotations

import sqlite3
import stat
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, inspect, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from assets.operations import guards, store
from assets.operations.control import admit_day, business_today, control, resume, stop
from assets.operations.refusal import Refusal
from assets.operations.runs import (
    LandedSource,
    already_taken,
    begin_run,
    close_batch,
    end_run,
    open_batch,
    pin_run,
    read_run,
    record_dataset,
    record_source,
)
from assets.operations.store import SCHEMA_VERSION, migrate, open_store, reading, stored_version, writing
from assets.operations.tables import landing_batch, metadata, run, run_control
from tests.operations.stores import ManualClock, new_schema

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def test_a_new_store_has_every_table_and_rehearses(engine):
    with reading(engine) as connection:
        assert set(inspect(connection).get_table_names()) == set(metadata.tables)
        assert control(connection).mode == "rehearsal"
        assert not control(connection).is_stopped


def test_migrating_twice_changes_nothing(engine, clock):
    clock.forward(60)
    assert migrate(engine, clock) == SCHEMA_VERSION
    with reading(engine) as connection:
        assert connection.execute(select(run_control)).one()
        assert connection.execute(text("select count(*) from schema_version")).scalar_one() == 1


def test_a_store_from_before_approvals_and_dossiers_gains_them_with_their_guards(engine, clock):
    with writing(engine) as connection:
        for table in ("release_approval", "handover_dossier"):
            connection.execute(text(f"drop table {table}"))
        connection.execute(text("delete from schema_version"))
        connection.execute(text("insert into schema_version values (:v, :at)"), {"v": 2, "at": clock.now().isoformat()})
    assert migrate(engine, clock) == SCHEMA_VERSION
    with reading(engine) as connection:
        assert {"release_approval", "handover_dossier"} <= set(inspect(connection).get_table_names())
        is_sqlite = connection.dialect.name == "sqlite"
        guarded = (
            "select name from sqlite_master where type = 'trigger' and tbl_name = 'release_approval'"
            if is_sqlite
            else "select distinct trigger_name from information_schema.triggers where event_object_table = 'release_approval'"
        )
        assert connection.execute(text(guarded)).all()


def test_a_store_of_newer_code_is_refused(engine, clock):
    with writing(engine) as connection:
        connection.execute(
            text("insert into schema_version values (:v, :at)"), {"v": 99, "at": clock.now().isoformat()}
        )
    with pytest.raises(Refusal, match="schema 99"):
        migrate(engine, clock)


def test_a_step_runs_once_and_a_failing_step_leaves_nothing_behind(engine, clock, monkeypatch):
    steps: list[int] = []

    def first(connection):
        connection.execute(text("create table extra (x integer)"))
        steps.append(SCHEMA_VERSION + 1)

    def failing(connection):
        connection.execute(text("create table never (x integer)"))
        raise RuntimeError("power cut")

    one, two = SCHEMA_VERSION + 1, SCHEMA_VERSION + 2
    monkeypatch.setattr(store, "SCHEMA_VERSION", two)
    monkeypatch.setattr(store, "MIGRATIONS", {one: first, two: failing})
    with pytest.raises(RuntimeError, match="power cut"):
        migrate(engine, clock)
    with reading(engine) as connection:
        assert stored_version(connection) == SCHEMA_VERSION
        assert not {"extra", "never"} & set(inspect(connection).get_table_names())
    monkeypatch.setattr(store, "MIGRATIONS", {one: first, two: lambda connection: None})
    assert migrate(engine, clock) == two
    assert migrate(engine, clock) == two
    assert steps == [one, one]  # once undone, once for good


def test_a_store_from_before_occasions_is_brought_up_and_guards_them(sqlite_engine, clock):
    identity = next(guard for guard in guards.sqlite_guards() if "trigger communication_identity " in guard)
    with writing(sqlite_engine) as connection:
        for statement in (
            "drop trigger communication_identity",
            "drop index uq_communication_occasion",
            "alter table communication drop column occasion",
            identity.replace(' or new."occasion" is not old."occasion"', ""),
            "delete from schema_version",
        ):
            connection.execute(text(statement))
        connection.execute(text("insert into schema_version values (1, :at)"), {"at": "2026-01-01T00:00:00.000000Z"})
    assert migrate(sqlite_engine, clock) == SCHEMA_VERSION
    with reading(sqlite_engine) as connection:
        assert "occasion" in {column["name"] for column in inspect(connection).get_columns("communication")}
        assert "uq_communication_occasion" in {
            index["name"] for index in inspect(connection).get_indexes("communication")
        }
        kept = connection.execute(
            text("select sql from sqlite_master where name = 'communication_identity'")
        ).scalar_one()
    assert 'new."occasion" is not old."occasion"' in kept


def test_a_creation_cut_short_leaves_an_empty_store(store_url, clock, monkeypatch):
    engine = open_store(store_url)
    monkeypatch.setattr(guards, "sqlite_guards", lambda only: ["create trigger nonsense"])
    monkeypatch.setattr(guards, "postgresql_guards", lambda only: ["create trigger nonsense"])
    with pytest.raises(DBAPIError):
        migrate(engine, clock)
    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == []
    monkeypatch.undo()
    assert migrate(engine, clock) == SCHEMA_VERSION
    engine.dispose()


def test_sqlite_is_durable_private_and_checks_its_keys(sqlite_engine, sqlite_url):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with writing(sqlite_engine) as connection:
        pragma = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
        connection.execute(update(run_control).values(is_stopped=True))
        beside = sorted(path.parent.glob("operations.db*"))
        assert len(beside) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in beside} == {0o600}
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_a_store_without_its_folder_or_of_another_kind_is_refused(tmp_path):
    with pytest.raises(Refusal, match="does not exist"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'operations.db'}")
    with pytest.raises(Refusal, match="needs a file"):
        open_store("sqlite://")
    with pytest.raises(Refusal, match="cannot live in mysql"):
        open_store("mysql://localhost/x")


def test_writing_commits_at_the_end_and_undoes_on_an_error(engine):
    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(update(run_control).values(is_stopped=True))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(engine) as connection:
        assert not control(connection).is_stopped
        connection.execute(update(run_control).values(is_stopped=True))
    with reading(engine) as connection:
        assert not control(connection).is_stopped, "a reader kept what it wrote"


def test_one_writer_at_a_time(engine, store_url):
    """The second writer waits for the first: its view includes what the first one wrote."""
    import threading

    seen: list[bool] = []
    other = open_store(store_url)

    def second() -> None:
        with writing(other) as connection:
            seen.append(control(connection).is_stopped)

    with writing(engine) as connection:
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.2)
        assert thread.is_alive(), "two write transactions ran at once"
        connection.execute(update(run_control).values(is_stopped=True))
    thread.join(20)
    other.dispose()
    assert seen == [True]


def _append_something(engine, clock) -> None:
    from assets.register.events import record

    record(
        engine,
        clock,
        kind="contact_logged",
        company_id="C1",
        effective_on=date(2026, 3, 2),
        recorded_by="Ann",
        payload={"customer": "K1", "note": "hello"},
    )


@pytest.mark.parametrize("table", ["register_event", "audit_event"])
@pytest.mark.parametrize("statement", ["update {} set seq = seq + 10", "delete from {}"])
def test_logs_refuse_update_and_delete(engine, clock, table, statement):
    _append_something(engine, clock)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.execute(text(statement.format(table)))


@pytest.mark.parametrize("table", ["register_event", "audit_event", "audit_payload"])
@pytest.mark.parametrize("recursive", ["on", "off"])
def test_insert_or_replace_by_a_stranger_is_refused(sqlite_engine, sqlite_url, clock, table, recursive):
    """With recursive_triggers off, delete triggers do not fire on REPLACE: the guard before the insert must hold alone."""
    _append_something(sqlite_engine, clock)
    stranger = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    stranger.execute(f"pragma recursive_triggers = {recursive}")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        stranger.execute(f"insert or replace into {table} select * from {table}")
    stranger.close()


def test_postgresql_refuses_truncate(postgresql_url, clock):
    engine = open_store(new_schema(postgresql_url))
    migrate(engine, clock)
    with pytest.raises(DBAPIError, match="append-only"), writing(engine) as connection:
        connection.execute(text("truncate register_event"))
    engine.dispose()


def test_batches_rise_and_sources_are_remembered_by_content(engine, clock):
    with writing(engine) as connection:
        first = open_batch(connection, clock, "r1")
        second = open_batch(connection, clock, "r1")
        taken = LandedSource(
            "bank", "camt053", "a" * 64, 3, "taken", original_name="x.xml", account_iban="NL02ABNA0123456789"
        )
        assert record_source(connection, clock, first, taken, "tijdig") == 1
        refused = LandedSource("bank", "camt053", "b" * 64, 0, "quarantined", code="truncated", message="ends early")
        assert record_source(connection, clock, first, refused, "tijdig") == 2
        close_batch(connection, clock, first, "tijdig", {"rows": 3})
    assert (first, second) == (1, 2)
    with reading(engine) as connection:
        assert already_taken(connection, "a" * 64)
        assert not already_taken(connection, "b" * 64), "a quarantined file may be offered again, mended"
        closed = (
            connection.execute(select(landing_batch.c.closed_at).order_by(landing_batch.c.batch_id)).scalars().all()
        )
        assert closed == [clock.now(), None]


def test_a_source_needs_its_batch(engine, clock):
    source = LandedSource("bank", "camt053", "a" * 64, 3, "taken")
    with pytest.raises(IntegrityError), writing(engine) as connection:
        record_source(connection, clock, 7, source, "tijdig")


def test_a_run_is_pinned_to_what_was_known(engine, clock):
    with writing(engine) as connection:
        begin_run(connection, clock, "r1", date(2026, 3, 2), "p1", "c1", "tijdig")
    _append_something(engine, clock)
    with writing(engine) as connection:
        pinned = pin_run(connection, "r1", 4)
    assert (pinned.batch_watermark, pinned.register_seq, pinned.dispatch_seq) == (4, 1, 0)
    _append_something(engine, clock)
    with writing(engine) as connection:
        assert read_run(connection, "r1") == pinned
        assert record_dataset(connection, pinned, "allocations", "c" * 64, 12) == 1
        end_run(connection, clock, "r1", "done", {"sent": 3}, "tijdig")
        row = connection.execute(select(run)).one()
    assert (row.outcome, row.summary, row.ended_at) == ("done", '{"sent":"3"}', clock.now())
    with reading(engine) as connection, pytest.raises(Refusal, match="no run r9"):
        read_run(connection, "r9")


class TestWhichDayItIs:
    """Contracts, "Which day it is". The clock stands at 2 March 2026, 09:00 UTC."""

    def _run(self, engine, clock, day: date) -> None:
        with writing(engine) as connection:
            begin_run(connection, clock, f"run-{day}", day, "p1", "c1", "tijdig")

    def _admit(self, engine, clock, requested: date | None = None) -> date:
        with reading(engine) as connection:
            return admit_day(connection, clock, AMSTERDAM, requested)

    def test_a_rehearsal_takes_any_day_from_its_last_to_today(self, engine, clock):
        assert self._admit(engine, clock, date(2024, 1, 8)) == date(2024, 1, 8)
        self._run(engine, clock, date(2024, 1, 8))
        assert self._admit(engine, clock, date(2024, 1, 8)) == date(2024, 1, 8)
        assert self._admit(engine, clock, date(2026, 3, 2)) == date(2026, 3, 2)
        assert self._admit(engine, clock) == date(2026, 3, 2)
        with pytest.raises(Refusal, match="before the last day run"):
            self._admit(engine, clock, date(2024, 1, 7))
        with pytest.raises(Refusal, match="has not come yet"):
            self._admit(engine, clock, date(2026, 3, 3))

    def test_today_in_a_rehearsal_is_the_last_day_run(self, engine, clock):
        self._run(engine, clock, date(2024, 1, 8))
        with reading(engine) as connection:
            assert business_today(connection, clock, AMSTERDAM) == date(2024, 1, 8)

    def test_a_live_home_knows_only_the_calendar(self, engine, clock):
        with writing(engine) as connection:
            connection.execute(update(run_control).values(mode="live", live_since_on=date(2026, 3, 2)))
        assert self._admit(engine, clock) == self._admit(engine, clock, date(2026, 3, 2)) == date(2026, 3, 2)
        with pytest.raises(Refusal, match="tijdig replay --date 2026-03-01"):
            self._admit(engine, clock, date(2026, 3, 1))

    def test_a_clock_set_back_stops_the_run(self, engine, clock):
        self._run(engine, clock, date(2026, 3, 2))
        early = ManualClock(clock.now().replace(day=1))
        with pytest.raises(Refusal, match="clock says 2026-03-01"):
            self._admit(engine, early)

    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            ("2026-06-30T22:30:00+00:00", date(2026, 7, 1)),  # already July in Amsterdam
            ("2026-03-29T00:59:59+00:00", date(2026, 3, 29)),  # the hour that does not exist begins
            ("2026-10-25T00:30:00+00:00", date(2026, 10, 25)),  # the hour that comes twice
            ("2026-10-25T23:30:00+00:00", date(2026, 10, 26)),
        ],
    )
    def test_the_day_is_the_calendars_in_the_homes_time_zone(self, engine, moment, day):
        from datetime import datetime

        assert self._admit(engine, ManualClock(datetime.fromisoformat(moment))) == day


def test_the_kill_switch_is_kept_with_name_and_reason(engine, clock):
    stop(engine, clock, "Ann", "wrong letters")
    with reading(engine) as connection:
        state = control(connection)
        assert (state.is_stopped, state.stopped_by, state.stopped_reason) == (True, "Ann", "wrong letters")
    resume(engine, clock, "Ben", "template mended")
    with reading(engine) as connection:
        assert not control(connection).is_stopped
        entries = connection.execute(text("select actor, type from audit_event order by seq")).all()
    assert [tuple(entry) for entry in entries] == [("Ann", "stopped"), ("Ben", "resumed")]
    with pytest.raises(Refusal, match="Nobody"):
        stop(engine, clock, " ", "x")
    with pytest.raises(Refusal, match="reason"):
        resume(engine, clock, "Ann", "")


def test_a_commit_without_room_keeps_nothing(sqlite_engine, clock):
    """A full disk stops the act together with its record."""

    def full(connection):
        raise OSError(28, "No space left on device")

    event.listen(sqlite_engine, "commit", full)
    with pytest.raises(OSError, match="No space"):
        stop(sqlite_engine, clock, "Ann", "wrong letters")
    event.remove(sqlite_engine, "commit", full)
    with reading(sqlite_engine) as connection:
        assert not control(connection).is_stopped
        assert connection.execute(text("select count(*) from audit_event")).scalar_one() == 0

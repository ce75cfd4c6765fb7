"""The journal: a chain that shows every change, and keeps holding when a person's data is erased."""

from __future__ import annotations

import json
import sqlite3
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError

from assets.audit.verify import ANCHOR_MISMATCH, BROKEN, GAP_TO_ANCHOR, OK, make_anchor, read_anchor, verify
from assets.operations import journal
from assets.operations.canonical import canonical_bytes
from assets.operations.refusal import Refusal
from assets.operations.store import open_store, reading, writing
from assets.operations.tables import audit_event, audit_payload
from assets.register.events import record


def fill(engine, clock, entries: int = 6) -> None:
    with writing(engine) as connection:
        for number in range(entries):
            journal.append(
                connection, clock.now(), "Ann", "note", [f"invoice:{number}"], {"amount": Decimal("12.50"), "n": number}
            )


def tamper(url: str, *statements: str) -> None:
    """As the owner of the file: drop the guards, then change what they guarded."""
    raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    for (name,) in raw.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        raw.execute(f"drop trigger {name}")
    for statement in statements:
        raw.execute(statement)
    raw.close()


def test_an_untouched_chain_verifies(engine, clock):
    assert verify(engine).exit_code == OK
    fill(engine, clock)
    whole = verify(engine)
    assert (whole.exit_code, whole.entries, whole.erased, whole.first_bad_seq) == (OK, 6, 0, None)


@pytest.mark.parametrize(
    ("statement", "first_bad"),
    [
        ("update audit_event set actor = 'Ben' where seq = 3", 3),
        ("update audit_event set at_utc = '2020-01-01T00:00:00.000000Z' where seq = 4", 4),
        ("update audit_event set subject_refs = '[\"invoice:9\"]' where seq = 2", 2),
        ('update audit_payload set payload = \'{"amount":"99.00","n":"2"}\' where seq = 3', 3),
        ("update audit_payload set salt = x'00000000000000000000000000000000' where seq = 5", 5),
        ("delete from audit_event where seq = 4", 4),
        ("delete from audit_event where seq = 1", 1),
        ("delete from audit_payload where seq = 2", 2),
        ("update audit_event set type = 'nothing' where seq = 6", 6),
    ],
)
def test_every_change_is_found_where_it_is(sqlite_engine, sqlite_url, clock, statement, first_bad):
    fill(sqlite_engine, clock)
    tamper(sqlite_url, statement)
    found = verify(open_store(sqlite_url))
    assert (found.exit_code, found.first_bad_seq) == (BROKEN, first_bad), found.message


def test_a_swap_and_an_inserted_entry_are_found(sqlite_engine, sqlite_url, clock):
    fill(sqlite_engine, clock)
    tamper(
        sqlite_url,
        "pragma foreign_keys = off",
        "update audit_event set seq = 100 where seq = 2",
        "update audit_event set seq = 2 where seq = 3",
        "update audit_event set seq = 3 where seq = 100",
    )
    assert verify(open_store(sqlite_url)).first_bad_seq == 2


def test_an_entry_put_in_by_hand_is_found(sqlite_engine, sqlite_url, clock):
    fill(sqlite_engine, clock)
    tamper(
        sqlite_url,
        # Another hash than that of entry 6, whatever that begins with.
        "insert into audit_event select 7, v, at_utc, 'Ben', type, subject_refs, run_id, hash, payload_commit, "
        "case substr(hash, 1, 1) when 'f' then '0' else 'f' end || substr(hash, 2) from audit_event where seq = 6",
    )
    assert verify(open_store(sqlite_url)).first_bad_seq == 7


def test_a_cut_tail_shows_only_against_an_anchor(sqlite_engine, sqlite_url, clock):
    fill(sqlite_engine, clock)
    with writing(sqlite_engine) as connection:
        anchor = make_anchor(connection, clock, "Ann")
    assert verify(sqlite_engine, anchor).exit_code == OK
    fill(sqlite_engine, clock, 2)
    assert verify(sqlite_engine, read_anchor(anchor.as_json())).exit_code == OK, "an older anchor stays good"
    tamper(sqlite_url, "delete from audit_payload where seq > 5", "delete from audit_event where seq > 5")
    cut = open_store(sqlite_url)
    assert verify(cut).exit_code == OK
    assert verify(cut, anchor).exit_code == GAP_TO_ANCHOR


def test_a_chain_rewritten_whole_shows_only_against_an_anchor(sqlite_engine, sqlite_url, clock, tmp_path):
    fill(sqlite_engine, clock)
    with writing(sqlite_engine) as connection:
        anchor = make_anchor(connection, clock, "Ann")
    tamper(sqlite_url, "delete from audit_payload", "delete from audit_event")
    rewritten = open_store(sqlite_url)
    fill(rewritten, clock, 9)
    assert verify(rewritten).exit_code == OK
    assert verify(rewritten, anchor).exit_code == ANCHOR_MISMATCH


def test_a_text_that_is_no_anchor_is_refused():
    with pytest.raises(ValueError, match="not an anchor"):
        read_anchor('{"seq": 3}')


def test_the_chain_cannot_fork(engine, clock):
    fill(engine, clock, 2)
    with reading(engine) as connection:
        first = connection.execute(select(audit_event).where(audit_event.c.seq == 2)).one()
    with pytest.raises((IntegrityError, DBAPIError)), writing(engine) as connection:
        connection.execute(audit_event.insert().values({**first._mapping, "seq": 3, "hash": "e" * 64}))


def test_erasing_what_was_said_keeps_the_chain_and_is_said(engine, clock):
    fill(engine, clock)
    with writing(engine) as connection:
        assert journal.erase_payloads(connection, clock.now(), "Ann", [2, 3], "seven years are over") == 2
        assert journal.erase_payloads(connection, clock.now(), "Ann", [2, 3], "again") == 0
        assert connection.execute(select(audit_payload.c.seq).order_by(audit_payload.c.seq)).scalars().all() == [
            1,
            4,
            5,
            6,
            7,
        ]
    after = verify(engine)
    assert (after.exit_code, after.entries, after.erased) == (OK, 7, 2)
    with writing(engine) as connection, pytest.raises(Refusal, match="reason"):
        journal.erase_payloads(connection, clock.now(), "Ann", [4], " ")


def test_the_payload_is_committed_to_but_not_shown(engine, clock):
    """Two equal payloads have different commitments: the salt keeps them from being guessed."""
    with writing(engine) as connection:
        for _ in range(2):
            journal.append(connection, clock.now(), "Ann", "note", [], {"name": "Jansen"})
        commitments = connection.execute(select(audit_event.c.payload_commit)).scalars().all()
    assert len(set(commitments)) == 2


def test_equal_text_has_equal_bytes_however_it_was_typed():
    assert canonical_bytes({"name": "caf\u00e9"}) == canonical_bytes({"name": "cafe\u0301"})
    assert canonical_bytes({"b": 1, "a": 2**60}) == b'{"a":"1152921504606846976","b":"1"}'
    with pytest.raises(TypeError, match="canonical"):
        canonical_bytes({"amount": 12.5})


def _record(engine, clock) -> None:
    record(
        engine,
        clock,
        kind="hold_placed",
        company_id="C1",
        effective_on=date(2026, 3, 2),
        recorded_by="Ann",
        payload={"customer": "K1", "reason": "asked for a call"},
    )


@pytest.mark.parametrize(
    "statement",
    [
        "update register_event set payload = replace(payload, 'K1', 'K2')",
        "update register_event set effective_on = '2026-04-01'",
        "update register_event set external_id = 'x'",
        "delete from register_event",
        "insert into register_event select 2, 'forged', null, recorded_at, recorded_by, company_id, effective_on, kind, "
        "payload from register_event",
    ],
)
def test_the_register_must_be_what_the_journal_says(sqlite_engine, sqlite_url, clock, statement):
    _record(sqlite_engine, clock)
    assert verify(sqlite_engine).exit_code == OK
    tamper(sqlite_url, statement)
    found = verify(open_store(sqlite_url))
    assert found.exit_code == BROKEN
    assert "register_event" in found.message


def _forge(engine, seqs: list[int], previous: str, **changes: object) -> list[str]:
    """Statements that give these entries, in order, hashes that are right for their own (changed) content."""
    statements = []
    with reading(engine) as connection:
        for seq in seqs:
            row = dict(connection.execute(select(audit_event).where(audit_event.c.seq == seq)).one()._mapping)
            header = {name: row[name] for name in row if name != "hash"} | changes | {"prev": previous}
            header["subject_refs"] = json.loads(str(row["subject_refs"]))
            forged = journal.link(previous, header)
            assigned = ", ".join(f"{name} = '{value}'" for name, value in changes.items())
            statements.append(
                f"update audit_event set {assigned + ', ' if assigned else ''}prev = '{previous}', hash = '{forged}' "
                f"where seq = {seq}"
            )
            previous = forged
    return statements


def test_an_entry_forged_with_a_right_hash_breaks_the_next_one(sqlite_engine, sqlite_url, clock):
    fill(sqlite_engine, clock)
    with reading(sqlite_engine) as connection:
        before = connection.execute(select(audit_event.c.hash).where(audit_event.c.seq == 2)).scalar_one()
    tamper(sqlite_url, *_forge(sqlite_engine, [3], before, actor="Ben"))
    assert verify(open_store(sqlite_url)).first_bad_seq == 4


def test_an_entry_taken_out_of_a_chain_linked_anew_leaves_its_number_missing(sqlite_engine, sqlite_url, clock):
    fill(sqlite_engine, clock)
    with reading(sqlite_engine) as connection:
        before = connection.execute(select(audit_event.c.hash).where(audit_event.c.seq == 3)).scalar_one()
    relinked = _forge(sqlite_engine, [5, 6], before)
    tamper(sqlite_url, "delete from audit_payload where seq = 4", "delete from audit_event where seq = 4", *relinked)
    found = verify(open_store(sqlite_url))
    assert (found.exit_code, found.first_bad_seq, found.message) == (BROKEN, 4, "entry 4 is missing")

"""What costs both sides money leaves only when as many different people agreed as its row says."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from assets.audit.verify import verify
from assets.communications.release import Awaiting, apply_recorded_decisions, refuse, release
from assets.operations.store import reading
from assets.operations.tables import audit_event, release_approval
from assets.register.events import record
from tests.dispatch.support import MONDAY, TUESDAY, Home, message


def agree(home: Home, by: str, communication_id: str):
    home.clock.forward(60)
    return release(home.engine, home.clock, by=by, reason="read it", communication_ids=[communication_id])


def test_the_first_yes_is_kept_and_the_second_releases(any_home: Home):
    notice = message("K1", formal=True, approvals=2)
    any_home.plan(notice)
    key = notice.communication_id
    assert agree(any_home, "Ann", key).awaiting == (Awaiting(key, ("Ann",), 2),)
    assert any_home.row(notice).state == "held"
    assert any_home.dispatch().sent == ()
    assert agree(any_home, "Ben", key).changed == (key,)
    assert any_home.row(notice).released_by == "Ann, Ben"
    assert any_home.dispatch().sent == (key,)
    with reading(any_home.engine) as connection:
        said = connection.execute(select(release_approval.c.approved_by, release_approval.c.body_sha256)).all()
        types = connection.execute(select(audit_event.c.type).order_by(audit_event.c.seq)).scalars().all()
    assert said == [("Ann", notice.body_sha256), ("Ben", notice.body_sha256)]
    assert types.count("release_approved") == 2
    assert verify(any_home.engine).exit_code == 0


def test_the_same_person_twice_is_one_pair_of_eyes(home: Home):
    notice = message("K1", formal=True, approvals=2)
    home.plan(notice)
    agree(home, "Ann de Boer", notice.communication_id)
    for name in ("Ann de Boer", "ANN  DE BOER", "Ann de Boe\u0072 "):
        result = agree(home, name, notice.communication_id)
        assert result.awaiting == ()
        assert "1 of 2" in result.untouched[0].what
        assert "somebody else" in result.untouched[0].what_to_do
    assert home.row(notice).state == "held"


def test_three_people_where_three_are_asked_for(home: Home):
    notice = message("K1", formal=True, approvals=3)
    home.plan(notice)
    agree(home, "Ann", notice.communication_id)
    assert agree(home, "Ben", notice.communication_id).awaiting == (
        Awaiting(notice.communication_id, ("Ann", "Ben"), 3),
    )
    assert agree(home, "Cas", notice.communication_id).changed == (notice.communication_id,)


def test_one_person_is_enough_where_the_policy_says_one(home: Home):
    notice = message("K1", formal=True, approvals=1)
    home.plan(notice)
    assert agree(home, "Ann", notice.communication_id).changed == (notice.communication_id,)


def test_a_yes_of_yesterday_counts_for_the_same_claim_and_not_for_another(home: Home):
    home.plan(message("K1", formal=True, approvals=2), message("K2", formal=True, approvals=2))
    for customer in ("K1", "K2"):
        agree(home, "Ann", message(customer, formal=True, approvals=2).communication_id)
    same = message("K1", formal=True, approvals=2, day=TUESDAY)
    other = message("K2", formal=True, approvals=2, day=TUESDAY, amount="100.01")
    home.plan(same, other)
    assert agree(home, "Ben", same.communication_id).changed == (same.communication_id,)
    assert agree(home, "Ben", other.communication_id).awaiting == (Awaiting(other.communication_id, ("Ben",), 2),)


def test_a_refusal_takes_back_the_yes_before_it(home: Home):
    notice = message("K1", formal=True, approvals=2)
    home.plan(notice)
    agree(home, "Ann", notice.communication_id)
    home.clock.forward(60)
    refuse(home.engine, home.clock, by="Ben", reason="not yet", communication_ids=[notice.communication_id])
    tomorrow = message("K1", formal=True, approvals=2, day=TUESDAY)
    home.plan(tomorrow)
    assert agree(home, "Cas", tomorrow.communication_id).awaiting == (Awaiting(tomorrow.communication_id, ("Cas",), 2),)


def test_releases_of_worklists_are_counted_by_who_recorded_them(home: Home):
    notice = message("K1", formal=True, approvals=2)
    home.plan(notice)
    for name in ("Ann", "Ann", "Ben"):
        record(
            home.engine,
            home.clock,
            kind="release",
            company_id="C1",
            effective_on=date(2026, 3, 2),
            recorded_by=name,
            payload={"communication_id": notice.communication_id, "reason": "worklist"},
        )
    result = apply_recorded_decisions(home.engine, home.clock)
    assert result.changed == (notice.communication_id,)
    assert result.awaiting == (Awaiting(notice.communication_id, ("Ann",), 2),)
    assert len(result.untouched) == 1
    assert home.dispatch().sent == (notice.communication_id,)


def test_a_batch_is_agreed_to_message_by_message(home: Home):
    notices = [message(f"K{number}", formal=True, approvals=2) for number in (1, 2)]
    home.plan(*notices)
    home.clock.forward(60)
    first = release(home.engine, home.clock, by="Ann", reason="all read", batch=MONDAY.isoformat())
    assert len(first.awaiting) == 2
    second = release(home.engine, home.clock, by="Ben", reason="all read", batch=MONDAY.isoformat())
    assert set(second.changed) == {notice.communication_id for notice in notices}

"""Planning: the outbox holds what the day wants to say, once, and nothing of days gone by."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from assets.audit.verify import verify
from assets.communications.frozen import UnusableMessage, minor_units
from assets.communications.release import refuse, release
from assets.operations.refusal import Refusal
from assets.operations.store import reading, writing
from assets.operations.tables import (
    FREED_STATES,
    STATES,
    audit_event,
    communication,
    communication_event,
    communication_item,
)
from assets.register.events import record
from tests.dispatch.support import MONDAY, TUESDAY, Home, message


def test_a_planned_message_goes_through_its_states_and_keeps_its_row(any_home: Home):
    reminder = message("K1", "F1", not_acted=["F2"])
    result = any_home.plan(reminder)
    assert result.planned == result.approved == (reminder.communication_id,)
    assert any_home.path(reminder) == ["planned", "rendered", "approved"]
    row = any_home.row(reminder)
    frozen = json.loads(row.row_json)
    assert (frozen["total_amount"], frozen["as_of_date"]) == ("200.00", "2026-03-02")
    assert frozen["items"] == reminder.row["items"]
    assert (row.total_minor, row.expires_on, row.approved_sha256) == (20000, MONDAY, reminder.body_sha256)
    assert any_home.bodies.get(row.body_sha256) == reminder.content
    with reading(any_home.engine) as connection:
        items = connection.execute(select(communication_item).order_by(communication_item.c.invoice_id)).all()
        assert [(item.invoice_id, item.open_minor, item.is_acted) for item in items] == [
            ("F1", 10000, True),
            ("F2", 10000, False),
        ]


def test_a_message_that_needs_a_release_is_held(home: Home):
    notice = message("K1", formal=True)
    assert home.plan(notice).held == (notice.communication_id,)
    assert home.row(notice).held_reason == "awaiting_release"


def test_every_transition_has_one_event_and_one_journal_entry(any_home: Home):
    any_home.plan(message("K1"), message("K2", formal=True))
    any_home.dispatch()
    with reading(any_home.engine) as connection:
        events = (
            connection.execute(select(communication_event.c.seq).order_by(communication_event.c.seq)).scalars().all()
        )
        refs = connection.execute(
            select(audit_event.c.subject_refs)
            .where(audit_event.c.type.startswith("communication_"))
            .order_by(audit_event.c.seq)
        ).scalars()
        named = [ref for refs_ in refs for ref in json.loads(refs_) if ref.startswith("communication_event:")]
    assert events == list(range(1, len(events) + 1))
    assert named == [f"communication_event:{seq}" for seq in events]


def test_the_same_plan_twice_changes_nothing(any_home: Home):
    messages = [message("K1"), message("K2", formal=True)]
    any_home.plan(*messages)
    before = any_home.states()
    again = any_home.plan(*(replace(m, row={**m.row, "run_id": "another"}) for m in messages))
    assert (again.planned, again.renewed, again.superseded) == ((), (), ())
    assert set(again.unchanged) == set(before)
    assert any_home.states() == before
    assert any_home.path(messages[0]) == ["planned", "rendered", "approved"]


def test_the_same_plan_after_sending_sends_nothing(any_home: Home):
    reminder = message("K1")
    any_home.plan(reminder)
    assert any_home.dispatch().sent == (reminder.communication_id,)
    assert any_home.plan(reminder).unchanged == (reminder.communication_id,)
    assert any_home.dispatch().sent == ()


def test_what_the_new_plan_of_the_day_leaves_out_is_superseded(home: Home):
    first, second = message("K1"), message("K2")
    home.plan(first, second)
    assert home.plan(second).superseded == (first.communication_id,)
    assert home.states()[first.communication_id] == "superseded"
    assert home.dispatch().sent == (second.communication_id,)


def test_what_was_sent_is_not_superseded(home: Home):
    first, second = message("K1"), message("K2")
    home.plan(first)
    home.dispatch()
    assert home.plan(second).superseded == ()
    assert home.states()[first.communication_id] == "sent"


def test_a_superseded_message_wanted_again_the_same_day_comes_back(home: Home):
    first, second = message("K1"), message("K2")
    home.plan(first)
    home.plan(second)
    assert home.plan(first, second).renewed == (first.communication_id,)
    assert home.path(first) == ["planned", "rendered", "approved", "superseded", "planned", "rendered", "approved"]
    assert len(home.dispatch().sent) == 2


def test_what_an_earlier_day_did_not_send_expires(any_home: Home):
    late, held = message("K1"), message("K2", formal=True)
    any_home.plan(late, held)
    fresh = message("K3", day=TUESDAY)
    assert set(any_home.plan(fresh).expired) == {late.communication_id, held.communication_id}
    assert any_home.dispatch().sent == (fresh.communication_id,)
    assert set(any_home.files()) == {f"{fresh.communication_id}.eml"}


def test_dispatch_alone_also_lets_the_past_expire(home: Home):
    late = message("K1")
    home.plan(late)
    home.begin(TUESDAY)
    assert home.dispatch().expired == (late.communication_id,)
    assert home.files() == {}


def test_an_invoice_acted_on_is_not_acted_on_again_at_that_stage(any_home: Home):
    """Another invoice set, amount or day gives another communication_id: the item key must hold."""
    any_home.plan(message("K1", "F1"))
    any_home.dispatch()
    again = message("K1", "F1", "F2", day=TUESDAY)
    result = any_home.plan(again)
    assert result.planned == ()
    (occupied,) = result.occupied
    assert (occupied.communication_id, occupied.invoice_id, occupied.by_state) == (again.communication_id, "F1", "sent")
    assert any_home.dispatch().sent == ()


def test_another_cycle_another_stage_and_a_listed_invoice_are_free(home: Home):
    home.plan(message("K1", "F1"))
    home.dispatch()
    wanted = [
        message("K1", "F1", day=TUESDAY, cycle=2),
        message("K1", "F1", day=TUESDAY, stage=2),
        message("K1", "F3", day=TUESDAY, not_acted=["F1"]),
        message("K1", "F1", day=TUESDAY, company="C2"),
    ]
    assert len(home.plan(*wanted).planned) == 4


def test_two_messages_of_one_plan_cannot_act_on_the_same_invoice(home: Home):
    result = home.plan(message("K1", "F1"), message("K1", "F1", "F2"))
    assert len(result.planned) == len(result.occupied) == 1


def test_only_a_freed_state_lets_another_message_in(any_home: Home):
    """The database itself forbids a second live item, whatever the program believes."""
    firsts = {state: message(f"K-{state}") for state in STATES}
    any_home.plan(*firsts.values())
    seconds = {state: message(f"K-{state}", f"other-{state}", day=TUESDAY) for state in STATES}
    any_home.plan(*seconds.values())
    admitted = set()
    for state, first in firsts.items():
        key = first.communication_id
        mark = update(communication_item).where(communication_item.c.communication_id == key).values(state=state)
        take_its_place = (
            update(communication_item)
            .where(communication_item.c.communication_id == seconds[state].communication_id)
            .values(invoice_id=f"K-{state}-F1")
        )
        try:
            with writing(any_home.engine) as connection:
                connection.execute(mark)
                connection.execute(take_its_place)
            admitted.add(state)
        except IntegrityError:
            continue
    assert admitted == set(FREED_STATES)


def test_an_item_of_another_customer_has_no_parent(home: Home):
    home.plan(message("K1", "F1"))
    moved = update(communication_item).values(customer_id="K2")
    with pytest.raises(IntegrityError), writing(home.engine) as connection:
        connection.execute(moved)


class TestRenewal:
    def test_a_corrected_address_renews_an_unsent_message(self, home: Home):
        home.plan(message("K1", recipient="old@customer.test"))
        corrected = message("K1", recipient="new@customer.test")
        assert home.plan(corrected).renewed == (corrected.communication_id,)
        assert home.path(corrected) == ["planned", "rendered", "approved", "rendered", "approved"]
        home.dispatch()
        assert b"new@customer.test" in home.files()[f"{corrected.communication_id}.eml"]

    def test_a_release_does_not_cover_another_text(self, home: Home):
        notice = message("K1", formal=True)
        home.plan(notice)
        release(home.engine, home.clock, by="Ann", reason="ok", communication_ids=[notice.communication_id])
        assert home.row(notice).state == "approved"
        changed = message("K1", formal=True, text="Pay now.")
        assert changed.communication_id == notice.communication_id
        home.plan(changed)
        row = home.row(notice)
        assert (row.state, row.is_released, row.approved_sha256) == ("held", False, None)

    def test_a_sent_message_is_not_renewed(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        home.dispatch()
        home.plan(message("K1", text="Other words."))
        assert home.row(reminder).body_sha256 == reminder.body_sha256

    @pytest.mark.parametrize(
        "column", ["row_json", "body_sha256", "recipient", "template_hash", "total_minor", "run_id"]
    )
    def test_the_database_freezes_a_message_that_was_claimed(self, any_home: Home, column: str):
        any_home.plan(message("K1"))
        any_home.dispatch()
        other: object = 1 if column == "total_minor" else "x"
        with pytest.raises(DBAPIError, match="frozen"), writing(any_home.engine) as connection:
            connection.execute(update(communication).values({column: other}))

    @pytest.mark.parametrize("statement", ["update communication set stage_no = 2", "delete from communication"])
    def test_the_database_never_changes_what_a_message_is(self, any_home: Home, statement: str):
        any_home.plan(message("K1"))
        with pytest.raises(DBAPIError, match=r"never|append-only"), writing(any_home.engine) as connection:
            connection.execute(text(statement))


class TestRelease:
    def test_a_release_lets_a_message_leave_and_is_in_the_journal(self, any_home: Home):
        notice = message("K1", formal=True)
        any_home.plan(notice)
        assert any_home.dispatch().sent == ()
        result = release(
            any_home.engine, any_home.clock, by="Ann", reason="checked", communication_ids=[notice.communication_id]
        )
        assert result.changed == (notice.communication_id,)
        assert any_home.dispatch().sent == (notice.communication_id,)
        with reading(any_home.engine) as connection:
            entry = connection.execute(select(audit_event).where(audit_event.c.actor == "Ann")).one()
            payload = connection.execute(
                text("select payload from audit_payload where seq = :seq"), {"seq": entry.seq}
            ).scalar_one()
        assert entry.type == "communication_approved"
        assert json.loads(payload)["reason"] == json.loads(payload)["release_reason"] == "checked"

    def test_a_refused_message_never_leaves_that_day(self, home: Home):
        notice, reminder = message("K1", formal=True), message("K2")
        home.plan(notice, reminder)
        ids = [notice.communication_id, reminder.communication_id]
        assert len(refuse(home.engine, home.clock, by="Ann", reason="wrong", communication_ids=ids).changed) == 2
        home.plan(notice, reminder)
        assert home.dispatch().sent == ()
        assert set(home.states().values()) == {"cancelled"}

    @pytest.mark.parametrize("batch", ["2026-03-02", "the-run", "1"])
    def test_a_batch_is_a_day_a_run_or_a_landing_batch(self, home: Home, batch: str):
        notices = [message(f"K{n}", formal=True) for n in range(3)]
        home.plan(*notices, run=home.begin(MONDAY, "the-run"))
        assert len(release(home.engine, home.clock, by="Ann", reason="ok", batch=batch).changed) == 3

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            ({"by": " "}, "Nobody"),
            ({"reason": ""}, "no reason"),
            ({"communication_ids": ["nope"]}, "no message nope"),
            ({"communication_ids": []}, "not clear"),
            ({"batch": "2026-03-02"}, "not clear"),
            ({"communication_ids": [], "batch": "run-9"}, "holds nothing"),
        ],
    )
    def test_an_unclear_release_is_refused(self, home: Home, arguments: dict[str, object], what: str):
        notice = message("K1", formal=True)
        home.plan(notice)
        full = {"by": "Ann", "reason": "ok", "communication_ids": [notice.communication_id]} | arguments
        with pytest.raises(Refusal, match=what):
            release(home.engine, home.clock, **full)
        assert home.row(notice).state == "held"

    def test_what_is_not_held_is_reported_and_left_alone(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        home.dispatch()
        for decide in (release, refuse):
            result = decide(
                home.engine, home.clock, by="Ann", reason="ok", communication_ids=[reminder.communication_id]
            )
            assert result.changed == ()
            assert result.untouched[0].what.startswith("is sent")

    def test_a_release_carries_over_when_nothing_it_was_about_changed(self, home: Home):
        notice = message("K1", formal=True)
        home.plan(notice)
        release(home.engine, home.clock, by="Ann", reason="checked", communication_ids=[notice.communication_id])
        tomorrow = message("K1", formal=True, day=TUESDAY, text="Now one day more overdue.")
        result = home.plan(tomorrow)
        assert result.carried_over == result.approved == (tomorrow.communication_id,)
        row = home.row(tomorrow)
        assert (row.released_by, row.release_reason) == ("Ann", f"carried over from {notice.communication_id}: checked")
        wednesday = message("K1", formal=True, day=date(2026, 3, 4))
        home.plan(wednesday)
        assert home.row(wednesday).release_reason == f"carried over from {notice.communication_id}: checked"

    @pytest.mark.parametrize(
        "change",
        [
            {"amount": "99.00"},
            {"stage": 2},
            {"cycle": 2},
            {"channel": "letter"},
            {"template_hash": "t2"},
            {"not_acted": ["F7"]},
            {"customer": "K2"},
        ],
    )
    def test_a_release_does_not_carry_over_to_something_else(self, home: Home, change: dict[str, object]):
        notice = message("K1", "F1", formal=True)
        home.plan(notice)
        release(home.engine, home.clock, by="Ann", reason="checked", communication_ids=[notice.communication_id])
        customer = str(change.pop("customer", "K1"))
        tomorrow = message(customer, "F1", formal=True, day=TUESDAY, **change)
        assert home.plan(tomorrow).held == (tomorrow.communication_id,)

    def test_a_message_of_yesterday_cannot_be_released_today(self, home: Home):
        notice = message("K1", formal=True)
        home.plan(notice)
        home.begin(TUESDAY)
        result = release(home.engine, home.clock, by="Ann", reason="ok", communication_ids=[notice.communication_id])
        assert (result.changed, result.untouched[0].what) == ((), "was for 2026-03-02")
        assert home.row(notice).state == "held"

    def test_a_release_does_not_carry_over_a_day_on_which_the_message_was_not_due(self, home: Home):
        notice = message("K1", formal=True)
        home.plan(notice)
        release(home.engine, home.clock, by="Ann", reason="checked", communication_ids=[notice.communication_id])
        home.plan(message("K2", day=TUESDAY))
        wednesday = message("K1", formal=True, day=date(2026, 3, 4))
        assert home.plan(wednesday).held == (wednesday.communication_id,)

    def test_a_held_message_gives_no_release_to_carry_over(self, home: Home):
        home.plan(message("K1", formal=True))
        tomorrow = message("K1", formal=True, day=TUESDAY)
        assert home.plan(tomorrow).held == (tomorrow.communication_id,)

    def test_recorded_releases_are_carried_out_once(self, home: Home):
        from assets.communications.release import apply_recorded_decisions

        yes, no, foreign = (message(f"K{n}", formal=True) for n in (1, 2, 3))
        home.plan(yes, no, foreign)
        for kind, target, company in (("release", yes, "C1"), ("refuse", no, "C1"), ("release", foreign, "C2")):
            record(
                home.engine,
                home.clock,
                kind=kind,
                company_id=company,
                effective_on=MONDAY,
                recorded_by="Ann",
                payload={"communication_id": target.communication_id, "reason": "worklist"},
            )
        result = apply_recorded_decisions(home.engine, home.clock)
        assert set(result.changed) == {yes.communication_id, no.communication_id}
        assert [left.communication_id for left in result.untouched] == [foreign.communication_id]
        assert apply_recorded_decisions(home.engine, home.clock) == type(result)((), ())
        assert home.dispatch().sent == (yes.communication_id,)
        assert home.row(yes).released_by == "Ann"


class TestUnusableMessages:
    def test_a_body_with_another_hash(self, home: Home):
        with pytest.raises(UnusableMessage, match="hash"):
            home.plan(replace(message("K1"), content=b"other"))

    def test_a_row_of_another_message(self, home: Home):
        with pytest.raises(UnusableMessage, match="belongs to"):
            home.plan(replace(message("K1"), communication_id="other"))

    def test_a_message_of_another_day(self, home: Home):
        with pytest.raises(UnusableMessage, match="is for"):
            home.plan(message("K1", day=TUESDAY), run=home.begin(MONDAY))

    def test_a_plan_for_a_day_that_is_not_the_homes(self, home: Home):
        monday = home.begin(MONDAY)
        home.begin(TUESDAY)
        with pytest.raises(Refusal, match="home is at 2026-03-03"):
            home.plan(message("K1"), run=monday)

    def test_twice_the_same_id(self, home: Home):
        with pytest.raises(UnusableMessage, match="twice"):
            home.plan(message("K1"), message("K1"))

    @pytest.mark.parametrize("amount", [12.5, "12.345", True])
    def test_money_that_is_not_exact_cents(self, amount: object):
        with pytest.raises(UnusableMessage):
            minor_units(amount)

    def test_nothing_of_a_plan_is_kept_when_one_message_is_unusable(self, home: Home):
        with pytest.raises(UnusableMessage):
            home.plan(message("K1"), replace(message("K2"), content=b"other"))
        assert home.states() == {}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (update(communication).values(state="sent"), "says it is sent, its log says held"),
        (update(communication_item).values(open_minor=1), "are not those of its frozen row"),
    ],
)
def test_verify_sees_a_message_that_was_edited_behind_its_log(any_home: Home, change, says: str):
    any_home.plan(message("K1", formal=True))
    assert verify(any_home.engine).exit_code == 0
    with writing(any_home.engine) as connection:
        connection.execute(change)
    found = verify(any_home.engine)
    assert found.exit_code == 1
    assert says in found.message

"""Dispatch: the last look, the kill switch, stale claims, several dispatchers, and servers that misbehave."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from assets.audit.verify import OK, verify
from assets.communications.channels import (
    Channel,
    FileChannel,
    LoopbackEndpoint,
    Outgoing,
    Prepared,
    Presence,
    SmtpChannel,
    SmtpOptions,
    Transport,
)
from assets.communications.dispatch import unsettled
from assets.communications.observations import observe, settle_doubt
from assets.communications.release import release
from assets.operations import control
from assets.operations.facts import dispatch_facts, latest_sequences, sent_messages
from assets.operations.refusal import Refusal
from assets.operations.store import open_store, reading, writing
from assets.operations.tables import communication, delivery_observation, run_control
from assets.register.events import record
from tests.dispatch.support import MONDAY, QUICK, TUESDAY, Catcher, Home, message, policy


@dataclass
class Interrupted:
    """A file channel during whose steps something happens."""

    inner: FileChannel
    while_preparing: Callable[[Outgoing], None] = lambda message: None
    after_sending: Callable[[Outgoing], None] = lambda message: None
    prepared: list[str] = field(default_factory=list)
    is_confined = True

    def prepare(self, message: Outgoing) -> Prepared:
        prepared = self.inner.prepare(message)
        self.prepared.append(message.communication_id)
        self.while_preparing(message)
        return _Interrupted(prepared, lambda: self.after_sending(message))

    def probe(self, message: Outgoing) -> Presence:
        return self.inner.probe(message)

    def discard(self, message: Outgoing) -> None:
        self.inner.discard(message)

    def close(self) -> None:
        self.inner.close()


@dataclass
class _Interrupted:
    inner: Prepared
    after: Callable[[], None]

    def send(self) -> str:
        receipt = self.inner.send()
        self.after()
        return receipt

    def abandon(self) -> None:
        self.inner.abandon()


@dataclass
class Blind:
    """A channel that sends but can never tell afterwards, as a relay without a searchable log."""

    inner: Channel
    is_confined = True

    def prepare(self, message: Outgoing) -> Prepared:
        return self.inner.prepare(message)

    def probe(self, message: Outgoing) -> Presence:
        return Presence.UNKNOWN

    def discard(self, message: Outgoing) -> None:
        self.inner.discard(message)

    def close(self) -> None:
        self.inner.close()


def hold(home: Home, kind: str = "hold_placed", company: str = "C1", **payload: object) -> None:
    record(
        home.engine,
        home.clock,
        kind=kind,
        company_id=company,
        effective_on=MONDAY,
        recorded_by="Ann",
        payload=payload or {"customer": "K1", "reason": "asked"},
    )


def test_a_sent_message_lies_in_the_outbox_under_its_day(any_home: Home):
    reminder, letter = message("K1"), message("K2", channel="letter", recipient="K2, Street 1, 1000 AA Town")
    any_home.plan(reminder, letter)
    result = any_home.dispatch()
    assert set(result.sent) == {reminder.communication_id, letter.communication_id}
    assert (any_home.outbox / "2026-03-02" / f"{letter.communication_id}.pdf").read_bytes() == letter.content
    assert any_home.files()[f"{reminder.communication_id}.eml"] == reminder.content
    assert any_home.path(reminder)[-3:] == ["claimed", "sending", "sent"]
    assert (any_home.outbox / "2026-03-02" / f"{letter.communication_id}.pdf").stat().st_mode & 0o777 == 0o600
    assert unsettled(any_home.engine) == {}
    assert verify(any_home.engine).exit_code == OK


class TestFacts:
    def test_the_warehouse_learns_each_item_of_each_change(self, any_home: Home):
        reminder, notice = message("K1", "F1", not_acted=["F2"]), message("K3", formal=True)
        any_home.plan(reminder, notice)
        any_home.dispatch()
        with reading(any_home.engine) as connection:
            newest = latest_sequences(connection).dispatch
            facts = list(dispatch_facts(connection, newest))
            before_sending = list(dispatch_facts(connection, 6))
            (sent,) = sent_messages(connection, newest)
            assert list(sent_messages(connection, 6)) == []
        states = {(fact[4], fact[10], fact[11]) for fact in facts}
        assert states == {("F1", True, "sent"), ("F2", False, "sent"), ("K3-F1", True, "held")}
        assert {fact[11] for fact in before_sending} == {"held"}
        fact = next(fact for fact in facts if fact[4] == "F1")
        occurred = any_home.clock.now().replace(tzinfo=None)
        identity = (reminder.communication_id, "C1", "K1", "F1", "reminder_1", "friendly", "email", 1, 1, True, "sent")
        assert fact[1:] == (*identity, MONDAY, occurred)
        assert sent[1:6] == (reminder.communication_id, MONDAY, "C1", "K1", "reminder_1")
        assert '"customer_id": "K1"' in str(sent[6])

    def test_a_bounce_counts_for_the_day_of_the_message(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        home.dispatch()
        home.begin(TUESDAY)
        assert (
            observe(home.engine, home.clock, reminder.communication_id, "bounced", source="dsn", detail="5.1.1")
            == "bounced"
        )
        with reading(home.engine) as connection:
            facts = list(dispatch_facts(connection, latest_sequences(connection).dispatch))
        assert [(fact[11], fact[12]) for fact in facts] == [("sent", MONDAY), ("bounced", MONDAY)]
        assert home.plan(message("K1", day=TUESDAY)).planned, "a bounced message frees its key for another channel"


class TestPreflight:
    """Each guard alone keeps a message back. All of these would leave without it."""

    def _sent(self, home: Home, **options: object) -> tuple[str, ...]:
        return home.dispatch(**options).sent

    def test_a_message_of_another_day_expires(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)

        def midnight(_: Outgoing) -> None:
            with writing(home.engine) as connection:
                connection.execute(update(run_control).values(last_as_of_date=TUESDAY))

        transport = Transport({"email": Interrupted(FileChannel(home.outbox), midnight)})
        assert home.dispatch(transport).expired == (reminder.communication_id,)
        assert home.files() == {}

    def test_a_live_home_goes_by_the_calendar_in_its_time_zone(self, home: Home):
        """At 23:30 UTC on 2 March it is still 3 March in Amsterdam that nothing of the 2nd may leave on."""
        reminder = message("K1")
        home.plan(reminder)
        with writing(home.engine) as connection:
            connection.execute(update(communication).values(is_rehearsal=False))
            connection.execute(update(run_control).values(mode="live", live_since_on=MONDAY))
        home.clock.moment = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
        transport = home.file_transport()
        transport.mode = "live"
        assert home.dispatch(transport).expired == (reminder.communication_id,)

    def test_a_transport_of_another_mode_is_refused(self, home: Home):
        home.plan(message("K1"))
        transport = home.file_transport()
        transport.mode = "live"
        with pytest.raises(Refusal, match="rehearsal"):
            home.dispatch(transport)

    def test_going_live_in_the_middle_holds_the_rest(self, home: Home):
        home.plan(message("K1"))

        def switch(_: Outgoing) -> None:
            with writing(home.engine) as connection:
                connection.execute(update(run_control).values(mode="live", live_since_on=MONDAY))

        transport = Transport({"email": Interrupted(FileChannel(home.outbox), switch)})
        assert home.dispatch(transport).sent == ()
        assert home.files() == {}

    def test_a_message_that_lost_its_release_stays(self, home: Home):
        notice = message("K1", formal=True)
        home.plan(notice)
        release(home.engine, home.clock, by="Ann", reason="ok", communication_ids=[notice.communication_id])
        with writing(home.engine) as connection:
            connection.execute(update(communication).values(is_released=False))
        assert self._sent(home) == ()
        assert home.row(notice).held_reason == "awaiting_release"

    def test_a_body_that_was_not_the_approved_one_stays(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        with writing(home.engine) as connection:
            connection.execute(update(communication).values(approved_sha256="0" * 64))
        assert self._sent(home) == ()
        assert home.row(reminder).held_reason == "body_mismatch"

    @pytest.mark.parametrize("damage", ["change", "delete"])
    def test_a_body_that_changed_in_the_archive_stays(self, home: Home, damage: str):
        reminder = message("K1")
        home.plan(reminder)
        path = home.folder / "bodies" / reminder.body_sha256[:2] / reminder.body_sha256
        path.chmod(0o600)
        path.write_bytes(b"Dear customer, all is forgiven.") if damage == "change" else path.unlink()
        assert self._sent(home) == ()
        assert home.row(reminder).held_reason == "body_mismatch"

    def test_a_recipient_altered_by_hand_stays(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        with writing(home.engine) as connection:
            connection.execute(update(communication).values(recipient="someone@else.test"))
        assert self._sent(home) == ()
        assert home.row(reminder).held_reason == "recipient_mismatch"

    def test_only_recipients_on_the_allow_list_are_reached(self, home: Home):
        one, two, three = (
            message("K1"),
            message("K2", recipient="K2@Other.test"),
            message("K3", recipient="x@third.test"),
        )
        home.plan(one, two, three)
        allowed = policy(allow_list=frozenset({"k1@customer.test", "@other.test"}))
        assert set(self._sent(home, policy=allowed)) == {one.communication_id, two.communication_id}
        assert home.row(three).held_reason == "recipient_not_allowed"

    @pytest.mark.parametrize(
        ("kind", "payload"),
        [
            ("hold_placed", {"customer": "K1", "reason": "asked"}),
            ("hold_placed", {"invoice": "F1", "reason": "asked"}),
            ("dispute_opened", {"invoice": "nr-F1", "reason": "wrong"}),
            ("promise_made", {"invoices": ["F9", "nr-F1"], "promised_on": "2026-03-10", "amount": "1.00"}),
            ("insolvency", {"customer": "K1", "insolvency_kind": "bankruptcy"}),
            ("match_confirmed", {"entry_key": "e", "invoice": "F1"}),
            ("write_off", {"invoice": "F1", "amount": "1.00", "reason": "x"}),
            ("handed_over", {"customer": "K1", "invoices": ["F1"], "agency": "x"}),
        ],
    )
    def test_what_was_recorded_after_the_plan_holds_the_message(
        self, any_home: Home, kind: str, payload: dict[str, object]
    ):
        reminder, other = message("K1", "F1"), message("K2", "F2")
        any_home.plan(reminder, other)
        hold(any_home, kind, **payload)
        assert self._sent(any_home) == (other.communication_id,)
        row = any_home.row(reminder)
        assert (row.state, row.held_reason) == ("held", f"facts_newer:{kind}")
        refused = release(
            any_home.engine, any_home.clock, by="Ann", reason="x", communication_ids=[reminder.communication_id]
        )
        assert refused.changed == ()
        assert "run the day again" in refused.untouched[0].what_to_do

    def test_what_was_known_to_the_plan_or_is_about_others_does_not(self, home: Home):
        reminder = message("K1", "F1")
        hold(home)
        home.plan(reminder)  # planned all the same: the warehouse had its reasons
        hold(home, company="C2")
        hold(home, customer="K7", reason="asked")
        hold(home, "hold_lifted", customer="K1")
        hold(home, "contact_logged", customer="K1", note="hello")
        assert self._sent(home) == (reminder.communication_id,)

    def test_a_hold_known_to_a_new_plan_that_still_wants_the_message_is_lifted(self, home: Home):
        reminder = message("K1", "F1")
        home.plan(reminder)
        hold(home)
        assert self._sent(home) == ()
        home.plan(reminder)
        assert self._sent(home) == (reminder.communication_id,)

    def test_a_later_run_that_did_not_plan_yet_holds_what_an_earlier_one_approved(self, any_home: Home):
        """The later run may have landed the payment."""
        reminder = message("K1", "F1")
        any_home.plan(reminder)
        later = any_home.begin(MONDAY, "later")
        assert self._sent(any_home) == ()
        assert any_home.row(reminder).held_reason == "newer_run"
        ids = [reminder.communication_id]
        assert release(any_home.engine, any_home.clock, by="Ann", reason="x", communication_ids=ids).changed == ()
        any_home.plan(reminder, run=later)
        assert self._sent(any_home) == (reminder.communication_id,)

    @pytest.mark.parametrize("is_wanted", [True, False])
    def test_a_claim_left_by_a_dead_dispatcher_is_decided_by_the_new_plan(self, any_home: Home, is_wanted: bool):
        """It was claimed, the dispatcher died, the customer paid, the day is run again."""
        reminder, other = message("K1"), message("K2")
        any_home.plan(reminder)

        def die(_: Outgoing) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            any_home.dispatch(Transport({"email": Interrupted(FileChannel(any_home.outbox), die)}))
        assert any_home.row(reminder).state == "claimed"
        any_home.plan(*([reminder, other] if is_wanted else [other]))
        any_home.recover(holds_home_lock=True)
        assert (reminder.communication_id in self._sent(any_home)) is is_wanted
        assert any_home.states()[reminder.communication_id] == ("sent" if is_wanted else "superseded")

    def test_a_claim_left_by_a_dead_dispatcher_of_an_earlier_day_expires(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)

        def die(_: Outgoing) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            home.dispatch(Transport({"email": Interrupted(FileChannel(home.outbox), die)}))
        home.begin(TUESDAY)
        assert home.recover(holds_home_lock=True).expired == (reminder.communication_id,)
        assert home.path(reminder)[-2:] == ["claimed", "expired"]

    def test_what_is_not_for_today_or_not_for_this_mode_is_not_even_claimed(self, home: Home):
        tomorrow = message("K1", day=TUESDAY)
        home.plan(tomorrow)
        with writing(home.engine) as connection:
            connection.execute(update(run_control).values(last_as_of_date=MONDAY))
        assert home.dispatch().sent == ()
        with writing(home.engine) as connection:
            connection.execute(update(run_control).values(last_as_of_date=TUESDAY, mode="live"))
        home.clock.forward(86400)
        live = home.file_transport()
        live.mode = "live"
        assert home.dispatch(live).sent == ()
        assert home.path(tomorrow) == ["planned", "rendered", "approved"]

    def test_a_doubt_settled_after_a_new_plan_left_the_message_out_does_not_send_it(self, home: Home):
        reminder, other = message("K1"), message("K2")
        home.plan(reminder)

        def die(_: Outgoing) -> None:
            raise KeyboardInterrupt

        class Unwritten(FileChannel):
            """Dies after the intent, before the rename."""

            def prepare(self, message: Outgoing) -> Prepared:
                inner = super().prepare(message)
                inner_send = die
                return type(
                    "P", (), {"send": lambda self: inner_send(message), "abandon": lambda self: inner.abandon()}
                )()

        with pytest.raises(KeyboardInterrupt):
            home.dispatch(Transport({"email": Unwritten(home.outbox)}))
        assert home.row(reminder).state == "sending"
        home.plan(other)
        home.recover(holds_home_lock=True)
        assert home.row(reminder).state == "approved", "the probe found that it had not left"
        assert home.dispatch().sent == (other.communication_id,)
        assert home.row(reminder).held_reason == "newer_run"

    def test_a_next_stage_waits_for_proof_of_the_one_before(self, home: Home):
        first = message("K1", "F1", formal=True, stage=3)
        home.plan(first)
        release(home.engine, home.clock, by="Ann", reason="ok", communication_ids=[first.communication_id])
        self._cut_short(home, first)
        assert home.states()[first.communication_id] == "in_doubt"
        second = message("K1", "F1", stage=4, day=TUESDAY)
        home.plan(second)
        assert self._sent(home) == ()
        assert home.row(second).held_reason == "earlier_stage_in_doubt"
        settle_doubt(
            home.engine, home.clock, first.communication_id, finding="left", by="Ann", reason="seen in the log"
        )
        home.plan(second)
        assert self._sent(home) == (second.communication_id,)

    @pytest.mark.parametrize(("formal", "is_sent"), [(False, True), (True, False)])
    def test_a_friendly_step_may_follow_an_unknown_one_a_formal_step_may_not(
        self, home: Home, formal: bool, is_sent: bool
    ):
        first = message("K1", "F1")
        home.plan(first)
        self._cut_short(home, first)
        assert home.states()[first.communication_id] == "closed_unknown"
        second = message("K1", "F1", stage=2, day=TUESDAY, formal=formal, release=False)
        home.plan(second)
        assert bool(self._sent(home)) is is_sent

    def _cut_short(self, home: Home, rendered) -> None:
        """The message leaves, and the process dies before it knows."""

        def die(_: Outgoing) -> None:
            raise KeyboardInterrupt

        blind = Blind(Interrupted(FileChannel(home.outbox), after_sending=die))
        transport = Transport({"email": blind})
        with pytest.raises(KeyboardInterrupt):
            home.dispatch(transport)
        assert home.row(rendered).state == "sending"
        home.recover(transport, holds_home_lock=True)

    def test_a_channel_nobody_configured_holds_its_messages(self, home: Home):
        text_message = message("K1", channel="sms", recipient="+31600000000")
        home.plan(text_message)
        assert home.dispatch().held == (text_message.communication_id,)
        assert home.row(text_message).held_reason == "no_channel:sms"
        assert unsettled(home.engine) == {}


class TestKillSwitch:
    def test_a_stopped_home_sends_nothing(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        control.stop(home.engine, home.clock, "Ann", "wrong letters")
        result = home.dispatch()
        assert (result.is_stopped, result.sent) == (True, ())
        assert home.path(reminder) == ["planned", "rendered", "approved"], "not even claimed"
        control.resume(home.engine, home.clock, "Ann", "mended")
        assert home.dispatch().sent == (reminder.communication_id,)

    def test_pulled_in_the_middle_not_one_more_leaves(self, any_home: Home):
        messages = [message(f"K{n}") for n in range(6)]
        any_home.plan(*messages)
        channel = Interrupted(FileChannel(any_home.outbox))

        def pull(_: Outgoing) -> None:
            if len(channel.prepared) == 3:
                control.stop(any_home.engine, any_home.clock, "Ann", "wrong letters")

        channel.while_preparing = pull
        result = any_home.dispatch(Transport({"email": channel}))
        assert result.is_stopped
        assert len(result.sent) == 2, "the third was prepared, but not yet past its last check"
        assert len([name for name in any_home.files() if name.endswith(".eml")]) == 2
        assert [name for name in any_home.files() if ".part" in name] == []
        assert sorted(any_home.states().values()) == ["approved"] * 4 + ["sent"] * 2
        with reading(any_home.engine) as connection:
            approved = select(communication.c.attempts).where(communication.c.state == "approved")
            assert set(connection.execute(approved).scalars()) == {0}
        control.resume(any_home.engine, any_home.clock, "Ann", "mended")
        assert len(any_home.dispatch().sent) == 4


class TestZombies:
    """A process frozen past its lease, which then goes on as if nothing had happened."""

    def test_one_that_wakes_before_the_act_does_not_act(self, any_home: Home):
        reminder = message("K1")
        any_home.plan(reminder)
        channel = Interrupted(FileChannel(any_home.outbox))

        def frozen(_: Outgoing) -> None:
            channel.while_preparing = lambda message: None  # once
            any_home.clock.forward(121)
            assert any_home.recover().approved == (reminder.communication_id,)

        channel.while_preparing = frozen
        result = any_home.dispatch(Transport({"email": channel}))
        assert result.lost_claims == (reminder.communication_id,), "its first claim had lost its token"
        assert result.sent == (reminder.communication_id,), "under a second, fresh claim"
        assert channel.prepared == [reminder.communication_id] * 2
        assert any_home.path(reminder)[3:] == ["claimed", "approved", "claimed", "sending", "sent"]
        assert any_home.row(reminder).token == 3, "it rises with each claim and with each recovery"
        assert list(any_home.files()) == [f"{reminder.communication_id}.eml"]

    def test_one_that_wakes_while_another_already_sent_writes_nothing(self, any_home: Home):
        reminder = message("K1")
        any_home.plan(reminder)

        def frozen(_: Outgoing) -> None:
            any_home.clock.forward(121)
            any_home.recover()
            assert any_home.dispatch().sent == (reminder.communication_id,)

        zombie = Transport({"email": Interrupted(FileChannel(any_home.outbox), frozen)})
        assert any_home.dispatch(zombie).sent == ()
        assert any_home.path(reminder).count("sending") == 1
        assert list(any_home.files()) == [f"{reminder.communication_id}.eml"]

    @pytest.mark.parametrize(("formal", "given_up"), [(True, "in_doubt"), (False, "closed_unknown")])
    def test_the_answer_of_one_that_wakes_after_the_act_settles_the_doubt(
        self, any_home: Home, formal: bool, given_up: str
    ):
        notice = message("K1", formal=formal, release=False)
        any_home.plan(notice)

        def frozen(_: Outgoing) -> None:
            any_home.clock.forward(901)
            any_home.recover(Transport({"email": Blind(FileChannel(any_home.outbox))}))
            assert any_home.states()[notice.communication_id] == given_up

        zombie = Transport({"email": Interrupted(FileChannel(any_home.outbox), after_sending=frozen)})
        assert any_home.dispatch(zombie).sent == ()
        assert any_home.path(notice)[-3:] == ["sending", given_up, "sent"]
        with reading(any_home.engine) as connection:
            (seen,) = connection.execute(select(delivery_observation)).all()
        assert (seen.kind, seen.source) == ("accepted", "late_reply")
        assert seen.detail.startswith("file:")

    def test_a_claim_within_its_lease_is_left_alone(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)

        def impatient(_: Outgoing) -> None:
            home.clock.forward(119)
            assert home.recover().approved == ()

        assert home.dispatch(Transport({"email": Interrupted(FileChannel(home.outbox), impatient)})).sent

    def test_a_message_that_kills_its_dispatcher_is_given_up_at_last(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)

        def die(_: Outgoing) -> None:
            raise KeyboardInterrupt

        for attempt in range(1, 5):
            with pytest.raises(KeyboardInterrupt):
                home.dispatch(Transport({"email": Interrupted(FileChannel(home.outbox), die)}))
            found = home.recover(holds_home_lock=True)
            assert bool(found.failed) is (attempt == 4)
        assert home.row(reminder).state == "failed_exhausted"


class TestDoubts:
    @pytest.fixture
    def doubtful(self, home: Home):
        notice = message("K1", formal=True, release=False)
        home.plan(notice)
        TestPreflight()._cut_short(home, notice)
        assert home.row(notice).state == "in_doubt"
        return notice

    @pytest.mark.parametrize(
        ("finding", "state"), [("left", "sent"), ("did_not_leave", "held"), ("cannot_tell", "closed_unknown")]
    )
    def test_a_person_settles_it(self, home: Home, doubtful, finding, state):
        assert (
            settle_doubt(home.engine, home.clock, doubtful.communication_id, finding=finding, by="Ann", reason="x")
            == state
        )
        assert home.row(doubtful).state == state
        assert home.dispatch().sent == (), "nothing is sent again by itself"

    def test_disproved_it_leaves_only_after_a_new_release(self, home: Home, doubtful):
        settle_doubt(home.engine, home.clock, doubtful.communication_id, finding="did_not_leave", by="Ann", reason="x")
        assert home.plan(doubtful).held == (doubtful.communication_id,)
        release(home.engine, home.clock, by="Ben", reason="again", communication_ids=[doubtful.communication_id])
        assert home.dispatch().sent == (doubtful.communication_id,)

    def test_planning_again_does_not_touch_it(self, home: Home, doubtful):
        assert home.plan(doubtful).unchanged == (doubtful.communication_id,)
        assert home.plan(message("K1", formal=True, day=TUESDAY)).occupied
        assert home.row(doubtful).state == "in_doubt"

    def test_only_a_doubt_can_be_settled_and_by_somebody(self, home: Home, doubtful):
        with pytest.raises(Refusal, match="missing"):
            settle_doubt(home.engine, home.clock, doubtful.communication_id, finding="left", by="", reason="x")
        settle_doubt(home.engine, home.clock, doubtful.communication_id, finding="left", by="Ann", reason="x")
        with pytest.raises(Refusal, match="is sent"):
            settle_doubt(home.engine, home.clock, doubtful.communication_id, finding="left", by="Ann", reason="x")
        with pytest.raises(Refusal, match="no message"):
            settle_doubt(home.engine, home.clock, "nope", finding="left", by="Ann", reason="x")


class TestFileChannel:
    def test_the_same_message_twice_is_one_file(self, home: Home):
        reminder = message("K1")
        channel = FileChannel(home.outbox)
        outgoing = self._outgoing(reminder)
        assert channel.prepare(outgoing).send() == channel.prepare(outgoing).send()
        assert list(home.files().values()) == [reminder.content]

    def test_a_name_taken_by_other_bytes_fails_for_good(self, home: Home):
        reminder = message("K1")
        home.plan(reminder)
        folder = home.outbox / "2026-03-02"
        folder.mkdir(parents=True)
        (folder / f"{reminder.communication_id}.eml").write_bytes(b"something else")
        assert home.dispatch().failed == (reminder.communication_id,)
        assert home.row(reminder).state == "failed_permanent"
        assert "other content" in home.row(reminder).last_error

    def test_a_full_disk_before_the_intent_is_tried_again(self, home: Home, monkeypatch: pytest.MonkeyPatch):
        reminder = message("K1")
        home.plan(reminder)

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert home.dispatch().waiting == 1
        monkeypatch.undo()
        assert home.files() == {}
        home.clock.forward(60)
        assert home.dispatch().sent == (reminder.communication_id,)

    @pytest.mark.parametrize("bad", ["../../etc/passwd", "a/b", "", "x\0"])
    def test_a_name_cannot_leave_the_folder(self, home: Home, bad: str):
        from dataclasses import replace

        from assets.communications.channels import PermanentFailure

        with pytest.raises(PermanentFailure):
            FileChannel(home.outbox).prepare(replace(self._outgoing(message("K1")), communication_id=bad))

    def test_a_probe_tells_written_from_not_written_from_collected(self, home: Home):
        channel, outgoing = FileChannel(home.outbox), self._outgoing(message("K1"))
        prepared = channel.prepare(outgoing)
        assert channel.probe(outgoing) is Presence.ABSENT
        prepared = channel.prepare(outgoing)
        prepared.send()
        assert channel.probe(outgoing) is Presence.PRESENT
        next(home.outbox.glob("*/*.eml")).unlink()  # the printer took it
        assert channel.probe(outgoing) is Presence.UNKNOWN

    def _outgoing(self, rendered) -> Outgoing:
        return Outgoing(
            rendered.communication_id,
            MONDAY,
            "email",
            rendered.recipient,
            "billing@creditor.test",
            rendered.content,
            rendered.body_sha256,
            "eml",
            1,
        )


class TestSmtp:
    def test_a_message_arrives_byte_for_byte(self, home: Home, catcher: Catcher):
        reminder = message("Kbytes")
        home.plan(reminder)
        assert home.dispatch(catcher.transport()).sent == (reminder.communication_id,)
        (mail,) = [mail for mail in catcher.kept() if reminder.communication_id in mail["message_id"]]
        assert mail["content"].encode("latin-1") == reminder.content
        assert (mail["sender"], mail["recipients"]) == ("billing@creditor.test", [reminder.recipient])
        assert home.row(reminder).provider_ref == "smtp:250 kept"

    def test_many_messages_share_a_connection(self, home: Home, catcher: Catcher):
        messages = [message(f"Kmany{n}") for n in range(5)]
        home.plan(*messages)
        channel = catcher.channel()
        assert len(home.dispatch(Transport({"email": channel})).sent) == 5
        assert all(catcher.count()[m.communication_id] == 1 for m in messages)
        channel.close()

    @pytest.mark.parametrize("fault", ["gone550", "gone554"])
    def test_a_final_no_fails_for_good_and_frees_the_invoice(self, home: Home, catcher: Catcher, fault: str):
        reminder = message("K1", "F1", recipient=f"{fault}@customer.test", text=fault)
        home.plan(reminder)
        assert home.dispatch(catcher.transport()).failed == (reminder.communication_id,)
        row = home.row(reminder)
        assert (row.state, row.last_error[:3]) == ("failed_permanent", fault[-3:])
        assert home.plan(message("K1", "F1", channel="letter", recipient="Street 1")).planned

    @pytest.mark.parametrize("fault", ["busy450", "busy451"])
    def test_a_passing_no_is_tried_again_later(self, home: Home, catcher: Catcher, fault: str):
        reminder = message("K1", recipient=f"{fault}x2-{home.folder.name}@customer.test", text=fault)
        home.plan(reminder)
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            home.clock.forward(seconds)

        result = home.dispatch(catcher.transport(), sleep=sleep)
        assert result.sent == (reminder.communication_id,)
        assert home.row(reminder).attempts == 3
        assert 30 <= waits[0] <= 38
        assert 60 <= waits[1] <= 75
        assert catcher.count()[reminder.communication_id] == 1

    @pytest.mark.parametrize("fault", ["busy450", "busy451"])
    def test_used_up_attempts_end_in_a_final_state(self, home: Home, catcher: Catcher, fault: str):
        reminder = message("K1", recipient=f"{fault}@customer.test", text=fault)
        home.plan(reminder)
        result = home.dispatch(catcher.transport(), sleep=home.clock.forward)
        assert result.failed == (reminder.communication_id,)
        assert (home.row(reminder).state, home.row(reminder).attempts) == ("failed_exhausted", 4)
        assert unsettled(home.engine) == {}

    def test_without_waiting_it_stays_for_the_next_pass_and_expires_with_its_day(self, home: Home, catcher: Catcher):
        reminder = message("K1", recipient="busy450@customer.test")
        home.plan(reminder)
        assert home.dispatch(catcher.transport()).waiting == 1
        assert home.dispatch(catcher.transport()).sent == ()
        assert home.row(reminder).attempts == 1, "its time had not come"
        home.begin(TUESDAY)
        assert home.dispatch(catcher.transport()).expired == (reminder.communication_id,)

    @pytest.mark.parametrize("fault", ["drop", "vanish"])
    @pytest.mark.parametrize(("formal", "state"), [(True, "in_doubt"), (False, "closed_unknown")])
    def test_no_answer_after_the_dot_is_never_sent_again(self, home: Home, catcher: Catcher, fault, formal, state):
        doubtful = message("K1", formal=formal, release=False, recipient=f"{fault}@customer.test", text=fault + state)
        after = message("K2", text=fault + state)
        home.plan(doubtful, after)
        home.dispatch(catcher.transport(), sleep=home.clock.forward)
        assert home.states() == {doubtful.communication_id: state, after.communication_id: "sent"}
        home.clock.forward(3600)
        home.recover(catcher.transport())
        home.dispatch(catcher.transport())
        home.plan(message("K1", formal=formal, release=False, day=TUESDAY, recipient=f"{fault}@customer.test"))
        home.dispatch(catcher.transport())
        assert catcher.count()[doubtful.communication_id] <= 1
        assert home.path(doubtful).count("sending") == 1

    def test_a_server_slower_than_our_patience_makes_a_doubt_not_a_second_message(self, home: Home, catcher: Catcher):
        notice = message("K1", formal=True, release=False, recipient="slow@customer.test")
        home.plan(notice)
        hasty = catcher.channel(SmtpOptions(connect_seconds=5, reply_seconds=5, final_seconds=0.2))
        home.dispatch(Transport({"email": hasty}), sleep=home.clock.forward)
        home.dispatch(catcher.transport())
        assert home.row(notice).state == "in_doubt"
        assert catcher.count()[notice.communication_id] == 1

    def test_a_search_that_finds_it_proves_it(self, home: Home, catcher: Catcher):
        notice = message("K1", formal=True, release=False, recipient="drop@customer.test", text="proved")
        home.plan(notice)

        def search(outgoing: Outgoing) -> Presence:
            return Presence.PRESENT if catcher.count()[outgoing.communication_id] else Presence.UNKNOWN

        channel = SmtpChannel(LoopbackEndpoint("127.0.0.1", catcher.port), QUICK, search)
        home.dispatch(Transport({"email": channel}))
        assert home.row(notice).state == "sent"

    def test_a_relay_that_does_not_answer_is_left_alone_after_three(self, home: Home):
        home.plan(*(message(f"K{n}") for n in range(8)))
        import socket

        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            dead = SmtpChannel(LoopbackEndpoint("127.0.0.1", unused.getsockname()[1]), QUICK)
            result = home.dispatch(Transport({"email": dead}))
        assert (result.unreachable, result.waiting) == (("email",), 8)
        with reading(home.engine) as connection:
            attempts = connection.execute(select(communication.c.attempts).order_by(communication.c.attempts)).scalars()
            assert list(attempts) == [0] * 5 + [1] * 3

    @pytest.mark.parametrize(
        "address", ["a b@x.test", "a@x.test\r\nRCPT TO:<b@x.test>", "nobody", "<a@x.test>", "a@x,b@y"]
    )
    def test_an_address_that_is_none_fails_for_good(self, home: Home, catcher: Catcher, address: str):
        from dataclasses import replace

        reminder = message("K1")
        home.plan(replace(reminder, recipient=address))
        assert home.dispatch(catcher.transport()).failed == (reminder.communication_id,)
        assert catcher.count()[reminder.communication_id] == 0


def _child(home: Home, url: str, make: Callable[[], Transport]) -> int:
    """Fork a dispatcher of its own; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        own = Home(open_store(url), home.clock, home.folder)
        own.dispatch(make())
        status = 0
    finally:
        os._exit(status)


@pytest.mark.parametrize("way", ["file", "smtp"])
def test_three_dispatchers_at_once_send_everything_once(any_home: Home, store_url: str, catcher: Catcher, way: str):
    messages = [
        message(f"Kthree{n}", text=f"{way} {any_home.folder}", template_hash=str(any_home.folder)) for n in range(45)
    ]
    any_home.plan(*messages)
    any_home.engine.dispose()
    make = any_home.file_transport if way == "file" else catcher.transport
    children = [_child(any_home, store_url, make) for _ in range(3)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    assert set(any_home.states().values()) == {"sent"}
    assert all(any_home.path(rendered).count("sending") == 1 for rendered in messages[::9])
    if way == "smtp":
        count = catcher.count()
        assert [count[rendered.communication_id] for rendered in messages] == [1] * 45
    else:
        assert len(any_home.files()) == 45
    assert verify(any_home.engine).exit_code == OK
    with reading(any_home.engine) as connection:
        claims = connection.execute(
            text("select count(*) from communication_event where to_state = 'sending'")
        ).scalar_one()
    assert claims == 45


def test_the_outbox_folder_is_private(home: Home):
    home.plan(message("K1"))
    home.dispatch()
    assert [Path(folder).stat().st_mode & 0o777 for folder in home.outbox.iterdir()] == [0o700]

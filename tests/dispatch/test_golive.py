"""Rehearsal and live: what a rehearsal can reach, how a home goes live, and what brakes do in each."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from assets.communications.brakes import BrakePolicy
from assets.communications.channels import (
    FileChannel,
    LiveEndpoint,
    LivePermit,
    LoopbackEndpoint,
    SmtpChannel,
    SmtpOptions,
    Transport,
    live_permit,
)
from assets.communications.golive import CONFIRMATION, go_live
from assets.communications.release import release
from assets.operations.control import control
from assets.operations.facts import dispatch_facts, latest_sequences, sent_messages
from assets.operations.refusal import Refusal
from assets.operations.store import reading
from assets.operations.tables import communication_event
from tests.dispatch.support import AMSTERDAM, MONDAY, TUESDAY, Home, message

LIVE_ENVIRONMENT = {"TIJDIG_LIVE": "1"}


def go(home: Home, **changes: object) -> int:
    arguments = {
        "by": "Ann",
        "configured_mode": "live",
        "environ": LIVE_ENVIRONMENT,
        "confirmation": CONFIRMATION,
        "timezone": AMSTERDAM,
    } | changes
    return go_live(home.engine, home.clock, **arguments)


def permit(home: Home) -> LivePermit:
    with reading(home.engine) as connection:
        return live_permit(connection, "live", LIVE_ENVIRONMENT)


def live_transport(home: Home) -> Transport:
    files = FileChannel(home.outbox)
    return Transport({"email": files, "letter": files}, permit(home))


class TestWhatARehearsalCanReach:
    @pytest.mark.parametrize(
        "host", ["mail.example.com", "10.0.0.1", "0.0.0.0", "127.0.0.1.example.com", "::", "192.168.1.2"]
    )
    def test_no_other_machine(self, host: str):
        with pytest.raises(Refusal, match="not this machine"):
            LoopbackEndpoint(host, 1025)

    @pytest.mark.parametrize("port", [25, 465, 587])
    def test_no_real_relay_on_this_machine(self, port: int):
        with pytest.raises(Refusal, match="real mail relay"):
            LoopbackEndpoint("127.0.0.1", port)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1"])
    def test_a_mail_catcher_on_this_machine(self, host: str):
        assert SmtpChannel(LoopbackEndpoint(host, 1025)).is_confined

    def test_a_permit_cannot_be_made_by_hand(self):
        with pytest.raises(TypeError, match="live_permit"):
            LivePermit(object())
        with pytest.raises(TypeError, match="needs a LivePermit"):
            LiveEndpoint("mail.example.com", 587, object())  # type: ignore[arg-type]

    def test_a_rehearsal_home_gets_no_permit(self, home: Home):
        with reading(home.engine) as connection, pytest.raises(Refusal, match="in rehearsal"):
            live_permit(connection, "live", LIVE_ENVIRONMENT)

    def test_a_live_channel_does_not_fit_into_a_rehearsal_transport(self, home: Home):
        go(home)
        channel = SmtpChannel(LiveEndpoint("mail.example.com", 587, permit(home)))
        with pytest.raises(Refusal, match="beyond this machine"):
            Transport({"email": channel})
        assert Transport({"email": channel}, permit(home)).mode == "live"

    def test_a_live_home_without_configuration_or_environment_gets_no_permit(self, home: Home):
        go(home)
        with reading(home.engine) as connection:
            with pytest.raises(Refusal, match="dry-run"):
                live_permit(connection, "dry-run", LIVE_ENVIRONMENT)
            with pytest.raises(Refusal, match="TIJDIG_LIVE"):
                live_permit(connection, "live", {"TIJDIG_LIVE": "yes"})

    def test_the_wait_after_the_dot_cannot_be_shortened_for_real(self, home: Home):
        go(home)
        with pytest.raises(Refusal, match="too short"):
            SmtpChannel(LiveEndpoint("mail.example.com", 587, permit(home)), SmtpOptions(final_seconds=599))

    def test_a_password_does_not_show(self):
        assert "secret" not in repr(SmtpOptions(user="u", password="secret"))


class TestGoingLive:
    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"configured_mode": "dry-run"}, "dry-run"),
            ({"environ": {}}, "TIJDIG_LIVE"),
            ({"confirmation": "yes"}, "Type exactly"),
            ({"by": " "}, "Nobody"),
        ],
    )
    def test_everything_must_say_so(self, home: Home, change: dict[str, object], what: str):
        with pytest.raises(Refusal, match=what):
            go(home, **change)
        with reading(home.engine) as connection:
            assert control(connection).mode == "rehearsal"

    def test_the_rehearsal_is_cancelled_and_no_fact_any_more(self, any_home: Home):
        home = any_home
        sent, held, gone = message("K1"), message("K2", formal=True), message("K3")
        home.plan(gone)
        home.plan(sent, held)
        home.dispatch()
        with reading(home.engine) as connection:
            before = latest_sequences(connection).dispatch
            rehearsed = list(dispatch_facts(connection, before))
        assert go(home) == 2
        assert home.states() == {
            sent.communication_id: "cancelled",
            held.communication_id: "cancelled",
            gone.communication_id: "superseded",
        }
        with reading(home.engine) as connection:
            now = latest_sequences(connection).dispatch
            assert list(dispatch_facts(connection, now)) == []
            assert list(sent_messages(connection, now)) == []
            assert list(dispatch_facts(connection, before)) == rehearsed, "a rehearsal day can still be looked at"
            reasons = connection.execute(
                select(communication_event.c.reason).where(communication_event.c.to_state == "cancelled")
            ).scalars()
            assert set(reasons) == {"rehearsal"}
            state = control(connection)
        assert (state.mode, state.live_since_on) == ("live", MONDAY)

    def test_it_happens_once(self, home: Home):
        go(home)
        with pytest.raises(Refusal, match="live already"):
            go(home)

    def test_not_while_a_message_is_on_its_way(self, home: Home):
        home.plan(message("K1"))

        from tests.dispatch.test_dispatch import Interrupted

        def die(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            home.dispatch(Transport({"email": Interrupted(FileChannel(home.outbox), die)}))
        with pytest.raises(Refusal, match="being sent"):
            go(home)

    def test_the_first_live_day_may_say_again_what_it_rehearsed(self, any_home: Home):
        home = any_home
        reminder = message("K1")
        home.plan(reminder)
        home.dispatch()
        go(home)
        assert home.plan(reminder).held == (reminder.communication_id,)
        assert home.row(reminder).held_reason == "brake:first_live_day"
        assert home.dispatch(live_transport(home)).sent == ()
        release(home.engine, home.clock, by="Ann", reason="looked at all", batch="2026-03-02")
        assert home.dispatch(live_transport(home)).sent == (reminder.communication_id,)
        with reading(home.engine) as connection:
            facts = list(dispatch_facts(connection, latest_sequences(connection).dispatch))
        assert [fact[11] for fact in facts] == ["held", "sent"]

    def test_a_message_cancelled_by_a_person_stays_so_when_live(self, home: Home):
        from assets.communications.release import refuse

        go(home)
        reminder = message("K1")
        home.plan(reminder)
        refuse(home.engine, home.clock, by="Ann", reason="no", communication_ids=[reminder.communication_id])
        assert home.plan(reminder).unchanged == (reminder.communication_id,)
        assert home.row(reminder).state == "cancelled"


class TestBrakes:
    def _days(self, home: Home, count: int, each: int, amount: str = "100.00") -> date:
        """Run and send `count` days of `each` messages; returns the day after."""
        day = MONDAY
        live = self._is_live(home)
        for number in range(count):
            home.clock.moment = home.clock.moment.replace(month=day.month, day=day.day)
            messages = [message(f"K{number}-{n}", day=day, amount=amount) for n in range(each)]
            if messages:
                home.plan(*messages)
            else:
                home.begin(day)
            if live:
                held = [key for key, state in home.states().items() if state == "held"]
                if held:
                    release(home.engine, home.clock, by="Ann", reason="ok", communication_ids=held)
                home.dispatch(live_transport(home))
            else:
                home.dispatch()
            day += timedelta(days=1)
        home.clock.moment = home.clock.moment.replace(month=day.month, day=day.day)
        return day

    def _is_live(self, home: Home) -> bool:
        with reading(home.engine) as connection:
            return control(connection).mode == "live"

    def _today(self, day: date, count: int, amount: str = "100.00"):
        return [message(f"today-{n}", day=day, amount=amount) for n in range(count)]

    @pytest.mark.parametrize(("count", "trips"), [(20, False), (21, True)])
    def test_volume_never_below_twenty(self, home: Home, count: int, trips: bool):
        day = self._days(home, 5, 1)
        result = home.plan(*self._today(day, count, "1.00"))
        assert [brake.code for brake in result.brakes] == (["volume"] if trips else [])

    @pytest.mark.parametrize(("count", "trips"), [(24, False), (25, True)])
    def test_volume_above_three_times_the_median(self, home: Home, count: int, trips: bool):
        day = self._days(home, 5, 8)
        result = home.plan(*self._today(day, count, "1.00"))
        assert [brake.code for brake in result.brakes] == (["volume"] if trips else [])

    def test_one_bad_day_does_not_move_the_yardstick(self, home: Home):
        self._days(home, 4, 1)
        day = MONDAY + timedelta(days=4)
        home.plan(*self._today(day, 19, "1.00"))
        home.dispatch()
        result = home.plan(*[message(f"next-{n}", day=day + timedelta(days=1), amount="1.00") for n in range(21)])
        assert [brake.code for brake in result.brakes] == ["volume"]

    @pytest.mark.parametrize(("amount", "trips"), [("300.00", False), ("300.01", True)])
    def test_money_above_three_times_the_median(self, home: Home, amount: str, trips: bool):
        day = self._days(home, 5, 1)
        result = home.plan(message("today", day=day, amount=amount))
        assert [brake.code for brake in result.brakes] == (["money"] if trips else [])

    def test_money_of_one_currency_is_no_yardstick_for_another(self, home: Home):
        day = self._days(home, 5, 1)
        assert home.plan(message("today", day=day, amount="9999.00", currency="USD")).brakes == ()

    def test_a_rehearsal_reports_and_sends(self, home: Home):
        day = self._days(home, 5, 1)
        result = home.plan(*self._today(day, 21))
        assert {brake.code for brake in result.brakes} == {"volume", "money"}
        assert not result.is_held_by_brake
        assert len(home.dispatch().sent) == 21

    def test_live_holds_everything_until_a_person_releases(self, home: Home):
        go(home)
        day = self._days(home, 5, 1)
        batch = self._today(day, 21)
        result = home.plan(*batch)
        assert result.is_held_by_brake
        assert len(result.held) == 21
        assert home.dispatch(live_transport(home)).sent == ()
        assert home.plan(*batch).held == result.held, "planning again does not lift a brake"
        release(home.engine, home.clock, by="Ann", reason="quarter end, expected", batch=str(day))
        assert len(home.plan(*batch).approved) == 21, "a person has looked; the same brake does not hold it again"
        assert len(home.dispatch(live_transport(home)).sent) == 21

    def test_live_days_without_history_are_held(self, home: Home):
        go(home)
        assert [b.code for b in home.plan(message("K1")).brakes] == ["first_live_day"]
        home.clock.forward(86400)
        assert [b.code for b in home.plan(message("K2", day=TUESDAY)).brakes] == ["short_history"]

    def test_a_new_policy_is_held(self, home: Home):
        go(home)
        day = self._days(home, 5, 1)
        quiet = home.plan(message("K1", day=day), run=home.begin(day, "same", policy="p1"))
        assert quiet.brakes == ()
        changed = home.plan(message("K1", day=day), run=home.begin(day, "other", policy="p2"))
        assert [brake.code for brake in changed.brakes] == ["new_policy"]
        assert changed.held

    def test_an_empty_plan_trips_nothing(self, home: Home):
        go(home)
        assert home.plan(run=home.begin(MONDAY)).brakes == ()

    def test_the_yardstick_can_be_set(self, home: Home):
        day = self._days(home, 2, 1)
        tight = BrakePolicy(least_volume=1, factor=1, least_history=2)
        assert {b.code for b in home.plan(*self._today(day, 2), brake_policy=tight).brakes} == {"volume", "money"}

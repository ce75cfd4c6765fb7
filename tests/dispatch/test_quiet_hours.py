"""When messages may leave: the hours of a live home, by the clock on its wall, and the days of the customer's country."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

import pytest
from sqlalchemy import update

from assets.communications.dispatch import DispatchPolicy, DispatchResult, SendingHours
from assets.communications.messages import RenderedMessage
from assets.communications.release import release
from assets.operations.store import writing
from assets.operations.tables import communication, run_control
from assets.register.events import record
from tests.dispatch.support import AMSTERDAM, MONDAY, TUESDAY, Home, message

HOURS = SendingHours(time(7, 30), time(19, 0))


def _live_at(home: Home, moment: datetime, *messages: RenderedMessage) -> DispatchResult:
    """A pass of a live home at a moment of the day its messages were planned for."""
    home.plan(*messages)
    with writing(home.engine) as connection:
        connection.execute(update(communication).values(is_rehearsal=False))
        connection.execute(update(run_control).values(mode="live", live_since_on=MONDAY))
    home.clock.moment = moment
    return _again(home)


def _again(home: Home) -> DispatchResult:
    transport = home.file_transport()
    transport.mode = "live"
    return home.dispatch(transport, policy=DispatchPolicy(hours=HOURS))


@pytest.mark.parametrize(
    ("moment", "is_admitted"),
    [
        # Winter: the wall is an hour before UTC.
        (datetime(2026, 3, 2, 6, 29, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 2, 6, 30, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 17, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 2, 18, 0, tzinfo=UTC), False),
        # The day the clock was put forward in the night, and the day before: two hours, and one.
        (datetime(2026, 3, 28, 5, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 5, 29, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 29, 5, 30, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 17, 0, tzinfo=UTC), False),
        # The day it was put back.
        (datetime(2026, 10, 25, 5, 30, tzinfo=UTC), False),
        (datetime(2026, 10, 25, 6, 30, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 17, 30, tzinfo=UTC), True),
        (datetime(2026, 10, 25, 18, 0, tzinfo=UTC), False),
    ],
)
def test_the_hours_are_those_of_the_wall_also_where_the_clock_was_changed(moment: datetime, is_admitted: bool) -> None:
    assert HOURS.admit(moment, AMSTERDAM) is is_admitted


def test_half_past_two_that_does_not_exist_and_half_past_two_that_comes_twice() -> None:
    night = SendingHours(time(2, 30), time(3, 0))
    spring = [datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)]
    assert [night.admit(moment, AMSTERDAM) for moment in spring] == [False, False]
    autumn = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    assert [night.admit(moment, AMSTERDAM) for moment in autumn] == [True, True, False]


def test_an_email_waits_for_the_hour_and_a_letter_does_not(home: Home) -> None:
    mail, letter = message("K1"), message("K2", channel="letter")
    early = _live_at(home, datetime(2026, 3, 2, 6, 29, 59, tzinfo=UTC), mail, letter)
    assert early.sent == (letter.communication_id,)
    assert (early.waiting, early.is_quiet) == (1, True)
    assert home.path(mail) == ["planned", "rendered", "approved"], "not even claimed"
    home.clock.moment = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)
    on_time = _again(home)
    assert on_time.sent == (mail.communication_id,)
    assert (on_time.waiting, on_time.is_quiet) == (0, False)


def test_a_pass_that_waits_for_its_tries_does_not_wait_for_the_morning(home: Home) -> None:
    home.plan(message("K1"))
    with writing(home.engine) as connection:
        connection.execute(update(communication).values(is_rehearsal=False))
        connection.execute(update(run_control).values(mode="live", live_since_on=MONDAY))
    home.clock.moment = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
    transport = home.file_transport()
    transport.mode = "live"

    def never(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    assert home.dispatch(transport, policy=DispatchPolicy(hours=HOURS), sleep=never).is_quiet


def test_what_got_no_hour_is_not_sent_late_but_planned_again(home: Home) -> None:
    late = message("K1", occasion="event/1")
    assert _live_at(home, datetime(2026, 3, 2, 18, 0, tzinfo=UTC), late).waiting == 1
    home.clock.moment = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
    again = message("K1", occasion="event/1", day=TUESDAY)
    result = home.plan(again)
    assert result.expired == (late.communication_id,)
    assert not result.occupied
    assert home.row(again).state in ("approved", "held")


def test_a_rehearsal_has_no_hours_of_its_own(home: Home) -> None:
    reminder = message("K1")
    home.plan(reminder)
    home.clock.moment = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert home.dispatch(policy=DispatchPolicy(hours=HOURS)).sent == (reminder.communication_id,)


def _on_a_day(rendered: RenderedMessage, is_sending_day: bool) -> RenderedMessage:
    return replace(rendered, row={**rendered.row, "is_sending_day": is_sending_day})


def test_on_a_closed_day_nothing_leaves_and_the_stage_is_free_for_the_next(home: Home) -> None:
    closed, open_ = _on_a_day(message("K1"), False), _on_a_day(message("K2"), True)
    home.plan(closed, open_)
    result = home.dispatch()
    assert (result.sent, result.expired) == ((open_.communication_id,), (closed.communication_id,))
    assert not home.plan(closed, open_).planned, "the same day again does not bring it back"
    assert not home.dispatch().sent
    home.clock.forward(86400)
    next_day = _on_a_day(message("K1", day=TUESDAY), True)
    assert home.plan(next_day).planned == (next_day.communication_id,)
    assert home.dispatch().sent == (next_day.communication_id,)


def test_a_release_given_on_a_closed_day_counts_on_the_next(home: Home) -> None:
    notice = _on_a_day(message("K1", formal=True), False)
    home.plan(notice)
    release(home.engine, home.clock, by="Ann", reason="seen", communication_ids=[notice.communication_id])
    assert home.dispatch().expired == (notice.communication_id,)
    home.clock.forward(86400)
    next_day = _on_a_day(message("K1", formal=True, day=TUESDAY), True)
    assert home.plan(next_day).carried_over == (next_day.communication_id,)
    assert home.dispatch().sent == (next_day.communication_id,)


def test_a_promise_taken_back_before_its_confirmation_left_is_not_confirmed(home: Home) -> None:
    confirmation, reminder = message("K1", "F1", occasion="promise/1"), message("K1", "F1")
    home.plan(confirmation, reminder)
    record(
        home.engine, home.clock, kind="promise_withdrawn", company_id="C1", effective_on=MONDAY, recorded_by="Ann",
        payload={"invoices": ["F1"]},
    )  # fmt: skip
    result = home.dispatch()
    assert result.held == (confirmation.communication_id,)
    assert home.row(confirmation).held_reason == "facts_newer:promise_withdrawn"
    assert result.sent == (reminder.communication_id,)

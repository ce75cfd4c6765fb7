"""The one row that says how this home behaves: rehearsal or live, stopped or not, and which day it has reached.

A home rehearses from the day it is made until it goes live, then it is live for good. In rehearsal a run makes its date
"today"; in live, today is the calendar date in the home's time zone and nothing else (see `admit_day`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, select, update

from assets.operations import journal
from assets.operations.clock import Clock, calendar_date
from assets.operations.refusal import Refusal
from assets.operations.store import writing
from assets.operations.tables import run_control

Mode = Literal["rehearsal", "live"]


@dataclass(frozen=True)
class Control:
    """The state of the home, as the reading transaction sees it."""

    mode: Mode
    live_since: datetime | None
    live_since_on: date | None
    is_stopped: bool
    stopped_by: str | None
    stopped_reason: str | None
    last_as_of_date: date | None
    last_run_id: str | None


def control(connection: Connection) -> Control:
    """The state of the home."""
    row = connection.execute(select(run_control)).one()
    return Control(
        mode="live" if row.mode == "live" else "rehearsal",
        live_since=row.live_since,
        live_since_on=row.live_since_on,
        is_stopped=row.is_stopped,
        stopped_by=row.stopped_by,
        stopped_reason=row.stopped_reason,
        last_as_of_date=row.last_as_of_date,
        last_run_id=row.last_run_id,
    )


def business_today(connection: Connection, clock: Clock, timezone: ZoneInfo) -> date:
    """Today for sending: in live the calendar date, in rehearsal the last day that was run."""
    state = control(connection)
    if state.mode == "rehearsal" and state.last_as_of_date is not None:
        return state.last_as_of_date
    return calendar_date(clock, timezone)


def admit_day(connection: Connection, clock: Clock, timezone: ZoneInfo, requested: date | None = None) -> date:
    """The day a run may be for. Without a request: the calendar date.

    Raises Refusal when a live home is asked for another day than the calendar's, when a rehearsal home is asked for a
    day before its last one or after the calendar date, and when the machine's clock lies before the last day run.
    """
    state = control(connection)
    calendar = calendar_date(clock, timezone)
    if state.mode == "live" and requested is not None and requested != calendar:
        raise Refusal(
            f"This home is live: today is {calendar}, not {requested}",
            "--date",
            f"Leave --date out, or look back with: tijdig replay --date {requested}",
        )
    day = requested or calendar
    if day > calendar:
        raise Refusal(f"{day} has not come yet: today is {calendar}", "--date", "Choose a day up to today")
    if state.last_as_of_date is not None and day < state.last_as_of_date:
        if requested is None:
            raise Refusal(
                f"The machine's clock says {calendar}, but this home has already run {state.last_as_of_date}",
                "system clock",
                "Set the clock right, then run again",
            )
        raise Refusal(
            f"{day} lies before the last day run, {state.last_as_of_date}",
            "--date",
            f"Choose {state.last_as_of_date} or later, or look back with: tijdig replay --date {day}",
        )
    return day


def stop(engine: Engine, clock: Clock, by: str, reason: str) -> None:
    """Pull the kill switch: from its commit on, no dispatcher makes another message leave."""
    _require_name_and_reason(by, reason)
    _switch(engine, clock, by, reason, is_stopped=True)


def resume(engine: Engine, clock: Clock, by: str, reason: str) -> None:
    """Release the kill switch."""
    _require_name_and_reason(by, reason)
    _switch(engine, clock, by, reason, is_stopped=False)


def _switch(engine: Engine, clock: Clock, by: str, reason: str, is_stopped: bool) -> None:
    now = clock.now()
    values: Mapping[str, object] = {
        "is_stopped": is_stopped,
        "stopped_at": now if is_stopped else None,
        "stopped_by": by if is_stopped else None,
        "stopped_reason": reason if is_stopped else None,
    }
    with writing(engine) as connection:
        connection.execute(update(run_control).values(**values))
        journal.append(connection, now, by, "stopped" if is_stopped else "resumed", (), {"reason": reason})


def _require_name_and_reason(by: str, reason: str) -> None:
    if not by.strip():
        raise Refusal("Nobody is named", "--by", "Give the name of the person who decides this")
    if not reason.strip():
        raise Refusal("No reason is given", "--reason", "Say why: it goes into the audit journal")

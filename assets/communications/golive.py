"""Going live: once, on purpose, and never back."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select, update

from assets.communications.channels import require_live_settings
from assets.communications.transitions import Author, Step, take
from assets.operations import journal
from assets.operations.clock import Clock, calendar_date
from assets.operations.control import control
from assets.operations.refusal import Refusal
from assets.operations.store import writing
from assets.operations.tables import communication, communication_event, run_control

# What a person types, letter by letter, before the first customer can be reached.
CONFIRMATION = "send to real customers"

# The reason on the cancellation of everything a rehearsal had produced.
REHEARSAL = "rehearsal"


def go_live(
    engine: Engine,
    clock: Clock,
    *,
    by: str,
    configured_mode: str,
    environ: Mapping[str, str],
    confirmation: str,
    timezone: ZoneInfo,
) -> int:
    """Stamp the home live and cancel every rehearsal message; returns how many were cancelled.

    From here on stages start again from `opening_stages`, since `facts` no longer reports what the rehearsal "sent".

    Raises Refusal when configuration, environment or the typed confirmation is missing, when the home is live already,
    or when a dispatcher is at work (a message is claimed or being sent).
    """
    require_live_settings(configured_mode, environ)
    if not by.strip():
        raise Refusal("Nobody is named", "--by", "Give the name of the person who decides this")
    if confirmation != CONFIRMATION:
        raise Refusal("The confirmation was not typed", "confirmation", f"Type exactly: {CONFIRMATION}")
    with writing(engine) as connection:
        if control(connection).mode == "live":
            raise Refusal("This home is live already", "operations store", "Nothing needs to be done")
        busy: int = connection.execute(
            select(func.count()).select_from(communication).where(communication.c.state.in_(("claimed", "sending")))
        ).scalar_one()
        if busy:
            raise Refusal(f"{busy} messages are being sent", "outbox", "Let tijdig dispatch finish, then go live")
        author = Author(clock.now(), by)
        rehearsed = connection.execute(
            select(communication.c.communication_id, communication.c.state, communication.c.token)
            .where(communication.c.state.not_in(("superseded", "cancelled", "expired")))
            .order_by(communication.c.communication_id)
        ).all()
        for row in rehearsed:
            take(connection, author, Step(row.communication_id, row.state, "cancelled", row.token, REHEARSAL))
        newest: int = connection.execute(select(func.coalesce(func.max(communication_event.c.seq), 0))).scalar_one()
        connection.execute(
            update(run_control).values(
                mode="live", live_since=author.at, live_since_on=calendar_date(clock, timezone), live_from_seq=newest
            )
        )
        journal.append(connection, author.at, by, "went_live", (), {"cancelled": len(rehearsed), "from_seq": newest})
    return len(rehearsed)

"""People and held messages: release lets one leave, refuse stops it for good. Both name who and why."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, or_, select, update

from assets.communications.preflight import FACTS_NEWER, NEWER_RUN
from assets.communications.transitions import Author, Step, take
from assets.operations.clock import Clock
from assets.operations.control import control
from assets.operations.refusal import Refusal
from assets.operations.store import writing
from assets.operations.tables import communication, register_event, run, run_control

# Holds that a yes cannot lift, and what does.
_NOT_BY_RELEASE = {
    FACTS_NEWER: "Something was recorded about this customer after the plan: run the day again",
    NEWER_RUN: "A later run did not plan it again: run the day again",
    "recipient_not_allowed": "Add the recipient to [dispatch] allow_list, then run the day again",
    "recipient_mismatch": "The stored recipient was altered: find out who did, then run the day again",
    "body_mismatch": "The stored body is not what was approved: run the day again",
    "other_mode": "It was planned in the other mode of this home: run the day again",
    "no_channel": "Configure that channel, then run the day again",
}


@dataclass(frozen=True)
class Untouched:
    """A message that was asked for and left as it is, with the reason and the next step."""

    communication_id: str
    what: str
    what_to_do: str


@dataclass(frozen=True)
class ReleaseResult:
    """The messages that changed, and those that did not."""

    changed: tuple[str, ...]
    untouched: tuple[Untouched, ...]


def release(
    engine: Engine,
    clock: Clock,
    *,
    by: str,
    reason: str,
    communication_ids: Sequence[str] = (),
    batch: str | None = None,
) -> ReleaseResult:
    """Let held messages leave: held -> approved. A release covers exactly the bytes it was given for.

    `batch` is a run_id, a business date (YYYY-MM-DD) or a landing batch number, and means every message that run or day
    holds. Raises Refusal when nothing is named, an id or batch does not exist, or `by` or `reason` is missing.
    """
    return _decide(engine, clock, "release", by, reason, communication_ids, batch)


def refuse(
    engine: Engine,
    clock: Clock,
    *,
    by: str,
    reason: str,
    communication_ids: Sequence[str] = (),
    batch: str | None = None,
) -> ReleaseResult:
    """Stop messages that have not left: held or approved -> cancelled. Planning the same day again does not revive
    them.
    """
    return _decide(engine, clock, "refuse", by, reason, communication_ids, batch)


def apply_recorded_decisions(engine: Engine, clock: Clock) -> ReleaseResult:
    """Carry out the register events of kind release and refuse (worklists, extracts) that were not carried out yet."""
    changed: list[str] = []
    untouched: list[Untouched] = []
    with writing(engine) as connection:
        done: int = connection.execute(select(run_control.c.releases_applied_seq)).scalar_one()
        events = connection.execute(
            select(register_event)
            .where(register_event.c.seq > done, register_event.c.kind.in_(("release", "refuse")))
            .order_by(register_event.c.seq)
        ).all()
        for event in events:
            payload = json.loads(event.payload)
            author = Author(clock.now(), event.recorded_by)
            try:
                rows = _named(
                    connection,
                    [payload["communication_id"]] if "communication_id" in payload else [],
                    payload.get("batch"),
                )
            except Refusal as problem:
                untouched.append(Untouched(payload.get("communication_id", ""), problem.what, problem.what_to_do))
                continue
            for row in rows:
                outcome = _apply(connection, author, event.kind, payload["reason"], row, company_id=event.company_id)
                untouched.append(outcome) if outcome else changed.append(row.communication_id)
        if events:
            connection.execute(update(run_control).values(releases_applied_seq=events[-1].seq))
    return ReleaseResult(tuple(changed), tuple(untouched))


def _decide(
    engine: Engine,
    clock: Clock,
    verb: Literal["release", "refuse"],
    by: str,
    reason: str,
    communication_ids: Sequence[str],
    batch: str | None,
) -> ReleaseResult:
    if not by.strip():
        raise Refusal(f"Nobody is named for this {verb}", "--by", "Give the name of the person who decides")
    if not reason.strip():
        raise Refusal(f"This {verb} has no reason", "--reason", "Say why: it goes into the journal")
    if bool(communication_ids) == (batch is not None):
        raise Refusal(f"What to {verb} is not clear", "arguments", f"Name messages or one batch: tijdig {verb} ID...")
    changed: list[str] = []
    untouched: list[Untouched] = []
    with writing(engine) as connection:
        author = Author(clock.now(), by)
        for row in _named(connection, communication_ids, batch):
            outcome = _apply(connection, author, verb, reason, row)
            untouched.append(outcome) if outcome else changed.append(row.communication_id)
    return ReleaseResult(tuple(changed), tuple(untouched))


def _named(connection: Connection, communication_ids: Sequence[str], batch: str | None) -> list[Row[Any]]:
    query = select(communication).order_by(communication.c.communication_id)
    if batch is not None:
        rows = connection.execute(query.where(_in_batch(batch), communication.c.state.in_(("held", "approved")))).all()
        if not rows:
            raise Refusal(f"Batch {batch} holds nothing", "--batch", "Take the run_id or the date from tijdig run")
        return list(rows)
    rows = connection.execute(query.where(communication.c.communication_id.in_(list(communication_ids)))).all()
    unknown = sorted(set(communication_ids) - {row.communication_id for row in rows})
    if unknown:
        raise Refusal(f"There is no message {', '.join(unknown)}", "ID", "Copy the communication_id from the outbox")
    return list(rows)


def _in_batch(batch: str) -> ColumnElement[bool]:
    meanings: list[ColumnElement[bool]] = [communication.c.run_id == batch]
    try:
        meanings.append(communication.c.as_of_date == date.fromisoformat(batch))
    except ValueError:
        if batch.isdecimal():
            runs = select(run.c.run_id).where(run.c.batch_watermark == int(batch))
            meanings.append(communication.c.run_id.in_(runs))
    return or_(*meanings)


def _apply(
    connection: Connection,
    author: Author,
    verb: str,
    reason: str,
    row: Row[Any],
    company_id: str | None = None,
) -> Untouched | None:
    """Change one message; or say why not."""
    if company_id is not None and row.company_id != company_id:
        return Untouched(row.communication_id, "belongs to another company", "Record the event for its own company")
    if verb == "refuse":
        if row.state not in ("held", "approved"):
            return Untouched(row.communication_id, f"is {row.state}", "Only what has not left can be refused")
        step = Step(row.communication_id, row.state, "cancelled", row.token, reason, {"held_reason": None})
        take(connection, author, step)
        return None
    if row.state != "held":
        return Untouched(row.communication_id, f"is {row.state}, not held", "There is nothing to release")
    today = control(connection).last_as_of_date
    if today is not None and row.as_of_date < today:
        return Untouched(row.communication_id, f"was for {row.as_of_date}", "Its day is over; release today's message")
    why_held = (row.held_reason or "").partition(":")[0]
    if why_held in _NOT_BY_RELEASE:
        return Untouched(row.communication_id, f"is held: {row.held_reason}", _NOT_BY_RELEASE[why_held])
    take(
        connection,
        author,
        Step(row.communication_id, "held", "approved", row.token, reason, _released(row, author, reason)),
    )
    return None


def _released(row: Row[Any], author: Author, reason: str) -> dict[str, object]:
    at: datetime = author.at
    return {
        "held_reason": None,
        "is_released": True,
        "released_by": author.actor,
        "released_at": at,
        "release_reason": reason,
        "approved_sha256": row.body_sha256,
    }

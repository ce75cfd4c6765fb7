"""People and held messages: release lets one leave, refuse stops it for good. Both name who and why.

What costs both sides money needs more than one pair of eyes: the message row says how many different people must agree
(`approvals_needed`, from the seed release_rules). Each yes is kept with what it was given to; the last one releases.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, insert, or_, select, update

from assets.communications.preflight import FACTS_NEWER, NEWER_RUN
from assets.communications.transitions import Author, Step, take
from assets.operations import journal
from assets.operations.clock import Clock
from assets.operations.control import control
from assets.operations.refusal import Refusal
from assets.operations.store import next_seq, writing
from assets.operations.tables import (
    communication,
    communication_event,
    register_event,
    release_approval,
    run,
    run_control,
)

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
class Awaiting:
    """A message that was agreed to and still waits for other people."""

    communication_id: str
    approved_by: tuple[str, ...]
    approvals_needed: int


@dataclass(frozen=True)
class ReleaseResult:
    """The messages that changed, those that did not, and those that need the yes of somebody else."""

    changed: tuple[str, ...]
    untouched: tuple[Untouched, ...]
    awaiting: tuple[Awaiting, ...] = ()


def release(
    engine: Engine,
    clock: Clock,
    *,
    by: str,
    reason: str,
    communication_ids: Sequence[str] = (),
    batch: str | None = None,
) -> ReleaseResult:
    """Let held messages leave: held -> approved, once as many different people agreed as the message needs. A release
    covers exactly the bytes it was given for.

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
    awaiting: list[Awaiting] = []
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
                _sort(row.communication_id, outcome, changed, untouched, awaiting)
        if events:
            connection.execute(update(run_control).values(releases_applied_seq=events[-1].seq))
    return ReleaseResult(tuple(changed), tuple(untouched), tuple(awaiting))


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
    awaiting: list[Awaiting] = []
    with writing(engine) as connection:
        author = Author(clock.now(), by)
        for row in _named(connection, communication_ids, batch):
            outcome = _apply(connection, author, verb, reason, row)
            _sort(row.communication_id, outcome, changed, untouched, awaiting)
    return ReleaseResult(tuple(changed), tuple(untouched), tuple(awaiting))


def _sort(
    communication_id: str,
    outcome: Untouched | Awaiting | None,
    changed: list[str],
    untouched: list[Untouched],
    awaiting: list[Awaiting],
) -> None:
    if outcome is None:
        changed.append(communication_id)
    elif isinstance(outcome, Awaiting):
        awaiting.append(outcome)
    else:
        untouched.append(outcome)


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
) -> Untouched | Awaiting | None:
    """Change one message; or say why not, or who else must agree."""
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
    people = [author.actor]
    needed = approvals_needed(row)
    if needed > 1:
        earlier = approvals(connection, row)
        if _person(author.actor) in map(_person, earlier):
            return Untouched(
                row.communication_id,
                f"was agreed to by {', '.join(earlier)} already ({len(earlier)} of {needed})",
                "It leaves when somebody else agrees too: they release it under their own name",
            )
        people = [*earlier, author.actor]
        _approve(connection, author, row, reason, people, needed)
        if len(people) < needed:
            return Awaiting(row.communication_id, tuple(people), needed)
    take(
        connection,
        author,
        Step(row.communication_id, "held", "approved", row.token, reason, _released(row, author, reason, people)),
    )
    return None


def approvals_needed(row: Row[Any]) -> int:
    """How many different people must agree before the message may leave; one where its row does not say."""
    said = json.loads(row.row_json).get("approvals_needed")
    return int(said) if row.requires_release and said else 1


def approvals(connection: Connection, row: Row[Any]) -> list[str]:
    """Who agreed to what this message claims, in order. A refusal of the same claim takes back what was said before it."""
    refused_at: datetime | None = connection.execute(
        select(func.max(communication_event.c.occurred_at))
        .join(communication, communication.c.communication_id == communication_event.c.communication_id)
        .where(
            communication.c.fingerprint == row.fingerprint,
            communication.c.is_rehearsal == row.is_rehearsal,
            communication_event.c.to_state == "cancelled",
        )
    ).scalar_one()
    said = connection.execute(
        select(release_approval.c.approved_by, release_approval.c.approved_at)
        .join(communication, communication.c.communication_id == release_approval.c.communication_id)
        .where(
            release_approval.c.fingerprint == row.fingerprint,
            communication.c.is_rehearsal == row.is_rehearsal,
        )
        .order_by(release_approval.c.seq)
    ).all()
    people: dict[str, str] = {}
    for each in said:
        if refused_at is None or each.approved_at > refused_at:
            people.setdefault(_person(each.approved_by), each.approved_by)
    return list(people.values())


def _approve(
    connection: Connection, author: Author, row: Row[Any], reason: str, people: Sequence[str], needed: int
) -> None:
    connection.execute(
        insert(release_approval).values(
            seq=next_seq(connection, release_approval.c.seq),
            communication_id=row.communication_id,
            fingerprint=row.fingerprint,
            body_sha256=row.body_sha256,
            approved_by=author.actor,
            approved_at=author.at,
            reason=reason,
        )
    )
    journal.append(
        connection,
        author.at,
        author.actor,
        "release_approved",
        [f"communication:{row.communication_id}"],
        {"reason": reason, "body_sha256": row.body_sha256, "approvals": len(people), "approvals_needed": needed},
    )


def _person(name: str) -> str:
    # "ann de  boer" is Ann de Boer, and not a second pair of eyes.
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _released(row: Row[Any], author: Author, reason: str, people: Sequence[str]) -> dict[str, object]:
    at: datetime = author.at
    return {
        "held_reason": None,
        "is_released": True,
        "released_by": ", ".join(people),
        "released_at": at,
        "release_reason": reason,
        "approved_sha256": row.body_sha256,
    }

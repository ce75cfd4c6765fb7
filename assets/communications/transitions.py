"""The life of a message: which step may follow which, and the one function that takes a step.

A step is a compare-and-set on (id, state, token): it happens for exactly one of several contenders. It moves the items
along, writes one communication_event and one audit entry, all in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from assets.operations import journal
from assets.operations.store import next_seq
from assets.operations.tables import UNSENT_STATES, communication, communication_event, communication_item

# Where a message may rest for good. `held` and `in_doubt` rest too, but each asks a person for a decision.
TERMINAL_STATES = (
    "sent",
    "delivered",
    "bounced",
    "complained",
    "closed_unknown",
    "superseded",
    "cancelled",
    "expired",
    "failed_permanent",
    "failed_exhausted",
)
WAITING_FOR_A_PERSON = ("held", "in_doubt")

_GIVEN_UP = ("superseded", "cancelled", "expired")

ALLOWED: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"rendered"}),
    "rendered": frozenset({"approved", "held"}),
    "approved": frozenset({"claimed", "held", "rendered", *_GIVEN_UP}),
    "held": frozenset({"approved", "rendered", *_GIVEN_UP}),
    "claimed": frozenset({"sending", "approved", "held", "failed_permanent", "failed_exhausted", *_GIVEN_UP}),
    "sending": frozenset(
        {
            "sent",
            "approved",
            "in_doubt",
            "closed_unknown",
            "failed_permanent",
            "failed_exhausted",
            "expired",
            "cancelled",
        }
    ),
    "sent": frozenset({"delivered", "bounced", "complained", "cancelled"}),
    "delivered": frozenset({"bounced", "complained", "cancelled"}),
    "complained": frozenset({"cancelled"}),
    "bounced": frozenset({"cancelled"}),
    # Disproved on its own day it is held again, for a person to release; later it expires.
    "in_doubt": frozenset({"sent", "delivered", "bounced", "held", "expired", "closed_unknown", "cancelled"}),
    "closed_unknown": frozenset({"sent", "delivered", "bounced", "cancelled"}),
    # The facts of the day went back to what they were: the same message is due again.
    "superseded": frozenset({"planned"}),
    # Only what a rehearsal left behind, when the first live day wants the same message.
    "cancelled": frozenset({"planned"}),
    "expired": frozenset(),
    "failed_permanent": frozenset({"cancelled"}),
    "failed_exhausted": frozenset({"cancelled"}),
}


class IllegalTransition(Exception):
    """A step the state machine does not know: a programming error, never a matter of timing."""


@dataclass(frozen=True)
class Step:
    """One intended step. `values` are further columns of the communication that change with it."""

    communication_id: str
    from_state: str
    to_state: str
    token: int
    reason: str | None = None
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Author:
    """Who takes a step, when, and in which run."""

    at: datetime
    actor: str
    run_id: str | None = None


def take(connection: Connection, author: Author, step: Step) -> bool:
    """Take one step; False when another process was faster (state or token is no longer what the caller believes)."""
    if step.to_state not in ALLOWED[step.from_state]:
        raise IllegalTransition(f"{step.communication_id}: {step.from_state} -> {step.to_state}")
    changed = connection.execute(
        update(communication)
        .where(
            communication.c.communication_id == step.communication_id,
            communication.c.state == step.from_state,
            communication.c.token == step.token,
        )
        .values(state=step.to_state, **step.values)
    )
    if changed.rowcount != 1:
        return False
    connection.execute(
        update(communication_item)
        .where(communication_item.c.communication_id == step.communication_id)
        .values(state=step.to_state)
    )
    token = step.values.get("token", step.token)
    assert isinstance(token, int)
    write_events(connection, author, [(step, token)])
    return True


def write_events(connection: Connection, author: Author, steps: Iterable[tuple[Step, int]]) -> None:
    """Write what happened, for steps whose effect on the tables is already made: (step, token after it).

    An empty `from_state` marks the beginning.
    """
    first = next_seq(connection, communication_event.c.seq)
    events: list[dict[str, object]] = []
    entries: list[journal.Entry] = []
    for seq, (step, token) in enumerate(steps, start=first):
        events.append(
            {
                "seq": seq,
                "communication_id": step.communication_id,
                "from_state": step.from_state or None,
                "to_state": step.to_state,
                "occurred_at": author.at,
                "actor": author.actor,
                "reason": step.reason,
                "token": token,
                "run_id": author.run_id,
            }
        )
        entries.append(
            journal.Entry(
                at=author.at,
                actor=author.actor,
                type="communication_" + step.to_state,
                subjects=(f"communication:{step.communication_id}", f"communication_event:{seq}"),
                payload={"from": step.from_state or None, "reason": step.reason, "token": token, **_evidence(step)},
                run_id=author.run_id,
            )
        )
    if events:
        connection.execute(insert(communication_event), events)
        journal.append_all(connection, entries)


def give_up(connection: Connection, author: Author, ids: Sequence[str], to_state: str, reason: str) -> list[str]:
    """Take unsent messages out of the running; returns those that were still unsent."""
    given_up = []
    for communication_id in ids:
        row = connection.execute(
            select(communication.c.state, communication.c.token).where(
                communication.c.communication_id == bindparam("id"), communication.c.state.in_(UNSENT_STATES)
            ),
            {"id": communication_id},
        ).first()
        if row is not None and take(
            connection, author, Step(communication_id, row.state, to_state, row.token, reason, {"held_reason": None})
        ):
            given_up.append(communication_id)
    return given_up


def _evidence(step: Step) -> dict[str, object]:
    # What an auditor wants to see beside the step itself. Recipients appear as hashes only.
    names = ("body_sha256", "recipient_hash", "provider_ref", "last_error", "released_by", "release_reason", "attempts")
    return {name: step.values[name] for name in names if step.values.get(name) is not None}

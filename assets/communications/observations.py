"""What we learn about a message after it left: accepted after all, delivered, bounced, complained about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Engine, Row, insert, select

from assets.communications.outbox import DISPROVED
from assets.communications.transitions import ALLOWED, Author, Step, take
from assets.operations import journal
from assets.operations.clock import Clock
from assets.operations.refusal import Refusal
from assets.operations.store import next_seq, writing
from assets.operations.tables import communication, delivery_observation, register_event

Observation = Literal["accepted", "delivered", "bounced", "complained"]

_MEANS: dict[str, str] = {
    "accepted": "sent",
    "delivered": "delivered",
    "bounced": "bounced",
    "complained": "complained",
}


def observe(
    engine: Engine, clock: Clock, communication_id: str, kind: Observation, *, source: str, detail: str = ""
) -> str:
    """Keep an observation (a delivery notice, a webhook) and move the message if it says something new.

    Returns the state afterwards. Raises Refusal on an unknown message.
    """
    with writing(engine) as connection:
        return observe_within(connection, Author(clock.now(), source), communication_id, kind, source, detail)


def observe_within(
    connection: Connection, author: Author, communication_id: str, kind: Observation, source: str, detail: str
) -> str:
    """As `observe`, inside the caller's write transaction."""
    row = _find(connection, communication_id)
    connection.execute(
        insert(delivery_observation).values(
            seq=next_seq(connection, delivery_observation.c.seq),
            communication_id=communication_id,
            observed_at=author.at,
            source=source,
            kind=kind,
            detail=detail,
        )
    )
    to_state = _MEANS[kind]
    if to_state not in ALLOWED[row.state]:
        # Nothing new (delivered twice), or about a message that was given up. Kept, with its entry, for a person to
        # see.
        journal.append(
            connection,
            author.at,
            author.actor,
            "observation",
            [f"communication:{communication_id}"],
            {"kind": kind, "source": source, "detail": detail, "state": row.state},
        )
        return str(row.state)
    values = {"provider_ref": detail} if kind == "accepted" else {}
    take(connection, author, Step(communication_id, row.state, to_state, row.token, f"{kind}, {source}", values))
    return to_state


def apply_receipts(engine: Engine, clock: Clock) -> tuple[str, ...]:
    """Letters whose receipt was recorded in the register are delivered; returns those that were not known to be."""
    delivered: dict[str, str] = {}
    with writing(engine) as connection:
        events = connection.execute(
            select(register_event).where(register_event.c.kind == "registered_letter").order_by(register_event.c.seq)
        ).all()
        for event in events:
            payload = json.loads(event.payload)
            if payload.get("received_on"):
                delivered[payload["communication_id"]] = (
                    f"{payload['tracking_number']}, received {payload['received_on']}"
                )
        waiting: Sequence[str] = (
            connection.execute(
                select(communication.c.communication_id)
                .where(communication.c.communication_id.in_(list(delivered)), communication.c.state == "sent")
                .order_by(communication.c.communication_id)
            )
            .scalars()
            .all()
        )
        for communication_id in waiting:
            author = Author(clock.now(), "register")
            observe_within(connection, author, communication_id, "delivered", "receipt", delivered[communication_id])
    return tuple(waiting)


def settle_doubt(
    engine: Engine,
    clock: Clock,
    communication_id: str,
    *,
    finding: Literal["left", "did_not_leave", "cannot_tell"],
    by: str,
    reason: str,
) -> str:
    """A person settles a doubt; returns the state afterwards.

    left: counts as sent. did_not_leave: held again, to be released anew today or to expire with its day. cannot_tell:
    closed, counts as sent for friendly steps; a formal step after it still needs proof.

    Raises Refusal when the message is not in doubt, or nobody or no reason is named.
    """
    if not by.strip() or not reason.strip():
        raise Refusal("Who settles this and why is missing", "--by, --reason", "Give both: they go into the journal")
    outcomes: dict[str, tuple[str, dict[str, object]]] = {
        "left": ("sent", {"provider_ref": f"settled by {by}"}),
        "did_not_leave": ("held", {"held_reason": DISPROVED, "is_released": False, "approved_sha256": None}),
        "cannot_tell": ("closed_unknown", {}),
    }
    to_state, values = outcomes[finding]
    with writing(engine) as connection:
        row = _find(connection, communication_id)
        if row.state not in ("in_doubt", "closed_unknown") or to_state not in ALLOWED[row.state]:
            raise Refusal(
                f"Message {communication_id} is {row.state}, so there is no such doubt to settle",
                "communication",
                "Look it up with: tijdig explain " + communication_id,
            )
        step = Step(communication_id, row.state, to_state, row.token, f"{finding}: {reason}", values)
        take(connection, Author(clock.now(), by), step)
    return to_state


def _find(connection: Connection, communication_id: str) -> Row[Any]:
    row = connection.execute(select(communication).where(communication.c.communication_id == communication_id)).first()
    if row is None:
        raise Refusal(
            f"There is no message {communication_id}", "communication_id", "Copy it from the outbox or explain"
        )
    return row

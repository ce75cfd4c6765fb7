"""What the operations store tells the warehouse: register, dispatch and sent-message facts, up to a sequence number.

Each reader yields exactly the columns of its raw table, in their order, as tuples; moments are naive UTC, since the raw
tables have plain timestamps and an aware one would be shifted to the session's zone on its way in. A sequence number
pins the answer for good, with one exception that is itself pinned: after going live, rehearsal messages are no facts
any more. They vanish from every answer at or above the sequence of that moment, and stay in answers below it, so that a
rehearsal day can still be replayed. After going live the landing must therefore reload these tables whole, not only the
new rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, or_, select

from assets.operations.tables import communication, communication_event, communication_item, register_event, run_control

# The state changes the warehouse reckons with.
FACT_STATES = ("sent", "delivered", "bounced", "in_doubt", "closed_unknown", "held", "failed_permanent")

# A receiving server that refuses an address for good says at once what a bounce says later: it reaches nobody.
_STATE_AS_FACT = case(
    (communication_event.c.to_state == "failed_permanent", "bounced"), else_=communication_event.c.to_state
)


@dataclass(frozen=True)
class Sequences:
    """The newest numbers of the two logs; 0 for an empty one."""

    register: int
    dispatch: int


def latest_sequences(connection: Connection) -> Sequences:
    """The newest register and dispatch sequence numbers of this transaction's snapshot."""
    return Sequences(
        register=connection.execute(select(func.coalesce(func.max(register_event.c.seq), 0))).scalar_one(),
        dispatch=connection.execute(select(func.coalesce(func.max(communication_event.c.seq), 0))).scalar_one(),
    )


def register_facts(connection: Connection, up_to_seq: int, after_seq: int = 0) -> Iterator[tuple[object, ...]]:
    """Rows of raw.register_events: (after_seq, up_to_seq]."""
    yield from _tuples(
        connection,
        select(
            register_event.c.seq,
            register_event.c.event_id,
            register_event.c.recorded_at,
            register_event.c.recorded_by,
            register_event.c.company_id,
            register_event.c.effective_on,
            register_event.c.kind,
            register_event.c.payload,
        )
        .where(register_event.c.seq > after_seq, register_event.c.seq <= up_to_seq)
        .order_by(register_event.c.seq),
    )


def dispatch_facts(connection: Connection, up_to_seq: int) -> Iterator[tuple[object, ...]]:
    """Rows of raw.dispatch_events: one per item and state change up to `up_to_seq`, in order; a message without items has one.

    `as_of_date` is the message's own business date also where the change was learnt later (a bounce, a doubt resolved):
    it is the day on which the customer was, or was not, reminded. `occurred_at` says when we learnt it.
    """
    yield from _tuples(
        connection,
        select(
            communication_event.c.seq,
            communication.c.communication_id,
            communication.c.company_id,
            communication.c.customer_id,
            communication_item.c.invoice_id,
            communication.c.message_kind,
            communication.c.class_.label("class"),
            communication.c.channel,
            func.coalesce(communication_item.c.stage_no, communication.c.stage_no).label("stage_no"),
            func.coalesce(communication_item.c.cycle, communication.c.cycle).label("cycle"),
            communication_item.c.is_acted,
            _STATE_AS_FACT.label("state"),
            communication.c.as_of_date,
            communication_event.c.occurred_at,
        )
        .join(communication, communication.c.communication_id == communication_event.c.communication_id)
        .outerjoin(communication_item, communication_item.c.communication_id == communication.c.communication_id)
        .where(
            _counts(up_to_seq),
            communication_event.c.to_state.in_(FACT_STATES),
        )
        .order_by(communication_event.c.seq, communication_item.c.invoice_id),
    )


def sent_messages(connection: Connection, up_to_seq: int) -> Iterator[tuple[object, ...]]:
    """Rows of raw.sent_messages: one per message that left, may have left, or was refused at the door, with its frozen row."""
    first_left = (
        select(communication_event.c.communication_id, func.min(communication_event.c.seq).label("seq"))
        .where(
            _counts(up_to_seq),
            communication_event.c.to_state.in_(("sent", "delivered", "closed_unknown", "failed_permanent")),
        )
        .group_by(communication_event.c.communication_id)
        .subquery("first_left")
    )
    yield from _tuples(
        connection,
        select(
            first_left.c.seq,
            communication.c.communication_id,
            communication.c.as_of_date,
            communication.c.company_id,
            communication.c.customer_id,
            communication.c.message_kind,
            communication.c.row_json,
        )
        .join(first_left, first_left.c.communication_id == communication.c.communication_id)
        .order_by(first_left.c.seq),
    )


def _tuples(connection: Connection, query: Select[Any]) -> Iterator[tuple[object, ...]]:
    for row in connection.execute(query):
        yield tuple(
            value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value for value in row
        )


def _counts(up_to_seq: int) -> ColumnElement[bool]:
    live_from = select(run_control.c.live_from_seq).scalar_subquery()
    known = communication_event.c.seq <= up_to_seq
    return and_(known, or_(live_from.is_(None), live_from > up_to_seq, communication_event.c.seq > live_from))

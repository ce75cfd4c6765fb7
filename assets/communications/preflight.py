"""The last look before a message leaves, inside the transaction that commits the intent to send it.

Every guard here has a test that fails without it. A guard may only hold a message back, never change or add one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import Connection, Row, and_, or_, select

from assets.operations.canonical import sha256_hex
from assets.operations.control import Control, Mode
from assets.operations.tables import communication, communication_item, register_event

FACTS_NEWER = "facts_newer"

# A later run of the day has landed more, and has not (yet) said that it still wants this message: it may have been paid.
NEWER_RUN = "newer_run"

# Weekends and holidays, as policy has them for the customer's country: the message is decided again on the next day.
NO_SENDING_DAY = "no day to send on in this country"

# Events that, arriving after the plan, mean it must be decided anew. The others add no reason to be silent.
HOLDING_KINDS = (
    "dispute_opened",
    "dispute_closed",
    "promise_made",
    "payment_expected",
    "hold_placed",
    "arrangement_agreed",
    "terms_extended",
    "match_confirmed",
    "write_off",
    "call_made",
    "complaint_opened",
    "conditions_set",
    "handed_over",
    "insolvency",
    "invoice_response",
)


@dataclass(frozen=True)
class Verdict:
    """go: may leave now. hold: not now, for `reason`. expire: its day is over. stop: nothing at all may leave."""

    action: Literal["go", "hold", "expire", "stop"]
    reason: str | None = None


@dataclass(frozen=True)
class Rules:
    """What the check is made against. `allow_list`: addresses or `@domain`s that may be reached; None means everyone."""

    mode: Mode
    today: date
    allow_list: frozenset[str] | None


# What was agreed and is taken back before its confirmation left. A reminder has no reason to wait for it.
WITHDRAWING_KINDS = ("promise_withdrawn",)

_GO = Verdict("go")


def check(connection: Connection, row: Row[Any], content: bytes, state: Control, rules: Rules) -> Verdict:
    """Whether this claimed message may leave now."""
    if state.is_stopped:
        return Verdict("stop", "stopped")
    if state.mode != rules.mode or row.is_rehearsal != (rules.mode == "rehearsal"):
        return Verdict("hold", "other_mode")
    if row.as_of_date != rules.today or row.expires_on < rules.today:
        return Verdict("expire", "its day is over")
    if json.loads(row.row_json).get("is_sending_day") is False:
        return Verdict("expire", NO_SENDING_DAY)
    if row.run_id != state.last_run_id:
        return Verdict("hold", NEWER_RUN)
    if row.requires_release and not row.is_released:
        return Verdict("hold", "awaiting_release")
    if not sha256_hex(content) == row.body_sha256 == row.approved_sha256:
        return Verdict("hold", "body_mismatch")
    if sha256_hex(row.recipient.encode("utf-8")) != row.recipient_hash:
        return Verdict("hold", "recipient_mismatch")
    if not _may_reach(row.recipient, rules.allow_list):
        return Verdict("hold", "recipient_not_allowed")
    newer = newer_fact(connection, row)
    if newer is not None:
        return Verdict("hold", f"{FACTS_NEWER}:{newer}")
    return _earlier_stages_proved(connection, row)


def newer_fact(connection: Connection, row: Row[Any]) -> str | None:
    """The kind of an event newer than the plan that touches the message's customer or one of its invoices, if any."""
    events = connection.execute(
        select(register_event.c.kind, register_event.c.payload)
        .where(
            register_event.c.seq > row.register_seq,
            register_event.c.company_id == row.company_id,
            register_event.c.kind.in_(HOLDING_KINDS if row.occasion is None else HOLDING_KINDS + WITHDRAWING_KINDS),
        )
        .order_by(register_event.c.seq)
    ).all()
    if not events:
        return None
    items = connection.execute(
        select(communication_item.c.invoice_id, communication_item.c.invoice_number).where(
            communication_item.c.communication_id == row.communication_id
        )
    )
    invoices = {name for item in items for name in (item.invoice_id, item.invoice_number)}
    for event in events:
        if _touches(json.loads(event.payload), row.customer_id, invoices):
            return str(event.kind)
    return None


def _touches(payload: Mapping[str, object], customer_id: str, invoices: set[str]) -> bool:
    named = payload.get("invoices")
    return (
        payload.get("customer") == customer_id
        or payload.get("invoice") in invoices
        or (isinstance(named, list) and not invoices.isdisjoint(named))
    )


def _may_reach(recipient: str, allow_list: frozenset[str] | None) -> bool:
    if allow_list is None:
        return True
    address = recipient.casefold()
    return address in allow_list or "@" + address.rpartition("@")[2] in allow_list


def _earlier_stages_proved(connection: Connection, row: Row[Any]) -> Verdict:
    """Stage n + 1 needs proof that stage n left. A friendly step may follow an unknown one, a formal step may not."""
    mine, theirs = communication_item.alias("mine"), communication_item.alias("theirs")
    unproved = ["in_doubt"] + (["closed_unknown"] if row.class_ == "formal" else [])
    found = connection.execute(
        select(theirs.c.state)
        .join(
            mine,
            and_(
                mine.c.communication_id == row.communication_id,
                mine.c.is_acted,
                mine.c.company_id == theirs.c.company_id,
                mine.c.invoice_id == theirs.c.invoice_id,
                mine.c.cycle == theirs.c.cycle,
            ),
        )
        .join(communication, communication.c.communication_id == theirs.c.communication_id)
        .where(
            theirs.c.communication_id != row.communication_id,
            theirs.c.is_acted,
            theirs.c.stage_no < mine.c.stage_no,
            theirs.c.state.in_(unproved),
            communication.c.is_rehearsal == row.is_rehearsal,
            # A pre-due notice is stage 0 and a courtesy: no later step rests on it.
            or_(theirs.c.stage_no > 0, theirs.c.state == "in_doubt"),
        )
        .limit(1)
    ).scalar_one_or_none()
    return _GO if found is None else Verdict("hold", f"earlier_stage_{found}")

"""Whether what an event names exists in the operations store: a receipt for an unknown letter is a receipt for nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date

from sqlalchemy import Connection, select

from assets.operations.control import control
from assets.operations.refusal import Refusal
from assets.operations.tables import communication, communication_item, register_event

LETTER_CHANNELS = ("letter", "registered_letter")
# A letter in one of these states left the house; one that did not cannot have been handed to the post.
_LEFT = ("sent", "delivered", "bounced", "complained", "in_doubt", "closed_unknown")


class UnknownReference(Refusal):
    """An event names a message or a hand-over that does not exist, is another company's, or cannot be meant."""


def refuse_unknown_references(
    connection: Connection, kind: str, company_id: str, effective_on: date, payload: Mapping[str, object]
) -> None:
    """Raises UnknownReference unless what the event names is there and can be what it says."""
    if kind == "registered_letter":
        _letter(connection, company_id, effective_on, payload)
    elif kind == "agency_status":
        _handover(connection, company_id, payload)
    elif kind == "handed_over":
        _term_over(connection, company_id, effective_on, payload)


def _letter(connection: Connection, company_id: str, effective_on: date, payload: Mapping[str, object]) -> None:
    name = payload["communication_id"]
    row = connection.execute(
        select(communication).where(communication.c.communication_id == name, communication.c.company_id == company_id)
    ).first()
    if row is None:
        raise UnknownReference(
            f"registered_letter: company {company_id} has no message {name}",
            "communication_id",
            "Copy it from the name of the letter's file in the outbox",
        )
    if row.channel not in LETTER_CHANNELS:
        raise UnknownReference(
            f"registered_letter: message {name} is no letter, it goes by {row.channel}",
            "communication_id",
            "Name the letter that was handed to the post",
        )
    if row.state not in _LEFT:
        raise UnknownReference(
            f"registered_letter: letter {name} is {row.state} and has not left",
            "communication_id",
            "Release and dispatch it first; see: tijdig explain " + str(name),
        )
    received = payload.get("received_on")
    if isinstance(received, str) and not row.as_of_date <= date.fromisoformat(received) <= effective_on:
        raise UnknownReference(
            f"registered_letter: letter {name} of {row.as_of_date} cannot have been received on {received}, as said on {effective_on}",
            "received_on",
            "Give the day on the acknowledgement of receipt: not before the letter, not after today",
        )


def _term_over(connection: Connection, company_id: str, effective_on: date, payload: Mapping[str, object]) -> None:
    """A formal notice gives a last term; what goes to an agency before it is over makes that term a lie."""
    listed = payload["invoices"]
    assert isinstance(listed, list)
    named = communication_item.c.invoice_id.in_(listed) | communication_item.c.invoice_number.in_(listed)
    notices = connection.execute(
        select(communication.c.as_of_date, communication.c.row_json, communication_item.c.invoice_number)
        .join(communication_item, communication_item.c.communication_id == communication.c.communication_id)
        .where(
            communication.c.company_id == company_id,
            communication.c.class_ == "formal",
            communication.c.state.in_(_LEFT),
            communication.c.is_rehearsal == (control(connection).mode == "rehearsal"),
            named,
        )
        .order_by(communication.c.as_of_date, communication_item.c.invoice_number)
    ).all()
    for notice in notices:
        pay_by = json.loads(notice.row_json).get("pay_by_on")
        if pay_by and date.fromisoformat(pay_by) >= effective_on:
            raise UnknownReference(
                f"handed_over: the formal notice of {notice.as_of_date} gives invoice {notice.invoice_number} until {pay_by}",
                "invoices",
                "Hand it over after that day, or leave that invoice out",
            )


def _handover(connection: Connection, company_id: str, payload: Mapping[str, object]) -> None:
    name, customer = payload.get("handover_id"), str(payload["customer"])
    given = connection.execute(
        select(register_event.c.event_id, register_event.c.payload).where(
            register_event.c.company_id == company_id, register_event.c.kind == "handed_over"
        )
    ).all()
    theirs = [row.event_id for row in given if _names_customer(row.payload, customer)]
    if not theirs:
        raise UnknownReference(
            f"agency_status: nothing of customer {customer} of company {company_id} was handed over",
            "customer",
            "Record handed_over first, or name the right customer",
        )
    if name is not None and name not in theirs:
        raise UnknownReference(
            f"agency_status: {name} is no hand-over of customer {customer}",
            "handover_id",
            f"Use one of: {', '.join(theirs)}",
        )


def _names_customer(payload: str, customer: str) -> bool:
    return bool(json.loads(payload).get("customer") == customer)

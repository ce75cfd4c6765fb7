"""A receipt for an unknown letter, or a report of a hand-over that never was, is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from assets.communications.observations import apply_receipts
from assets.operations.store import reading
from assets.operations.tables import communication, register_event
from assets.register.events import record
from assets.register.references import UnknownReference
from tests.dispatch.support import MONDAY, Home, message


@pytest.fixture
def home(sqlite_engine, clock, tmp_path) -> Home:
    return Home(sqlite_engine, clock, tmp_path)


def said(home: Home, kind: str, payload: dict[str, object], company: str = "C1", on: date = MONDAY):
    return record(
        home.engine, home.clock, kind=kind, company_id=company, effective_on=on, recorded_by="Ann", payload=payload
    )


def letter(home: Home, *, leaves: bool = True, channel: str = "letter") -> str:
    notice = message("K1", channel=channel)
    home.plan(notice)
    if leaves:
        assert home.dispatch().sent == (notice.communication_id,)
    return notice.communication_id


def test_a_receipt_is_kept_with_the_letter_that_left_and_makes_it_delivered_once(home: Home):
    key = letter(home)
    said(home, "registered_letter", {"communication_id": key, "tracking_number": "RR1"})
    assert apply_receipts(home.engine, home.clock) == ()
    said(
        home,
        "registered_letter",
        {"communication_id": key, "tracking_number": "RR1", "received_on": "2026-03-04"},
        on=date(2026, 3, 5),
    )
    assert apply_receipts(home.engine, home.clock) == (key,)
    assert apply_receipts(home.engine, home.clock) == ()
    with reading(home.engine) as connection:
        assert connection.execute(select(communication.c.state)).scalar_one() == "delivered"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"communication_id": "f" * 26}, "has no message"),
        ({"received_on": (MONDAY - timedelta(days=1)).isoformat()}, "cannot have been received"),
        ({"received_on": (MONDAY + timedelta(days=1)).isoformat()}, "cannot have been received"),
    ],
)
def test_a_receipt_that_cannot_be_meant_is_refused(home: Home, change: dict[str, object], says: str):
    payload = {"communication_id": letter(home), "tracking_number": "RR1", **change}
    with pytest.raises(UnknownReference, match=says):
        said(home, "registered_letter", payload)
    with reading(home.engine) as connection:
        assert connection.execute(select(register_event)).first() is None


def test_a_letter_of_another_company_is_unknown(home: Home):
    with pytest.raises(UnknownReference, match="company C2 has no message"):
        said(home, "registered_letter", {"communication_id": letter(home), "tracking_number": "RR1"}, company="C2")


def test_what_has_not_left_was_not_posted_and_an_email_is_no_letter(home: Home):
    held = letter(home, leaves=False)
    with pytest.raises(UnknownReference, match="has not left"):
        said(home, "registered_letter", {"communication_id": held, "tracking_number": "RR1"})
    mail = letter(home, leaves=False, channel="email")
    with pytest.raises(UnknownReference, match="is no letter"):
        said(home, "registered_letter", {"communication_id": mail, "tracking_number": "RR1"})


@pytest.mark.parametrize(("on", "is_refused"), [(date(2026, 3, 16), True), (date(2026, 3, 17), False)])
@pytest.mark.parametrize("name", ["K1-F1", "nr-K1-F1"])
def test_nothing_is_handed_over_before_the_term_of_its_formal_notice_is_over(
    home: Home, name: str, on: date, is_refused: bool
):
    notice = message("K1", formal=True, release=False, channel="letter")
    home.plan(replace(notice, row={**notice.row, "pay_by_on": date(2026, 3, 16)}))
    assert home.dispatch().sent == (notice.communication_id,)
    payload = {"customer": "K1", "invoices": [name], "agency": "De Brug"}
    if is_refused:
        with pytest.raises(UnknownReference, match="until 2026-03-16"):
            said(home, "handed_over", payload, on=on)
    else:
        assert said(home, "handed_over", payload, on=on).is_new


def test_a_report_needs_a_hand_over_of_that_customer(home: Home):
    with pytest.raises(UnknownReference, match="nothing of customer K1"):
        said(home, "agency_status", {"customer": "K1", "status": "received"})
    given = said(home, "handed_over", {"customer": "K1", "invoices": ["F1"], "agency": "De Brug"})
    said(home, "agency_status", {"customer": "K1", "status": "received", "handover_id": given.event_id})
    with pytest.raises(UnknownReference, match="no hand-over of customer K1"):
        said(home, "agency_status", {"customer": "K1", "status": "received", "handover_id": "e" * 26})
    with pytest.raises(UnknownReference, match="nothing of customer K2"):
        said(home, "agency_status", {"customer": "K2", "status": "received", "handover_id": given.event_id})
    with reading(home.engine) as connection:
        kinds = [json.loads(row.payload) for row in connection.execute(select(register_event))]
    assert len(kinds) == 2

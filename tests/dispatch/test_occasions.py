"""Messages that are no stage of a track: each occasion is met once, and none stands in a stage's way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from assets.communications.frozen import UnusableMessage
from assets.operations.facts import dispatch_facts, latest_sequences, sent_messages
from assets.operations.store import reading, writing
from assets.operations.tables import communication
from tests.dispatch.support import TUESDAY, Home, message


def test_an_occasion_is_met_once_whatever_else_changed_about_its_message(any_home: Home):
    first = message("K1", "F1", occasion="event/1", amount="100.00")
    any_home.plan(first)
    any_home.dispatch()
    later = message("K1", "F1", "F2", occasion="event/1", amount="90.00", day=TUESDAY, template_hash="t2")
    any_home.clock.forward(86400)
    (occupied,) = any_home.plan(later).occupied
    assert (occupied.occasion, occupied.invoice_id, occupied.by_communication_id, occupied.by_state) == (
        "event/1", None, first.communication_id, "sent",
    )  # fmt: skip
    assert not any_home.dispatch().sent


def test_an_occasion_whose_message_never_left_is_met_the_next_day(any_home: Home):
    first = message("K1", "F1", occasion="event/1", release=True)
    assert any_home.plan(first).held
    any_home.clock.forward(86400)
    again = message("K1", "F1", occasion="event/1", day=TUESDAY)
    result = any_home.plan(again)
    assert result.expired == (first.communication_id,)
    assert result.approved == (again.communication_id,)
    assert any_home.dispatch().sent == (again.communication_id,)


def test_a_stage_and_an_occasion_on_one_invoice_do_not_stand_in_each_others_way(any_home: Home):
    thanks, question = message("K1", "F1", occasion="event/1"), message("K1", "F1", occasion="event/2")
    reminder = message("K1", "F1")
    result = any_home.plan(thanks, question, reminder)
    assert not result.occupied
    assert len(any_home.dispatch().sent) == 3
    any_home.clock.forward(86400)
    assert not any_home.plan(message("K1", "F1", stage=2, day=TUESDAY)).occupied


def test_a_message_without_invoices_is_sent_and_told_to_the_warehouse(any_home: Home):
    question = message("K1", occasion="entry/abc")
    any_home.plan(question)
    assert any_home.dispatch().sent == (question.communication_id,)
    with reading(any_home.engine) as connection:
        (fact,) = dispatch_facts(connection, latest_sequences(connection).dispatch)
        (sent,) = sent_messages(connection, latest_sequences(connection).dispatch)
    assert fact[1:10] == (question.communication_id, "C1", "K1", None, "thank_you", "friendly", "email", 0, 0)
    assert json.loads(sent[-1])["occasion"] == "entry/abc"


def test_the_database_itself_refuses_a_second_message_for_an_occasion(any_home: Home):
    first = message("K1", "F1", occasion="event/1")
    any_home.plan(first)
    any_home.dispatch()
    row = any_home.row(first)
    values = {column.key: row._mapping[column.name] for column in communication.columns}
    another = insert(communication).values(values | {"communication_id": "another", "state": "approved"})
    with writing(any_home.engine) as connection, pytest.raises(IntegrityError, match="occasion"):
        connection.execute(another)


def test_a_message_for_an_occasion_may_not_take_an_invoice_a_stage_further(any_home: Home):
    stage = message("K1", "F1")
    with pytest.raises(UnusableMessage, match="is no stage"):
        any_home.plan(replace(stage, row={**stage.row, "occasion": "event/1"}))

"""Register events: what may be recorded, in which form, and once."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from assets.operations.facts import latest_sequences, register_facts
from assets.operations.store import reading
from assets.operations.tables import audit_event, register_event
from assets.register.events import ConflictingEvent, InvalidEvent, payload_from_text, record, validate
from assets.register.kinds import KINDS

GOOD: dict[str, dict[str, object]] = {
    "dispute_opened": {"invoice": "F1", "line_number": "2", "disputed_amount": "10.00", "reason": "wrong price"},
    "dispute_closed": {"invoice": "F1", "outcome": "credit_and_rebill"},
    "promise_made": {"invoices": ["F1", "F2"], "promised_on": "2026-03-10", "amount": "1250.00"},
    "promise_withdrawn": {"invoices": ["F1"]},
    "payment_expected": {"invoice": "F1", "expected_on": "2026-03-10"},
    "hold_placed": {"customer": "K1", "reason": "asked", "until": "2026-04-01"},
    "hold_lifted": {"invoice": "F1"},
    "arrangement_agreed": {
        "customer": "K1",
        "invoices": ["F1"],
        "instalments": [{"due_on": "2026-04-01", "amount": "50.00"}, {"due_on": "2026-05-01", "amount": "50.00"}],
        "method": "manual",
        "reason": "cannot_pay",
    },
    "arrangement_cancelled": {"arrangement_id": "A1"},
    "terms_extended": {"invoice": "F1", "new_due_on": "2026-04-01"},
    "task_outcome": {"task_id": "T1", "outcome": "done", "follow_up_on": "2026-03-09"},
    "invoice_sent_again": {"invoice": "F1", "channel": "letter", "address": "Dorpsstraat 1, Ede"},
    "match_confirmed": {"entry_key": "e1", "invoice": "F1", "amount": "10.00"},
    "match_rejected": {"entry_key": "e1", "invoice": "F1"},
    "write_off": {"invoice": "F1", "amount": "0.05", "reason": "rounding"},
    "charges_claimed": {"invoice": "F1", "interest_amount": "8.50", "costs_amount": "40.00"},
    "charges_waived": {"invoice": "F1", "reason": "goodwill"},
    "call_made": {"customer": "K1", "outcome": "no answer"},
    "contact_logged": {"customer": "K1", "note": "letter came back"},
    "complaint_opened": {"customer": "K1", "reason": "late"},
    "complaint_closed": {"customer": "K1", "outcome": "explained"},
    "conditions_set": {"customer": "K1", "terms": "60 days"},
    "registered_letter": {"communication_id": "c" * 26, "tracking_number": "RR123456785NL"},
    "handed_over": {"customer": "K1", "invoices": ["F1"], "agency": "Incasso BV"},
    "agency_status": {"customer": "K1", "status": "paid"},
    "insolvency": {"customer": "K1", "insolvency_kind": "bankruptcy"},
    "invoice_response": {"invoice": "F1", "code": "UQ"},
    "release": {"communication_id": "c" * 26, "reason": "looked at"},
    "refuse": {"batch": "2026-03-02", "reason": "wrong text"},
}


def save(engine, clock, kind="contact_logged", payload=None, **changes):
    values = {"company_id": "C1", "effective_on": date(2026, 3, 2), "recorded_by": "Ann", "external_id": None} | changes
    return record(engine, clock, kind=kind, payload=payload or GOOD[kind], **values)


def test_every_kind_has_a_good_example():
    assert set(GOOD) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_a_good_payload_is_kept_as_it_is(kind):
    assert validate(kind, GOOD[kind]) == GOOD[kind]


@pytest.mark.parametrize(
    ("kind", "field"),
    [(kind, field.name) for kind, spec in sorted(KINDS.items()) for field in spec.fields if field.required],
)
def test_every_required_field_is_required(kind, field):
    lacking = {name: value for name, value in GOOD[kind].items() if name != field}
    with pytest.raises(InvalidEvent, match=r"lacks|needs") as caught:
        validate(kind, lacking)
    assert field in caught.value.where


@pytest.mark.parametrize(
    ("kind", "change", "where"),
    [
        ("hold_placed", {"invoice": "F1"}, "customer, invoice"),
        ("hold_placed", {"customer": ""}, "customer, invoice"),
        ("release", {"batch": "b"}, "communication_id, batch"),
        ("charges_claimed", {"interest_amount": "", "costs_amount": ""}, "interest_amount, costs_amount"),
        ("charges_claimed", {"costs_amount": "0.00"}, "costs_amount"),
        ("promise_made", {"amount": "1.250,00"}, "amount"),
        ("promise_made", {"amount": "1,250.00"}, "amount"),
        ("promise_made", {"amount": "12.345"}, "amount"),
        ("promise_made", {"amount": "0.00"}, "amount"),
        ("promise_made", {"amount": "-5"}, "amount"),
        ("promise_made", {"amount": 12.5}, "amount"),
        ("promise_made", {"amount": "١٢"}, "amount"),
        ("promise_made", {"amount": True}, "amount"),
        ("promise_made", {"promised_on": "10-03-2026"}, "promised_on"),
        ("promise_made", {"promised_on": "2026-02-30"}, "promised_on"),
        ("promise_made", {"promised_on": "20260310"}, "promised_on"),
        ("promise_made", {"invoices": "F1"}, "invoices"),
        ("promise_made", {"invoices": ["F1", "F1"]}, "invoices"),
        ("promise_made", {"invoices": []}, "invoices"),
        ("dispute_closed", {"outcome": "won"}, "outcome"),
        ("invoice_response", {"code": "XX"}, "code"),
        ("contact_logged", {"colour": "red"}, "colour"),
        ("contact_logged", {"note": "a\u202eb"}, "note"),
        ("contact_logged", {"note": "a\x00b"}, "note"),
        ("contact_logged", {"note": "x" * 4001}, "note"),
        ("arrangement_agreed", {"method": "direct_debit"}, "mandate_id"),
        ("arrangement_agreed", {"instalments": [{"due_on": "2026-04-01", "amount": "0"}]}, "instalments[1].amount"),
        ("arrangement_agreed", {"instalments": [{"due_on": "2026-04-01"}]}, "instalments"),
        (
            "arrangement_agreed",
            {"instalments": [{"due_on": "2026-05-01", "amount": "1"}, {"due_on": "2026-04-01", "amount": "1"}]},
            "instalments",
        ),
        (
            "arrangement_agreed",
            {"instalments": [{"due_on": "2026-05-01", "amount": "1"}, {"due_on": "2026-05-01", "amount": "1"}]},
            "instalments",
        ),
    ],
)
def test_a_bad_field_is_refused_by_name(kind, change, where):
    with pytest.raises(InvalidEvent) as caught:
        validate(kind, GOOD[kind] | change)
    assert caught.value.where == where
    assert caught.value.what_to_do


def test_an_unknown_kind_is_told_which_there_are():
    with pytest.raises(InvalidEvent, match="dispute_opened"):
        validate("surprise", {})


def test_amounts_dates_and_text_have_one_written_form():
    clean = validate(
        "promise_made", {"invoices": [" cafe\u0301 "], "promised_on": date(2026, 3, 10), "amount": Decimal("7.5")}
    )
    assert clean == {"invoices": ["caf\u00e9"], "promised_on": "2026-03-10", "amount": "7.50"}


def test_what_is_typed_becomes_a_payload():
    typed = {
        "customer": "K1",
        "invoices": "F1; F2",
        "instalments": "2026-04-01=50.00; 2026-05-01=25",
        "method": "manual",
        "reason": "cannot_pay",
        "interest_terms": "",
    }
    clean = validate("arrangement_agreed", payload_from_text("arrangement_agreed", typed))
    assert clean["invoices"] == ["F1", "F2"]
    assert clean["instalments"] == [
        {"due_on": "2026-04-01", "amount": "50.00"},
        {"due_on": "2026-05-01", "amount": "25.00"},
    ]
    assert "interest_terms" not in clean
    as_json = typed | {"instalments": json.dumps(GOOD["arrangement_agreed"]["instalments"])}
    with_commas = {name: text.replace(";", ",") for name, text in typed.items()}
    assert validate("arrangement_agreed", payload_from_text("arrangement_agreed", with_commas)) == clean
    assert validate("arrangement_agreed", payload_from_text("arrangement_agreed", as_json))
    with pytest.raises(InvalidEvent, match="has no amount"):
        payload_from_text("arrangement_agreed", typed | {"instalments": "2026-04-01"})
    with pytest.raises(InvalidEvent, match="not valid JSON"):
        payload_from_text("arrangement_agreed", typed | {"instalments": "[{"})


def test_a_recorded_event_is_a_fact_for_the_warehouse(engine, clock):
    first = save(engine, clock, "hold_placed")
    second = save(engine, clock, "contact_logged", company_id="C2")
    assert (first.seq, second.seq) == (1, 2)
    with reading(engine) as connection:
        assert latest_sequences(connection).register == 2
        (fact,) = register_facts(connection, 1)
        assert len(list(register_facts(connection, 2))) == 2
        assert [row[0] for row in register_facts(connection, 2, after_seq=1)] == [2]
    seq, event_id, recorded_at, recorded_by, company_id, effective_on, kind, payload = fact
    assert (seq, event_id, recorded_by, company_id) == (1, first.event_id, "Ann", "C1")
    assert (effective_on, kind, json.loads(str(payload))) == (date(2026, 3, 2), "hold_placed", GOOD["hold_placed"])
    assert recorded_at == clock.now().replace(tzinfo=None)
    assert len(first.event_id) == 26
    assert first.event_id != second.event_id


def test_an_event_and_its_journal_entry_come_together(engine, clock):
    event = save(engine, clock)
    with reading(engine) as connection:
        entry = connection.execute(select(audit_event)).one()
    assert entry.type == "register_event"
    assert json.loads(entry.subject_refs) == ["register:1", f"event:{event.event_id}"]


def test_the_same_external_id_with_the_same_content_is_recorded_once(engine, clock):
    first = save(engine, clock, external_id="crm-17")
    clock.forward(3600)
    again = save(engine, clock, external_id=" crm-17 ")
    assert (again.seq, again.event_id, again.is_new) == (first.seq, first.event_id, False)
    with reading(engine) as connection:
        assert len(connection.execute(select(register_event)).all()) == 1
        assert len(connection.execute(select(audit_event)).all()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"customer": "K1", "note": "something else"}},
        {"effective_on": date(2026, 3, 1)},
        {"company_id": "C2"},
        {"recorded_by": "Ben"},
    ],
)
def test_the_same_external_id_with_other_content_is_refused(engine, clock, change):
    save(engine, clock, external_id="crm-17")
    with pytest.raises(ConflictingEvent, match="crm-17"):
        save(engine, clock, external_id="crm-17", **change)


def test_equal_events_without_an_external_id_are_two_events(engine, clock):
    assert save(engine, clock).event_id != save(engine, clock).event_id


def test_a_hold_that_ends_before_it_begins_is_refused(engine, clock):
    with pytest.raises(InvalidEvent, match="before it begins"):
        save(engine, clock, "hold_placed", effective_on=date(2026, 4, 2))
    assert save(engine, clock, "hold_placed", effective_on=date(2026, 4, 1)).is_new


def test_nobody_and_no_company_are_refused(engine, clock):
    with pytest.raises(InvalidEvent, match="recorded_by"):
        save(engine, clock, recorded_by="  ")
    with pytest.raises(InvalidEvent, match="company_id"):
        save(engine, clock, company_id="")

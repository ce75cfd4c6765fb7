"""Returned worklists: what an answer amounts to, how cells are read, and what is refused with words."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import Engine, select

from assets.operations.clock import Clock
from assets.operations.store import reading
from assets.operations.tables import register_event
from assets.register.csv_files import UnreadableRegisterFile
from assets.register.events import InvalidEvent
from assets.register.worklist_files import Task, events_of, is_worklist, read_worklist, record_worklist
from assets.task_answers import ANSWERS

HEADER = ("task_id", "worklist_on", "owner", "customer_name", *ANSWERS)
CALL = Task("t1", "call", "C1", "K1", "F1", "EUR", Decimal("121.00"))
RECEIPT = Task("t2", "receipt_check", "C1", "K1", "F1", "EUR", Decimal("121.00"))
SEND = Task("t3", "send_again", "C1", "K1", "F1", "EUR", Decimal("121.00"))
BANK = Task("t4", "statement_gap", "C1", None, None, None, None)
OVERDUE = Task("t5", "key_account_overdue", "C1", "K1", None, "EUR", Decimal("10.00"))
TASKS = {task.task_id: task for task in (CALL, RECEIPT, SEND, BANK, OVERDUE)}
DAY = date(2026, 3, 2)


def row(**cells: object) -> dict[str, object]:
    return {"task_id": "t1", "worklist_on": "2026-03-02", "owner": "Ann"} | cells


def as_csv(*rows: dict[str, object], delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    lines = [delimiter.join(HEADER), *(delimiter.join(str(one.get(name, "")) for name in HEADER) for one in rows)]
    return "\r\n".join(lines).encode(encoding)


def as_xlsx(*rows: dict[str, object]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    for one in rows:
        sheet.append([one.get(name) for name in HEADER])
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def recorded(engine: Engine, clock: Clock, content: bytes, known_until: date = DAY) -> tuple[list[str], list[str]]:
    answered, unreadable = read_worklist(content, "w")
    outcome = record_worklist(engine, clock, answered, TASKS.get, known_until)
    new = [event.event_id for event in outcome.recorded if event.is_new]
    return new, [
        f"{each.line} {each.what} | {each.where} | {each.what_to_do}" for each in (*unreadable, *outcome.refused)
    ]


def kinds(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(register_event.c.kind).order_by(register_event.c.seq)).scalars())


@pytest.mark.parametrize(
    ("task", "cells", "expected"),
    [
        (CALL, {"outcome": "promised", "promised_on": "2026-03-10"},
         {"promise_made": {"invoices": ["F1"], "promised_on": "2026-03-10", "amount": "121.00"}}),
        (CALL, {"outcome": "promised", "promised_on": "2026-03-10", "promised_amount": "50.00"},
         {"promise_made": {"invoices": ["F1"], "promised_on": "2026-03-10", "amount": "50.00"}}),
        (CALL, {"outcome": "date_given", "expected_on": "2026-03-10"},
         {"payment_expected": {"invoice": "F1", "expected_on": "2026-03-10"}}),
        (CALL, {"outcome": "disputed", "note": "two short", "disputed_line": "2"},
         {"dispute_opened": {"invoice": "F1", "reason": "two short", "line_number": "2"}}),
        (CALL, {"outcome": "arrangement", "instalments": "2026-04-01=60.50;2026-05-01=60.50", "hardship": "cannot_pay"},
         {"arrangement_agreed": {
             "customer": "K1", "invoices": ["F1"], "method": "manual", "reason": "cannot_pay",
             "instalments": [
                 {"due_on": "2026-04-01", "amount": "60.50"}, {"due_on": "2026-05-01", "amount": "60.50"}]}}),
        (CALL, {"outcome": "complaint", "note": "late"},
         {"complaint_opened": {"customer": "K1", "invoice": "F1", "reason": "late"}}),
        (CALL, {"outcome": "says_paid"}, {"invoice_response": {"invoice": "F1", "code": "PD"}}),
        (SEND, {"outcome": "sent_again", "sent_by": "letter", "note": "Ede"},
         {"invoice_sent_again": {"invoice": "F1", "channel": "letter", "address": "Ede"}}),
        (RECEIPT, {"outcome": "received"}, {}),
    ],
)  # fmt: skip
def test_an_answer_is_the_outcome_of_the_task_and_what_was_said_besides(
    task: Task, cells: dict[str, str], expected: dict[str, dict[str, object]]
) -> None:
    events = {event.kind: event.payload for event in events_of(task, cells)}
    outcome = events.pop("task_outcome")
    assert (outcome["task_id"], outcome["task_kind"], outcome["outcome"]) == (
        task.task_id, task.task_kind, cells["outcome"],
    )  # fmt: skip
    assert (outcome["customer"], outcome["invoice"]) == ("K1", "F1")
    call = events.pop("call_made", None)
    assert (call is not None) == (task is CALL)
    assert call is None or call["outcome"] == cells["outcome"]
    assert events == expected


@pytest.mark.parametrize(
    ("task", "cells", "word"),
    [
        (CALL, {"note": "spoke to Jan"}, "no outcome"),
        (CALL, {"outcome": "perhaps"}, "no answer to a task call"),
        (RECEIPT, {"outcome": "promised", "promised_on": "2026-03-10"}, "no answer to a task receipt_check"),
        (CALL, {"outcome": "promised"}, "lacks promised_on"),
        (CALL, {"outcome": "disputed"}, "lacks reason"),
        (CALL, {"outcome": "arrangement"}, "lacks instalments, reason"),
        (SEND, {"outcome": "sent_again", "sent_by": "pigeon"}, "channel"),
        (CALL, {"outcome": "no_answer", "promised_on": "2026-03-10"}, "promised_on is filled in"),
        (CALL, {"outcome": "promised", "promised_on": "2026-03-10", "expected_on": "2026-03-10"}, "expected_on is filled"),
        (OVERDUE, {"outcome": "promised", "promised_on": "2026-03-10"}, "no single invoice"),
    ],
)  # fmt: skip
def test_an_answer_that_lacks_something_or_says_two_things_is_refused(
    task: Task, cells: dict[str, str], word: str
) -> None:
    with pytest.raises(InvalidEvent) as caught:
        events_of(task, cells)
    assert word in caught.value.what
    assert caught.value.where
    assert caught.value.what_to_do


def test_cells_of_a_workbook_are_read_by_their_type(engine: Engine, clock: Clock) -> None:
    content = as_xlsx(
        row(outcome="promised", promised_on=datetime(2026, 3, 10), promised_amount=50.1),  # noqa: DTZ001
        row(task_id="t2", outcome="received"),
        row(task_id="t3"),
    )
    new, refused = recorded(engine, clock, content)
    assert (len(new), refused) == (4, [])
    with reading(engine) as connection:
        payloads = dict(connection.execute(select(register_event.c.kind, register_event.c.payload)).all())
    assert '"amount":"50.10"' in payloads["promise_made"].replace(" ", "")


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(",", "utf-8-sig"), (";", "utf-8"), (";", "cp1252"), ("\t", "utf-8")]
)
def test_csv_is_read_as_spreadsheets_of_this_country_write_it(
    engine: Engine, clock: Clock, delimiter: str, encoding: str
) -> None:
    amount = "1.250,50" if delimiter != "," else "1250.50"
    answer = row(outcome="promised", promised_on="10-03-2026", promised_amount=amount, note="André", answered_by="Zoë")
    content = as_csv(answer, delimiter=delimiter, encoding=encoding)
    assert is_worklist(content)
    new, refused = recorded(engine, clock, content)
    assert (len(new), refused) == (3, [])
    with reading(engine) as connection:
        found = connection.execute(select(register_event).where(register_event.c.kind == "promise_made")).one()
    assert found.recorded_by == "Zoë"
    assert '"1250.50"' in found.payload
    assert '"2026-03-10"' in found.payload


def test_the_same_answer_comes_in_once_in_whatever_file_and_another_one_is_refused(
    engine: Engine, clock: Clock
) -> None:
    answer = row(outcome="promised", promised_on="2026-03-10")
    assert len(recorded(engine, clock, as_csv(answer))[0]) == 3
    assert recorded(engine, clock, as_xlsx(answer)) == ([], [])
    new, refused = recorded(engine, clock, as_csv(answer | {"promised_on": "2026-03-11"}))
    assert new == []
    assert "answered before, in another way" in refused[0]
    assert "tijdig record" in refused[0]
    # On the worklist of another day it is another answer.
    assert (
        len(recorded(engine, clock, as_csv(answer | {"worklist_on": "2026-03-03", "answered_on": "2026-03-02"}))[0])
        == 3
    )


def test_a_refused_row_is_refused_whole_and_the_others_go_on(engine: Engine, clock: Clock) -> None:
    content = as_csv(
        row(outcome="promised", promised_on="2026-02-30"),
        row(task_id="unknown", outcome="received"),
        row(task_id="", outcome="received"),
        row(task_id="t2", outcome="received", answered_on="2026-03-03"),
        row(task_id="t3", outcome="sent_again", sent_by="email", worklist_on=""),
        row(task_id="t4", outcome="delivered"),
    )
    new, refused = recorded(engine, clock, content)
    assert (len(new), kinds(engine)) == (1, ["task_outcome"])
    assert [line.split(" ", 1)[0] for line in refused] == ["2", "3", "4", "5", "6"]
    for line, word in zip(
        refused, ("2026-02-30", "no task 'unknown'", "no task_id", "2026-03-03", "worklist_on"), strict=True
    ):
        assert word in line


def test_what_a_row_is_about_is_looked_up_and_never_taken_from_the_sheet(engine: Engine, clock: Clock) -> None:
    content = as_csv(row(task_id="t2", outcome="not_received", customer_name="=cmd|' /C calc'!A0"))
    assert recorded(engine, clock, content)[1] == []
    with reading(engine) as connection:
        event = connection.execute(select(register_event)).one()
    assert (event.company_id, "K1" in event.payload, "cmd" in event.payload) == ("C1", True, False)


def test_a_formula_in_an_answer_is_refused_and_one_elsewhere_is_not_looked_at(engine: Engine, clock: Clock) -> None:
    content = as_xlsx(
        row(outcome="promised", promised_on="=TODAY()+7"), row(task_id="t2", outcome="received", customer_name="=1+1")
    )
    new, refused = recorded(engine, clock, content)
    assert len(new) == 1
    assert "promised_on holds a formula" in refused[0]


def packed(**parts: bytes) -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            file.writestr(name, content)
    return saved.getvalue()


def with_entities() -> bytes:
    saved = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(as_xlsx(row(outcome="received")))) as good, zipfile.ZipFile(saved, "w") as bad:
        for name in good.namelist():
            content = good.read(name)
            if name.endswith("sheet1.xml"):
                content = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]>' + content.partition(b"?>")[2]
            bad.writestr(name, content)
    return saved.getvalue()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"PK\x03\x04\xff\xfe\x00", "cannot be unpacked"),
        (packed(a=b"x"), "cannot be read as a workbook"),
        (packed(a=b"\0" * 70_000_000), "larger than any worklist"),
        (with_entities(), "declares a document type"),
        (as_csv().replace(b"note", b"nope"), "lacks the column note"),
        (as_csv().replace(b"customer_name", b"outcome"), "more than once"),
        (b'task_id,outcome,"', "is not CSV"),
    ],
)
def test_a_file_that_is_no_worklist_is_refused_whole(content: bytes, word: str) -> None:
    assert is_worklist(content)
    with pytest.raises(UnreadableRegisterFile, match=word):
        read_worklist(content, "w")


def test_a_register_extract_is_not_taken_for_a_worklist(tmp_path: Path) -> None:
    assert not is_worklist(b"external_id,company_id,effective_on,recorded_by,kind,payload\n")

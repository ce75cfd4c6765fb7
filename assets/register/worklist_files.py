"""Returned worklists: the answers of people, as events of the register.

What a row is about is looked up by its task, never taken from the sheet: its other cells are there to be read by a person,
and may have been sorted, cut or mistyped. A row is taken as a whole or refused as a whole. The same answer returned again, in
whatever file, is recorded once; another answer to the same task of the same worklist is refused, since one of the two is wrong.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import openpyxl
from sqlalchemy import Engine

from assets.operations.clock import Clock
from assets.operations.refusal import Refusal
from assets.operations.store import writing
from assets.register.csv_files import RecordedFile, RefusedRow, UnreadableRegisterFile
from assets.register.events import (
    ConflictingEvent,
    InvalidEvent,
    RecordedEvent,
    payload_from_text,
    record_within,
    validate,
)
from assets.task_answers import ANSWERS, OWNER, TASK_ID, WORKLIST_ON

# A worklist is a page or two; beyond this a workbook is an accident or an attack.
LARGEST_UNPACKED_BYTES = 64 * 1024 * 1024
MOST_PARTS = 500
MOST_ROWS = 100_000

_PACKED = b"PK\x03\x04"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})-(\d{1,2})-(\d{4})", re.ASCII)
_COMMA = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{1,2}|\d+,\d{1,2}", re.ASCII)


@dataclass(frozen=True)
class Task:
    """What the warehouse knows of a task: what its answer is about."""

    task_id: str
    task_kind: str
    company_id: str
    customer_id: str | None
    invoice_id: str | None
    currency: str | None
    amount: Decimal | None


TaskOf = Callable[[str], Task | None]


@dataclass(frozen=True)
class AnsweredRow:
    """One row with an answer: the line it stands on, and its cells as text by column."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Event:
    """One event an answer amounts to."""

    kind: str
    payload: dict[str, object]


def is_worklist(content: bytes) -> bool:
    """Whether a file of the register inbox is a returned worklist: a workbook, or a CSV with the columns of one."""
    if content.startswith(_PACKED):
        return True
    first = content.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].replace(b'"', b"").strip()
    names = {name.strip() for name in re.split(rb"[;,\t]", first)}
    return {TASK_ID.encode(), ANSWERS[0].encode()} <= names


def read_worklist(content: bytes, name: str) -> tuple[list[AnsweredRow], list[RefusedRow]]:
    """The answered rows of a worklist, and those that cannot be read. A row nobody filled in is neither.

    Raises UnreadableRegisterFile when it is no worklist at all.
    """
    rows = _workbook_rows(content, name) if content.startswith(_PACKED) else _csv_rows(content, name)
    header: list[str] | None = None
    answered: list[AnsweredRow] = []
    refused: list[RefusedRow] = []
    for line, cells in rows:
        if header is None:
            header = [str(cell or "").strip().lstrip("\ufeff") for cell in cells]
            _must_have_columns(header, name)
            continue
        try:
            row = {column: _text(column, cell) for column, cell in zip(header, cells, strict=False) if column}
        except InvalidEvent as problem:
            refused.append(RefusedRow(line, "", problem.what, problem.where, problem.what_to_do))
            continue
        if any(row.get(column) for column in ANSWERS if column != "answered_by"):
            answered.append(AnsweredRow(line, row))
    if header is None:
        raise _no_worklist(name, "it is empty")
    return answered, refused


def record_worklist(
    engine: Engine, clock: Clock, rows: Sequence[AnsweredRow], task_of: TaskOf, known_until: date
) -> RecordedFile:
    """Record the answers, each row in one transaction of its own; a row that cannot be taken is refused, the rest goes on.

    `known_until` is the day of the run: an answer of a later day would be heard of later, and its author asked now.
    """
    recorded: list[RecordedEvent] = []
    refused: list[RefusedRow] = []
    for row in rows:
        try:
            recorded.extend(_record_row(engine, clock, row, task_of, known_until))
        except (InvalidEvent, ConflictingEvent) as problem:
            refused.append(_refused(row, problem))
    return RecordedFile(tuple(recorded), tuple(refused))


def events_of(task: Task, cells: Mapping[str, str]) -> list[Event]:
    """What an answer amounts to: the outcome of the task, and what it says about the invoice or the customer besides.

    Raises InvalidEvent when the answer lacks what its outcome needs, or holds what belongs to another one.
    """
    outcome = cells.get("outcome", "")
    if not outcome:
        raise InvalidEvent("the row has an answer but no outcome", "outcome", "Choose an outcome from the list")
    outcome_payload: dict[str, object] = {
        "task_id": task.task_id,
        "task_kind": task.task_kind,
        "outcome": outcome,
        "note": cells.get("note"),
        "follow_up_on": cells.get("follow_up_on"),
        "customer": task.customer_id,
        "invoice": task.invoice_id,
    }
    events = [Event("task_outcome", validate("task_outcome", outcome_payload))]
    events += [Event(kind, validate(kind, payload)) for kind, payload in _also_said(task, outcome, cells)]
    return events


# Which columns an outcome reads, besides note and follow_up_on. A filled column that its outcome does not read is a
# slip: the promise in it would be lost in silence.
_COLUMNS_OF: Mapping[str, tuple[str, ...]] = {
    "promised": ("promised_on", "promised_amount"),
    "date_given": ("expected_on",),
    "disputed": ("disputed_line", "disputed_amount"),
    "arrangement": ("instalments", "hardship"),
    "sent_again": ("sent_by",),
}
# Kinds of task that are done by speaking with the customer: what came of it belongs to the correspondence.
_CALLS = ("call", "broken_promise", "key_account_overdue", "arrangement_breach", "expected_payment_date")


def _also_said(task: Task, outcome: str, cells: Mapping[str, str]) -> Iterator[tuple[str, dict[str, object]]]:
    reads = _COLUMNS_OF.get(outcome, ())
    for column in {column for columns in _COLUMNS_OF.values() for column in columns} - set(reads):
        if cells.get(column):
            fitting = next(word for word, columns in _COLUMNS_OF.items() if column in columns)
            raise InvalidEvent(
                f"{column} is filled in, and the outcome is {outcome}", column, f"Choose {fitting}, or empty {column}"
            )
    note = cells.get("note", "")
    if outcome in (*_COLUMNS_OF, "says_paid") and task.invoice_id is None:
        raise InvalidEvent(
            f"the task is about no single invoice, and {outcome} needs one",
            "outcome",
            "Record it with `tijdig record`, naming the invoices, and answer the task with done",
        )
    if outcome == "promised":
        amount = cells.get("promised_amount") or (format(task.amount, "f") if task.amount is not None else "")
        yield (
            "promise_made",
            {
                "invoices": [task.invoice_id],
                "promised_on": cells.get("promised_on", ""),
                "amount": amount,
            },
        )
    elif outcome == "date_given":
        yield "payment_expected", {"invoice": task.invoice_id, "expected_on": cells.get("expected_on", "")}
    elif outcome == "disputed":
        yield (
            "dispute_opened",
            {
                "invoice": task.invoice_id,
                "reason": note,
                "line_number": cells.get("disputed_line"),
                "disputed_amount": cells.get("disputed_amount"),
            },
        )
    elif outcome == "arrangement":
        yield (
            "arrangement_agreed",
            payload_from_text(
                "arrangement_agreed",
                {
                    "customer": task.customer_id or "",
                    "invoices": f'["{task.invoice_id}"]',
                    "instalments": cells.get("instalments", ""),
                    "method": "manual",
                    "reason": cells.get("hardship", ""),
                },
            ),
        )
    elif outcome == "complaint":
        yield "complaint_opened", {"customer": task.customer_id, "invoice": task.invoice_id, "reason": note}
    elif outcome == "says_paid":
        yield "invoice_response", {"invoice": task.invoice_id, "code": "PD", "reason": note}
    elif outcome == "sent_again":
        yield "invoice_sent_again", {"invoice": task.invoice_id, "channel": cells.get("sent_by", ""), "address": note}
    if task.task_kind in _CALLS and task.customer_id is not None:
        invoices = [task.invoice_id] if task.invoice_id else []
        yield "call_made", {"customer": task.customer_id, "outcome": outcome, "invoices": invoices, "note": note}


def _record_row(
    engine: Engine, clock: Clock, row: AnsweredRow, task_of: TaskOf, known_until: date
) -> list[RecordedEvent]:
    cells = row.cells
    task_id = cells.get(TASK_ID, "")
    task = task_of(task_id) if task_id else None
    if task is None:
        raise InvalidEvent(
            f"there is no task {task_id!r}" if task_id else "the row has no task_id",
            TASK_ID,
            "Leave the column task_id as the worklist had it, on the row of its task",
        )
    worklist_on = _date_of(WORKLIST_ON, cells.get(WORKLIST_ON, ""))
    answered_on = _date_of("answered_on", cells.get("answered_on") or worklist_on.isoformat())
    if answered_on > known_until:
        raise InvalidEvent(
            f"the answer is of {answered_on}, and it is {known_until}", "answered_on", "Give the day of the answer"
        )
    author = cells.get("answered_by") or cells.get(OWNER, "")
    if not author:
        raise InvalidEvent("nobody says who answered", "answered_by", "Fill in answered_by")
    events = events_of(task, cells)
    with writing(engine) as connection:
        return [
            record_within(
                connection,
                clock,
                kind=event.kind,
                company_id=task.company_id,
                effective_on=answered_on,
                recorded_by=author,
                payload=event.payload,
                external_id=f"worklist/{worklist_on}/{task_id}/{event.kind}",
            )
            for event in events
        ]


def _refused(row: AnsweredRow, problem: Refusal) -> RefusedRow:
    if isinstance(problem, ConflictingEvent):
        return RefusedRow(
            row.line,
            row.cells.get(TASK_ID, ""),
            "this task of this worklist was answered before, in another way",
            TASK_ID,
            "Record what has changed with `tijdig record`, or on the worklist of a later day",
        )
    return RefusedRow(row.line, row.cells.get(TASK_ID, ""), problem.what, problem.where, problem.what_to_do)


def _must_have_columns(header: list[str], name: str) -> None:
    missing = [column for column in (TASK_ID, WORKLIST_ON, *ANSWERS) if column not in header]
    if missing:
        raise _no_worklist(name, f"it lacks the column {', '.join(missing)}")
    double = sorted({column for column in header if column and header.count(column) > 1})
    if double:
        raise _no_worklist(name, f"it has the column {', '.join(double)} more than once")


def _no_worklist(name: str, why: str) -> UnreadableRegisterFile:
    return UnreadableRegisterFile(
        f"{name} is no worklist: {why}",
        "line 1",
        "Return the worklist as it was made, with its heading row and columns",
    )


def _csv_rows(content: bytes, name: str) -> Iterator[tuple[int, list[object]]]:
    """A spreadsheet writes CSV as its country does: with semicolons or commas, as UTF-8 or in Windows' own letters."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError as error:
            raise _no_worklist(name, f"byte {error.start} is no text") from None
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, list(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            raise _no_worklist(name, f"line {line} is not CSV: {error}") from None


def _workbook_rows(content: bytes, name: str) -> Iterator[tuple[int, list[object]]]:
    _must_be_harmless(content, name)
    try:
        # Not data_only: the last value of a formula is whatever somebody's program computed.
        workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
    except Exception as error:  # a hostile workbook may make its reader raise anything at all
        raise _no_worklist(name, f"it cannot be read as a workbook ({type(error).__name__})") from error
    try:
        sheet = workbook.worksheets[0]
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > MOST_ROWS:
                raise _no_worklist(name, f"it has more than {MOST_ROWS} rows")
            yield number, [_cell(cell) for cell in cells]
    except UnreadableRegisterFile:
        raise
    except Exception as error:  # as above: the sheet is parsed while it is read
        raise _no_worklist(name, f"its first sheet cannot be read ({type(error).__name__})") from error
    finally:
        workbook.close()


class _Formula(str):
    """The text of a cell that computes instead of saying."""


def _cell(cell: object) -> object:
    value = getattr(cell, "value", None)
    return _Formula(value) if getattr(cell, "data_type", "") == "f" else value


def _must_be_harmless(content: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = packed.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > LARGEST_UNPACKED_BYTES:
                raise _no_worklist(name, "unpacked it is larger than any worklist")
            for part in parts:
                # No workbook declares entities; one that does wants its reader to multiply or fetch something.
                if part.filename.endswith((".xml", ".rels")) and b"<!" in packed.read(part)[:4096]:
                    raise _no_worklist(name, f"its part {part.filename} declares a document type")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise _no_worklist(name, f"it cannot be unpacked ({error})") from error


def _text(column: str, value: object) -> str:
    """A cell as the register writes it: ISO dates, amounts with a dot. Only answers are looked at; the rest is as it came."""
    if isinstance(value, _Formula) and column in ANSWERS:
        raise InvalidEvent(f"{column} holds a formula", column, "Type the value itself")
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        # A workbook keeps numbers as doubles; the shortest text that reads back the same is what was typed.
        written = Decimal(repr(value))
        return format(written.to_integral_value() if written == written.to_integral_value() else written, "f")
    text = str(value).strip()
    if column not in ANSWERS and column != WORKLIST_ON:
        return text
    if column.endswith("_on") and (day_first := _DAY_FIRST.fullmatch(text)):
        day, month, year = day_first.groups()
        return f"{year}-{int(month):02d}-{int(day):02d}"
    if column.endswith("_amount") and _COMMA.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    return text


def _date_of(column: str, text: str) -> date:
    if _ISO.fullmatch(text):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise InvalidEvent(f"{column} {text!r} is not a date", column, "Write the date as YYYY-MM-DD")

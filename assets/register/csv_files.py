"""Register extracts: CSV files with one event a row (RFC 4180, UTF-8 with or without BOM).

A bad row is refused with its line number and reason, and the rest goes on; a file that cannot be read as such a CSV at
all is refused whole. Reading is separate from recording, so that a file can be checked without consequences.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Engine

from assets.operations.clock import Clock
from assets.operations.refusal import Refusal
from assets.register.events import ConflictingEvent, InvalidEvent, RecordedEvent, record, validate

COLUMNS = ("external_id", "company_id", "effective_on", "recorded_by", "kind", "payload")


class UnreadableRegisterFile(Refusal):
    """The file as a whole is no register extract."""


@dataclass(frozen=True)
class RegisterRow:
    """One good row: a validated event, and the line it stands on."""

    line: int
    external_id: str
    company_id: str
    effective_on: date
    recorded_by: str
    kind: str
    payload: dict[str, object]


@dataclass(frozen=True)
class RefusedRow:
    """One bad row: the line it stands on, its external_id if it has one, and why."""

    line: int
    external_id: str
    what: str
    where: str
    what_to_do: str


@dataclass(frozen=True)
class RegisterFile:
    """A file as read: good rows in file order, and refused ones."""

    rows: tuple[RegisterRow, ...]
    refused: tuple[RefusedRow, ...]


@dataclass(frozen=True)
class RecordedFile:
    """A file as recorded. `recorded` holds new events and repeated ones (`is_new` false)."""

    recorded: tuple[RecordedEvent, ...]
    refused: tuple[RefusedRow, ...]


def read_register_csv(content: bytes, name: str) -> RegisterFile:
    """Read one register extract. Raises UnreadableRegisterFile when it is not UTF-8 or lacks a column."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableRegisterFile(
            f"{name} is not UTF-8", f"byte {error.start}", "Save it as CSV UTF-8 and put it into the inbox again"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise UnreadableRegisterFile(
            f"{name} is not CSV: {error}", "line 1", "Export it again as comma-separated"
        ) from None
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise UnreadableRegisterFile(
            f"{name} lacks the column {', '.join(missing)}", "line 1", f"The header is: {','.join(COLUMNS)}"
        )
    rows: list[RegisterRow] = []
    refused: list[RefusedRow] = []
    for line, cells in _numbered(reader, refused):
        if not any(cell.strip() for cell in cells):
            continue
        record_ = dict(zip(header, cells, strict=False))
        try:
            if len(cells) != len(header):
                raise InvalidEvent(
                    f"the row has {len(cells)} cells, the header {len(header)}", "row", "Quote cells that hold a comma"
                )
            rows.append(_row(line, record_))
        except InvalidEvent as problem:
            refused.append(_refused(line, record_.get("external_id", ""), problem))
    return RegisterFile(tuple(rows), tuple(refused))


def record_register_file(engine: Engine, clock: Clock, rows: Sequence[RegisterRow]) -> RecordedFile:
    """Record the good rows of a file, each on its own; a row in conflict with the register is refused, the rest goes
    on.
    """
    recorded: list[RecordedEvent] = []
    refused: list[RefusedRow] = []
    for row in rows:
        try:
            recorded.append(
                record(
                    engine,
                    clock,
                    kind=row.kind,
                    company_id=row.company_id,
                    effective_on=row.effective_on,
                    recorded_by=row.recorded_by,
                    payload=row.payload,
                    external_id=row.external_id,
                )
            )
        except (InvalidEvent, ConflictingEvent) as problem:
            refused.append(_refused(row.line, row.external_id, problem))
    return RecordedFile(tuple(recorded), tuple(refused))


def _numbered(reader: Iterator[list[str]], refused: list[RefusedRow]) -> Iterator[tuple[int, list[str]]]:
    while True:
        line = reader.line_num + 1  # type: ignore[attr-defined]
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # After an unclosed quote the rest of the file is one cell: nothing behind it can be trusted.
            refused.append(
                RefusedRow(
                    line, "", f"not CSV from here on: {error}", "row", "Mend the quotes and offer the file again"
                )
            )
            return


def _row(line: int, cells: dict[str, str]) -> RegisterRow:
    for column in ("external_id", "company_id", "recorded_by", "effective_on", "kind"):
        if not cells[column].strip():
            raise InvalidEvent(f"{column} is empty", column, "Fill it in; external_id may be any text used once")
    effective_on = _date(cells["effective_on"].strip())
    try:
        payload = json.loads(cells["payload"].strip() or "{}", parse_float=Decimal)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise InvalidEvent("payload is not a JSON object", "payload", 'Write it as {"invoice": "2026-0001", ...}')
    kind = cells["kind"].strip()
    return RegisterRow(
        line=line,
        external_id=cells["external_id"].strip(),
        company_id=cells["company_id"].strip(),
        effective_on=effective_on,
        recorded_by=cells["recorded_by"].strip(),
        kind=kind,
        payload=validate(kind, payload),
    )


def _date(text: str) -> date:
    # The pattern, since fromisoformat alone also takes 20260302 and 2026-W10-1.
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        with suppress(ValueError):
            return date.fromisoformat(text)
    raise InvalidEvent(f"effective_on {text!r} is not a date", "effective_on", "Write the date as YYYY-MM-DD")


def _refused(line: int, external_id: str, problem: Refusal) -> RefusedRow:
    return RefusedRow(line, external_id.strip(), problem.what, problem.where, problem.what_to_do)

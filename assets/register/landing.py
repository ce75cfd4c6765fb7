"""Register extracts and returned worklists from the inbox into the register: good rows are recorded, refused ones go to
quarantine with reasons.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.landing.batches import record_sources, taken_hashes
from assets.landing.change_log import append_rows
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.warehouse import reading, writing
from assets.operations.runs import LandedSource
from assets.register.csv_files import (
    RecordedFile,
    RefusedRow,
    UnreadableRegisterFile,
    read_register_csv,
    record_register_file,
)
from assets.register.worklist_files import Task, is_worklist, read_worklist, record_worklist

INBOX = "register"


@dataclass(frozen=True, slots=True)
class RegisterLanded:
    """Files of the register inbox and the events they brought; `repeated` events were in the register already."""

    taken: int
    duplicate: int
    quarantined: int
    recorded: int
    repeated: int
    refused_rows: int


def land_register(landing: Landing, inbox: Path) -> RegisterLanded:
    """Takes every complete file of the register inbox. An external_id that was recorded before changes nothing."""
    seen = taken_hashes(landing.store, INBOX)
    taken = duplicate = quarantined = recorded = repeated = refused_rows = 0
    for file in complete_files(inbox):
        try:
            if file.refusal:
                raise UnreadableRegisterFile(
                    f"the file is not taken: {file.refusal}", file.name, "Put a plain file into the inbox"
                )
            record, unreadable = _read(landing, file)
        except UnreadableRegisterFile as error:
            _quarantine(landing, file, Refused("unreadable_register", str(error), position=error.where))
            quarantined += 1
            take_away(file)
            continue
        sha256 = landing.archive.put(file.content)
        if sha256 in seen:
            duplicate += 1
            _record(landing, LandedSource(INBOX, "csv", sha256, 0, "duplicate", original_name=file.name))
            take_away(file)
            continue
        seen.add(sha256)
        outcome = record()
        refused = sorted([*unreadable, *outcome.refused], key=lambda row: row.line)
        taken += 1
        recorded += sum(event.is_new for event in outcome.recorded)
        repeated += sum(not event.is_new for event in outcome.recorded)
        refused_rows += len(refused)
        _record(landing, LandedSource(INBOX, "csv", sha256, len(outcome.recorded), "taken", original_name=file.name))
        if refused:
            _quarantine(landing, file, Refused("refused_rows", _sentence(refused), position=f"line {refused[0].line}"))
            quarantined += 1
        take_away(file)
    return RegisterLanded(taken, duplicate, quarantined, recorded, repeated, refused_rows)


def _read(landing: Landing, file: InboxFile) -> tuple[Callable[[], RecordedFile], list[RefusedRow]]:
    """How to record what is in a file, and the rows that cannot be read. The content decides what it is, not its name."""
    if is_worklist(file.content):
        answered, unreadable = read_worklist(file.content, file.name)
        return lambda: record_worklist(
            landing.store,
            landing.clock,
            answered,
            lambda task_id: task_of(landing.warehouse, task_id),
            landing.as_of_date,
        ), unreadable
    read = read_register_csv(file.content, file.name)
    return lambda: record_register_file(landing.store, landing.clock, read.rows), list(read.refused)


def task_of(warehouse: Path, task_id: str) -> Task | None:
    """The newest version of a task, or None for one no day has ever had."""
    if not warehouse.exists():
        return None
    with reading(warehouse) as connection:
        try:
            rows = connection.execute(
                """
                select task_id, task_kind, company_id, customer_id, invoice_id, currency, amount
                from tasks.tasks where task_id = ? order by as_of_date desc limit 1
                """,
                [task_id],
            ).fetchall()
        except duckdb.CatalogException:
            return None  # no day was computed to its end yet, so nobody can have been given a task
    return Task(*rows[0]) if rows else None


def _record(landing: Landing, source: LandedSource) -> None:
    record_sources(landing.store, landing.clock, landing.batch_id, [source])


def _quarantine(landing: Landing, file: InboxFile, refused: Refused) -> None:
    sha256 = quarantine(landing.quarantine, file, refused)
    source = LandedSource(INBOX, "csv", sha256, 0, "quarantined", None, file.name, refused.code, refused.message)
    numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
    with writing(landing.warehouse) as connection:
        append_rows(connection, "quarantined_files", [quarantined_row(numbered)])


def _sentence(refused: Sequence[RefusedRow]) -> str:
    listed = "; ".join(f"line {row.line}: {row.what} ({row.where}). {row.what_to_do}" for row in refused[:20])
    return f"{len(refused)} rows were refused, the others recorded: {listed}"

"""Making the dossiers of a day: each once, recorded before it is written, written until it lies there whole.

The order is what makes a crash harmless. The bytes go into the archive; then one transaction records their hashes, with an
entry in the audit journal; then the files are written from the archive. Before the record nothing exists; after it a
dossier is never made again from other facts, and files that are missing are written by the next run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Connection, Engine, Row, insert, select, update

from assets.handover.dossier import dossier_json, write_dossier
from assets.handover.enclosures import Enclosure, enclose
from assets.handover.facts import handovers_to_make, is_rehearsal, read_facts
from assets.handover.paper import dossier_pdf
from assets.landing.archive import Archive, sync_folder
from assets.operations import journal
from assets.operations.canonical import canonical_text
from assets.operations.clock import Clock
from assets.operations.runs import RunRef
from assets.operations.store import reading, writing
from assets.operations.tables import handover_dossier


@dataclass(frozen=True)
class HandoverRoom:
    """Where dossiers are made from, and where they go. `documents`: the only folder document_path may point into."""

    store: Engine
    clock: Clock
    warehouse: Path
    archive: Archive
    templates: Path
    outbox: Path
    documents: Path | None


@dataclass(frozen=True)
class Made:
    """Hand-overs whose dossier was made in this run, and folders that were written (again) from the archive."""

    made: tuple[str, ...]
    written: tuple[Path, ...]


def make_dossiers(room: HandoverRoom, warehouse: duckdb.DuckDBPyConnection, run: RunRef) -> Made:
    """The dossier of every hand-over that has none yet, and the files of those whose writing was cut short."""
    made = []
    with reading(room.store) as store:
        rehearses = is_rehearsal(store)
        known: set[str] = set(
            store.execute(
                select(handover_dossier.c.handover_id).where(handover_dossier.c.is_rehearsal == rehearses)
            ).scalars()
        )
    for company_id, handover_id in handovers_to_make(warehouse):
        if handover_id not in known:
            _make(room, warehouse, run, company_id, handover_id)
            made.append(handover_id)
    return Made(tuple(made), write_missing(room))


def _make(
    room: HandoverRoom, warehouse: duckdb.DuckDBPyConnection, run: RunRef, company_id: str, handover_id: str
) -> None:
    with reading(room.store) as store:
        rehearses = is_rehearsal(store)
        facts = read_facts(warehouse, store, run, company_id, handover_id)
    enclosed = enclose(facts.invoices, facts.documents, facts.messages, room.archive, room.documents)
    document = write_dossier(facts, enclosed, run.as_of_date, is_rehearsal=rehearses)
    language = str(facts.creditor.get("language") or "")
    files = (
        Enclosure("dossier.json", room.archive.put(dossier_json(document))),
        Enclosure("dossier.pdf", room.archive.put(dossier_pdf(document, room.templates, language))),
        *enclosed.files,
    )
    with writing(room.store) as store:
        _record(store, room, run, document, files)


def _record(
    store: Connection, room: HandoverRoom, run: RunRef, document: Mapping[str, Any], files: tuple[Enclosure, ...]
) -> None:
    hashes = {file.name: file.sha256 for file in files}
    handover_id = str(document["handover_id"])
    now = room.clock.now()
    store.execute(
        insert(handover_dossier).values(
            handover_id=handover_id,
            is_rehearsal=document["is_rehearsal"],
            company_id=str(document["company_id"]),
            customer_id=str(document["debtor"]["customer_id"]),
            as_of_date=run.as_of_date,
            run_id=run.run_id,
            made_at=now,
            json_sha256=hashes["dossier.json"],
            pdf_sha256=hashes["dossier.pdf"],
            files=canonical_text(hashes),
        )
    )
    journal.append(
        store,
        now,
        "tijdig",
        "handover_dossier",
        [f"handover:{handover_id}", f"customer:{document['debtor']['customer_id']}"],
        {"agency": document["agency"], "as_of_date": run.as_of_date, "files": hashes},
        run.run_id,
    )


def write_missing(room: HandoverRoom) -> tuple[Path, ...]:
    """Writes every recorded dossier that does not lie in the outbox yet; returns the folders."""
    with reading(room.store) as store:
        waiting = store.execute(
            select(handover_dossier)
            .where(handover_dossier.c.written_at.is_(None))
            .order_by(handover_dossier.c.as_of_date, handover_dossier.c.handover_id)
        ).all()
    return tuple(_write(room, row) for row in waiting)


def _write(room: HandoverRoom, row: Row[Any]) -> Path:
    folder = folder_of(room.outbox, row)
    hashes: dict[str, str] = json.loads(row.files)
    # The two that make it a dossier come last: where they lie, everything they speak of lies beside them.
    for name in sorted(hashes, key=lambda name: (not name.count("/"), name)):
        _place(folder / name, room.archive.get(hashes[name]))
    with writing(room.store) as store:
        store.execute(
            update(handover_dossier)
            .where(
                handover_dossier.c.handover_id == row.handover_id, handover_dossier.c.is_rehearsal == row.is_rehearsal
            )
            .values(written_at=room.clock.now())
        )
    return folder


def folder_of(outbox: Path, row: Row[Any]) -> Path:
    """`outbox/<as_of_date>/<handover_id>`: where the dossier of a record lies."""
    day: date = row.as_of_date
    return outbox / day.isoformat() / str(row.handover_id)


def _place(target: Path, content: bytes) -> None:
    """The whole file under its name, or nothing: temporary, durable, then renamed."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, target)
    sync_folder(target.parent)
    sync_folder(target.parent.parent)

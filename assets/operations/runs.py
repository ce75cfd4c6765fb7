"""Runs, landing batches and what they took in. Every function works inside the caller's write transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import Connection, func, insert, select, update

from assets.operations import journal
from assets.operations.canonical import canonical_text
from assets.operations.clock import Clock
from assets.operations.facts import latest_sequences
from assets.operations.refusal import Refusal
from assets.operations.store import next_seq
from assets.operations.tables import archived_dataset, landed_source, landing_batch, run, run_control


@dataclass(frozen=True)
class RunRef:
    """Everything a day's decisions rest on. The same six values give the same decisions again."""

    run_id: str
    as_of_date: date
    batch_watermark: int
    register_seq: int
    dispatch_seq: int
    policy_version: str
    code_version: str


@dataclass(frozen=True)
class LandedSource:
    """One file or extract offered to a batch, and what became of it."""

    inbox: str
    kind: str
    sha256: str
    rows: int
    outcome: Literal["taken", "duplicate", "quarantined"]
    table_name: str | None = None
    original_name: str | None = None
    code: str | None = None
    message: str | None = None
    account_iban: str | None = None


def begin_run(
    connection: Connection,
    clock: Clock,
    run_id: str,
    as_of_date: date,
    policy_version: str,
    code_version: str,
    actor: str,
) -> None:
    """Write down that a run has begun, and move the home to its day. `as_of_date` must come from `control.admit_day`."""
    now = clock.now()
    connection.execute(
        insert(run).values(
            run_id=run_id,
            as_of_date=as_of_date,
            batch_watermark=0,
            register_seq=0,
            dispatch_seq=0,
            policy_version=policy_version,
            code_version=code_version,
            started_at=now,
        )
    )
    connection.execute(update(run_control).values(last_as_of_date=as_of_date, last_run_id=run_id))
    journal.append(
        connection,
        now,
        actor,
        "run_started",
        [f"run:{run_id}"],
        {"as_of_date": as_of_date, "policy_version": policy_version, "code_version": code_version},
        run_id,
    )


def pin_run(connection: Connection, run_id: str, batch_watermark: int) -> RunRef:
    """Fix what the run knows: landed data up to `batch_watermark`, register and dispatch facts up to now."""
    known = latest_sequences(connection)
    connection.execute(
        update(run)
        .where(run.c.run_id == run_id)
        .values(batch_watermark=batch_watermark, register_seq=known.register, dispatch_seq=known.dispatch)
    )
    return read_run(connection, run_id)


def read_run(connection: Connection, run_id: str) -> RunRef:
    """The run named `run_id`. Raises Refusal when there is none."""
    row = connection.execute(select(run).where(run.c.run_id == run_id)).first()
    if row is None:
        raise Refusal(f"There is no run {run_id}", "operations store", "Take a run_id from the output of tijdig run")
    return RunRef(
        run_id=row.run_id,
        as_of_date=row.as_of_date,
        batch_watermark=row.batch_watermark,
        register_seq=row.register_seq,
        dispatch_seq=row.dispatch_seq,
        policy_version=row.policy_version,
        code_version=row.code_version,
    )


def end_run(
    connection: Connection, clock: Clock, run_id: str, outcome: str, summary: Mapping[str, object], actor: str
) -> None:
    """Write down how a run ended. `summary` is kept as canonical JSON, without floats."""
    now = clock.now()
    connection.execute(
        update(run).where(run.c.run_id == run_id).values(ended_at=now, outcome=outcome, summary=canonical_text(summary))
    )
    journal.append(
        connection, now, actor, "run_ended", [f"run:{run_id}"], {"outcome": outcome, "summary": summary}, run_id
    )


def open_batch(connection: Connection, clock: Clock, run_id: str) -> int:
    """A new landing batch; its number is above every earlier one."""
    batch_id = next_seq(connection, landing_batch.c.batch_id)
    connection.execute(insert(landing_batch).values(batch_id=batch_id, run_id=run_id, opened_at=clock.now()))
    return batch_id


def close_batch(connection: Connection, clock: Clock, batch_id: int, actor: str, totals: Mapping[str, object]) -> None:
    """Close a batch, with its control totals in the journal. A batch that was never closed is below no watermark."""
    now = clock.now()
    connection.execute(update(landing_batch).where(landing_batch.c.batch_id == batch_id).values(closed_at=now))
    journal.append(connection, now, actor, "batch_closed", [f"batch:{batch_id}"], totals)


def record_source(connection: Connection, clock: Clock, batch_id: int, source: LandedSource, actor: str) -> int:
    """Write down one offered file or extract and what became of it; returns its ordinal in the batch."""
    last: int = connection.execute(
        select(func.coalesce(func.max(landed_source.c.ordinal), 0)).where(landed_source.c.batch_id == batch_id)
    ).scalar_one()
    ordinal = last + 1
    connection.execute(insert(landed_source).values(batch_id=batch_id, ordinal=ordinal, **vars(source)))
    journal.append(
        connection,
        clock.now(),
        actor,
        f"source_{source.outcome}",
        [f"batch:{batch_id}", f"sha256:{source.sha256}"],
        {
            "inbox": source.inbox,
            "kind": source.kind,
            "rows": source.rows,
            "name": source.original_name,
            "code": source.code,
        },
    )
    return ordinal


def already_taken(connection: Connection, sha256: str) -> bool:
    """Whether this very content was taken in before, under whatever name."""
    found = connection.execute(
        select(landed_source.c.batch_id)
        .where(landed_source.c.sha256 == sha256, landed_source.c.outcome == "taken")
        .limit(1)
    ).first()
    return found is not None


def record_dataset(connection: Connection, run_ref: RunRef, kind: str, sha256: str, rows: int) -> int:
    """Write down a dataset archived by a run, so that a rebuilt warehouse can load it again; returns its number."""
    seq = next_seq(connection, archived_dataset.c.seq)
    connection.execute(
        insert(archived_dataset).values(
            seq=seq, run_id=run_ref.run_id, as_of_date=run_ref.as_of_date, kind=kind, sha256=sha256, rows=rows
        )
    )
    return seq

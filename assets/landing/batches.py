"""Batches and their sources in the operations store: the list from which a warehouse can be built again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
from sqlalchemy import Engine, select

from assets.landing.change_log import append_rows
from assets.operations import runs
from assets.operations.clock import Clock
from assets.operations.runs import LandedSource
from assets.operations.store import reading, writing
from assets.operations.tables import landed_source, landing_batch

ACTOR = "landing"


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """A source with its place: the batch it came in and its ordinal there, from 1."""

    batch_id: int
    ordinal: int
    source: LandedSource


def open_batch(store: Engine, clock: Clock, run_id: str) -> int:
    """The batch of a run: a new one, or the one this run already opened when a step is retried."""
    with writing(store) as connection:
        known = connection.execute(select(landing_batch.c.batch_id).where(landing_batch.c.run_id == run_id)).scalar()
        return int(known) if known is not None else runs.open_batch(connection, clock, run_id)


def record_sources(store: Engine, clock: Clock, batch_id: int, sources: Sequence[LandedSource]) -> list[NumberedSource]:
    """Records what arrived, in order, in one transaction."""
    with writing(store) as connection:
        return [
            NumberedSource(batch_id, runs.record_source(connection, clock, batch_id, source, ACTOR), source)
            for source in sources
        ]


def taken_hashes(store: Engine, inbox: str) -> set[str]:
    """Hashes of every file of an inbox that was taken before: the same bytes again are a duplicate."""
    return set(taken_kinds(store, inbox))


def taken_kinds(store: Engine, inbox: str) -> dict[str, str]:
    """The hash of every file of an inbox that was taken before, with the kind of file it was."""
    with reading(store) as connection:
        rows = connection.execute(
            select(landed_source.c.sha256, landed_source.c.kind).where(
                landed_source.c.inbox == inbox, landed_source.c.outcome == "taken"
            )
        ).all()
        return {str(sha256): str(kind) for sha256, kind in rows}


def all_sources(store: Engine) -> list[NumberedSource]:
    """Every source ever recorded, in the order it arrived."""
    with reading(store) as connection:
        rows = (
            connection.execute(select(landed_source).order_by(landed_source.c.batch_id, landed_source.c.ordinal))
            .mappings()
            .all()
        )
    fields = LandedSource.__dataclass_fields__
    return [
        NumberedSource(row["batch_id"], row["ordinal"], LandedSource(**{name: row[name] for name in fields}))
        for row in rows
    ]


def note_loaded(connection: duckdb.DuckDBPyConnection, sources: Iterable[NumberedSource]) -> None:
    """Notes in the warehouse that it holds these sources: what is recorded and not noted is loaded by the next run."""
    append_rows(connection, "landed_sources", [(each.batch_id, each.ordinal, each.source.sha256) for each in sources])

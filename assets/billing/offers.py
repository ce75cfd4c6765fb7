"""One table of an extract, or one file, on its way into the raw log: compared, held back or appended, and recorded."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.billing.drift import Drift, drifts, refuse_drift
from assets.billing.extract_files import Contents
from assets.billing.rows import RowProblem
from assets.billing.source import ERP, BillingSource, acceptance
from assets.landing.batches import ACTOR, NumberedSource, note_loaded, record_sources
from assets.landing.brakes import Brakes, Implausible
from assets.landing.change_log import Appended, append_billing, append_rows, last_ordinal
from assets.landing.context import Landing
from assets.landing.raw_tables import BillingTable
from assets.landing.warehouse import transaction, writing
from assets.operations import journal
from assets.operations.runs import LandedSource
from assets.operations.store import writing as writing_store
from assets.problem import DataProblem

OFF = Brakes(100, None, None)

# What the warehouse may hold while an extract is compared with the log; beyond it lies on disk. An extract of a million
# invoices needs no more than one of ten thousand then.
MEMORY_WHILE_COMPARING = "200MB"


@dataclass(frozen=True, slots=True)
class TableLanded:
    """What was landed of one table: rows seen, new or changed, gone, and refused; and what a person should know."""

    table_name: str
    seen: int
    changed: int
    deleted: int
    refused: int
    repeated_keys: int = 0
    notices: tuple[str, ...] = ()

    def __add__(self, other: "TableLanded") -> "TableLanded":
        """Two files of one table, counted together."""
        return TableLanded(
            self.table_name,
            self.seen + other.seen,
            self.changed + other.changed,
            self.deleted + other.deleted,
            self.refused + other.refused,
            self.repeated_keys + other.repeated_keys,
            self.notices + other.notices,
        )


@dataclass(frozen=True, slots=True)
class Offer:
    """One table of an extract, or one file, that was read and not yet landed.

    `is_everything`: no row was left out for being known. `was_taken`: the same bytes were taken before, so that it counts
    only when it says something new.
    """

    table: BillingTable
    rows: Path | pa.Table
    contents: Contents
    sha256: str
    kind: str
    before: Contents | None = None
    is_everything: bool = False
    watermark: str = ""
    inbox: str = ERP
    name: str | None = None
    was_taken: bool = False


def land_offer(landing: Landing, source: BillingSource, offer: Offer) -> TableLanded:
    """Lands one table; the reason of a refusal is kept in the journal, and the extract in the archive."""
    table = offer.table
    try:
        return _append(landing, offer, source.brakes, [])
    except Implausible as problem:
        if source.accepts(table.name, landing.as_of_date):
            return _append(landing, offer, None, [Drift("accepted", f"taken although {problem.what}")])
        accepting = f'[billing] accepted_extracts = ["{acceptance(table.name, landing.as_of_date)}"]'
        with writing_store(landing.store) as store:
            journal.append(
                store,
                landing.clock.now(),
                ACTOR,
                "extract_refused",
                [f"batch:{landing.batch_id}", f"sha256:{offer.sha256}"],
                {"table": table.name, "code": problem.code, "rows": offer.contents.seen, "reason": problem.what},
                landing.run_id,
            )
        raise DataProblem(
            problem.what,
            where=problem.where,
            remedy=f"{problem.what_to_do}; if it is right after all, take it for this day: {accepting}",
        ) from problem


class NoNews(Exception):
    """The same bytes as before, and nothing has changed since: a duplicate."""


def _append(landing: Landing, offer: Offer, brakes: Brakes | None, notices: list[Drift]) -> TableLanded:
    """Appends one table and records it; `brakes` of None lets everything pass. Raises NoNews for a duplicate."""
    table, contents = offer.table, offer.contents
    with writing(landing.warehouse) as connection, sparing(connection), transaction(connection):
        found = drifts(
            connection,
            table,
            contents,
            offer.before,
            batch_id=landing.batch_id,
            is_everything=offer.is_everything,
            watermark=offer.watermark,
        )
        if brakes is not None:
            refuse_drift(table, found)
        after = last_ordinal(connection, table, landing.batch_id)
        if offer.was_taken and _refused_anew(connection, offer):
            offer = replace(offer, was_taken=False)
        _append_problems(connection, landing.batch_id, offer.sha256, contents.problems, after)
        # The brake comes before the record: an extract that is refused was never taken.
        appended = append_billing(
            connection,
            table,
            offer.rows,
            batch_id=landing.batch_id,
            source_sha256=offer.sha256,
            is_full=offer.kind == "full",
            brakes=brakes or OFF,
            after=after,
        )
        if offer.was_taken and not appended.changed and not appended.deleted:
            raise NoNews
        said = notices + found + _repeated(appended)
        taken = LandedSource(
            offer.inbox,
            offer.kind,
            offer.sha256,
            contents.seen - len(contents.problems),
            "taken",
            table.name,
            offer.name,
            code=said[0].code if said else None,
            message="; ".join(drift.words for drift in said) or None,
        )
        numbered = record_sources(landing.store, landing.clock, landing.batch_id, [taken])[0]
        note_loaded(connection, [numbered])
    return _landed(table, appended, contents.problems, tuple(f"{table.name}: {drift.words}" for drift in said))


def _refused_anew(connection: duckdb.DuckDBPyConnection, offer: Offer) -> bool:
    """Whether a row these bytes were refused for has been healed since: then they spoil it again."""
    known = [name for name in ("company_id", "customer_id", "invoice_id") if name in offer.table.column_names]
    whose = [name for name in known if name != "customer_id" or "invoice_id" not in known]
    if not offer.contents.problems:
        return False
    healed = connection.execute(
        f"""
        with refused as (
            select {", ".join(whose)}, max(batch_id * 1000000000 + ordinal) as arrival
            from raw.row_problems
            where source_sha256 = '{offer.sha256}' and table_name = '{offer.table.name}'
            group by all
        )
        select count(*) from refused
        join raw.{offer.table.name} as log on {" and ".join(f"log.{name} = refused.{name}" for name in whose)}
        where log.source_sha256 <> '{offer.sha256}' and log.batch_id * 1000000000 + log.ordinal > refused.arrival
        """
    ).fetchall()
    return bool(healed[0][0])


def _repeated(appended: Appended) -> list[Drift]:
    if not appended.repeated:
        return []
    return [Drift("repeated_keys", f"{appended.repeated} rows repeat the key of an earlier one; the last one counts")]


def load_again(
    connection: duckdb.DuckDBPyConnection,
    numbered: NumberedSource,
    table: BillingTable,
    rows: pa.Table | Path,
    problems: Sequence[RowProblem],
) -> None:
    """Appends archived rows and refusals under their own batch, as they were appended then."""
    after = last_ordinal(connection, table, numbered.batch_id)
    _append_problems(connection, numbered.batch_id, numbered.source.sha256, problems, after)
    append_billing(
        connection,
        table,
        rows,
        batch_id=numbered.batch_id,
        source_sha256=numbered.source.sha256,
        is_full=numbered.source.kind == "full",
        after=after,
    )


@contextmanager
def sparing(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Lets the warehouse work on disk rather than in memory; by two threads, since each wants memory of its own."""
    settings = "select current_setting('memory_limit'), current_setting('threads')"
    ((memory, threads),) = connection.execute(settings).fetchall()
    connection.execute(f"set memory_limit = '{MEMORY_WHILE_COMPARING}'; set threads = {min(int(threads), 2)}")
    try:
        yield
    finally:
        connection.execute(f"set memory_limit = '{memory}'; set threads = {threads}")


def _append_problems(
    connection: duckdb.DuckDBPyConnection,
    batch_id: int,
    source_sha256: str,
    problems: Sequence[RowProblem],
    after: int,
) -> None:
    """Appends the refused rows of a source, numbered like its good ones; they must stand before those are appended."""
    append_rows(
        connection,
        "row_problems",
        [
            (
                batch_id,
                source_sha256,
                after + problem.ordinal,
                problem.table_name,
                problem.company_id,
                problem.customer_id,
                problem.invoice_id,
                problem.code,
                problem.message,
            )
            for problem in problems
        ],
    )


def _landed(
    table: BillingTable, appended: Appended, problems: Sequence[RowProblem], notices: tuple[str, ...] = ()
) -> TableLanded:
    return TableLanded(
        table.name, appended.seen, appended.changed, appended.deleted, len(problems), appended.repeated, notices
    )

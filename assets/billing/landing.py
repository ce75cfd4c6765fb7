"""The billing extract into the raw log: from the ERP's database, or from CSV files in the inbox."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine, select

from assets.billing.csv_files import BillingFile, read_billing_file, table_of
from assets.billing.drift import Drift, drifts, refuse_drift
from assets.billing.extract import (
    Lost,
    Question,
    checked_queries,
    checked_watermarks,
    open_billing,
    pull,
    snapshot,
)
from assets.billing.extract_files import ColumnSeen, Contents, ExtractWriter, contents_of
from assets.billing.rows import RowProblem
from assets.billing.source import BillingSource, acceptance
from assets.landing.batches import ACTOR, NumberedSource, record_sources, taken_hashes
from assets.landing.brakes import Brakes, Implausible
from assets.landing.change_log import Appended, append_billing, append_rows, last_ordinal
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BillingTable
from assets.landing.warehouse import transaction, writing
from assets.operations import journal
from assets.operations.canonical import canonical_text
from assets.operations.runs import LandedSource
from assets.operations.store import reading as reading_store
from assets.operations.store import writing as writing_store
from assets.operations.tables import landed_source
from assets.problem import DataProblem

INBOX = "billing"
ERP = "erp"

# A file that was taken as a part of a full extract.
CSV_PART = "csv_part"

# Where extracts lie while they are read: in the home, whose disk is known to be large enough and private.
WORKSHOP = ".extract-"

OFF = Brakes(100, None, None)

# What the warehouse may hold while an extract is compared with the log; beyond it lies on disk. An extract of a million
# invoices needs no more than one of ten thousand then.
MEMORY_WHILE_COMPARING = "200MB"
ANYTHING = BillingSource()


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
class BillingLanded:
    tables: tuple[TableLanded, ...]
    taken: int
    duplicate: int
    quarantined: int


def land_extract(landing: Landing, source: BillingSource) -> BillingLanded:
    """Pulls every mapped table from the ERP, keeps each extract as Parquet and appends what is new or changed.

    All tables are read first, as they were at one moment; then each is landed. A table that cannot be read or looks wrong
    as a whole is not landed, and stops the day after the others have been.

    Raises UsageProblem for settings that cannot be used, DataProblem for an ERP or a table that cannot.
    """
    queries = checked_queries(source.queries)
    watermarks = checked_watermarks(source.watermarks, queries)
    engine = open_billing(source.url)
    problems: list[DataProblem] = []
    tables: list[TableLanded] = []
    with _workshop(landing) as folder:
        offers: list[Offer] = []
        try:
            with snapshot(engine) as connection:
                for name, query in queries.items():
                    table, path = BILLING_TABLE_BY_NAME[name], folder / f"{name}.parquet"
                    before = last_extract(landing, table)
                    question = _question(engine, source, table, query, watermarks.get(name, ""), before)
                    try:
                        contents = pull(connection, question, path, landing.clock.now())
                    except Lost:
                        raise
                    except DataProblem as problem:
                        problems.append(problem)
                        continue
                    is_everything = question.since is None and (source.is_full or bool(question.watermark))
                    sha256 = landing.archive.put_file(path)
                    kind = "full" if source.is_full else "delta"
                    offers.append(Offer(table, path, contents, sha256, kind, before, is_everything, question.watermark))
        finally:
            engine.dispose()
        for offer in offers:
            try:
                tables.append(_land(landing, source, offer))
            except DataProblem as problem:
                problems.append(problem)
    _raise_all(problems)
    return BillingLanded(tuple(tables), taken=0, duplicate=0, quarantined=0)


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


@contextmanager
def _workshop(landing: Landing) -> Iterator[Path]:
    """A folder in the home for what is being read; what a run that died left there goes first."""
    home = landing.warehouse.parent
    for left_over in home.glob(f"{WORKSHOP}*"):
        shutil.rmtree(left_over)
    with tempfile.TemporaryDirectory(prefix=WORKSHOP, dir=home) as folder:
        yield Path(folder)


def last_extract(landing: Landing, table: BillingTable) -> Contents | None:
    """What the last extract of a table held that was taken; None when there is none."""
    with reading_store(landing.store) as connection:
        sha256 = connection.execute(
            select(landed_source.c.sha256)
            .where(
                landed_source.c.inbox == ERP,
                landed_source.c.table_name == table.name,
                landed_source.c.outcome == "taken",
            )
            .order_by(landed_source.c.batch_id.desc(), landed_source.c.ordinal.desc())
            .limit(1)
        ).scalar()
    return contents_of(landing.archive.verified(sha256), table.name) if sha256 else None


def _question(
    engine: Engine, source: BillingSource, table: BillingTable, query: str, watermark: str, before: Contents | None
) -> Question:
    """What to ask for one table: everything, or only what changed since the last answer to this very question."""
    url = engine.url
    asked = canonical_text([url.get_backend_name(), url.host, url.port, url.database, query, watermark])
    asked = hashlib.sha256(asked.encode()).hexdigest()
    since = before.mark if before and watermark and before.asked == asked and not source.is_full else None
    return Question(table, query, watermark, since, source.overlap, asked)


def _land(landing: Landing, source: BillingSource, offer: Offer) -> TableLanded:
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
        _append_source(connection, numbered)
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


def _raise_all(problems: Sequence[DataProblem]) -> None:
    """Raises what went wrong, all of it at once: one run, one list to mend."""
    if len(problems) > 1:
        raise DataProblem(
            " ".join(problem.sentence() for problem in problems), where="[billing]", remedy="mend each, then run again"
        )
    if problems:
        raise problems[0]


def land_files(landing: Landing, inbox: Path, rules: BillingSource = ANYTHING) -> BillingLanded:
    """Takes every complete CSV file of the billing inbox in name order; a file that cannot be read is quarantined.

    Where extracts are full, the files of one table in one run together are its extract, unless one of them was refused:
    half an extract deletes nothing. Files a brake refuses stay in the inbox, and stop the day after the others.
    """
    seen = taken_hashes(landing.store, INBOX)
    counts = {"taken": 0, "duplicate": 0, "quarantined": 0}
    tables: list[TableLanded] = []
    problems: list[DataProblem] = []
    broken: set[str] = set()
    parts: dict[str, list[Part]] = {}
    for file in complete_files(inbox):
        read = _read(file)
        table = table_of(file.name)
        if isinstance(read, Refused):
            broken.add(table.name if table else "")
            _refuse(landing, file, read)
            counts["quarantined"] += 1
            take_away(file)
            continue
        part = Part(file, read, landing.archive.put(file.content))
        if rules.is_full:
            parts.setdefault(read.table.name, []).append(part)
            continue
        _land_part(landing, rules, part, seen, tables, counts, problems)
    for name, of_table in parts.items():
        if name in broken:
            for part in of_table:
                _land_part(landing, rules, part, seen, tables, counts, problems)
            continue
        try:
            tables.append(_land_parts(landing, rules, of_table, seen, counts))
        except DataProblem as problem:
            problems.append(problem)
    _raise_all(problems)
    return BillingLanded(tuple(tables), **counts)


@dataclass(frozen=True, slots=True)
class Part:
    """A CSV file that was read and lies in the archive."""

    file: InboxFile
    read: BillingFile
    sha256: str

    def source(self, outcome: Literal["taken", "duplicate"], kind: str) -> LandedSource:
        return LandedSource(
            INBOX, kind, self.sha256, self.read.rows.num_rows, outcome, self.read.table.name, self.file.name
        )


def _read(file: InboxFile) -> BillingFile | Refused:
    if file.refusal:
        return Refused("not_a_file", f"the file is not taken: {file.refusal}")
    return read_billing_file(file.name, file.content)


def _land_part(
    landing: Landing,
    rules: BillingSource,
    part: Part,
    seen: set[str],
    tables: list[TableLanded],
    counts: dict[str, int],
    problems: list[DataProblem],
) -> None:
    """Lands one file by itself. The same bytes again count when something else was said in between."""
    read = part.read
    offer = Offer(
        read.table,
        read.rows,
        read.contents,
        part.sha256,
        "csv",
        inbox=INBOX,
        name=part.file.name,
        was_taken=part.sha256 in seen,
    )
    try:
        tables.append(_land(landing, rules, offer))
        counts["taken"] += 1
    except NoNews:
        record_sources(landing.store, landing.clock, landing.batch_id, [part.source("duplicate", "csv")])
        counts["duplicate"] += 1
    except DataProblem as problem:
        problems.append(problem)
        return
    seen.add(part.sha256)
    take_away(part.file)


def _land_parts(
    landing: Landing, rules: BillingSource, parts: Sequence[Part], seen: set[str], counts: dict[str, int]
) -> TableLanded:
    """Lands the files of one table as one full extract, which is kept and loaded as the ERP's own would be."""
    table = parts[0].read.table
    contents = Contents(table.name)
    with _workshop(landing) as folder:
        path = folder / f"{table.name}.parquet"
        with ExtractWriter(path, table) as writer:
            last = 0
            for part in parts:
                rows, last = _numbered_on(part.read, last, contents)
                writer.write(rows)
            writer.finish(contents)
        sha256 = landing.archive.put_file(path)
        offer = Offer(table, path, contents, sha256, "full", last_extract(landing, table), is_everything=True)
        landed = _land(landing, rules, offer)
    is_news = bool(landed.changed or landed.deleted or any(part.sha256 not in seen for part in parts))
    outcome: Literal["taken", "duplicate"] = "taken" if is_news else "duplicate"
    sources = [part.source(outcome, CSV_PART) for part in parts]
    for numbered in record_sources(landing.store, landing.clock, landing.batch_id, sources):
        if outcome == "taken":
            with writing(landing.warehouse) as connection:
                _append_source(connection, numbered)
    counts[outcome] += len(parts)
    for part in parts:
        seen.add(part.sha256)
        take_away(part.file)
    return landed


def _numbered_on(part: BillingFile, before: int, contents: Contents) -> tuple[pa.Table, int]:
    """The rows of a further file, numbered on after `before`, and the last number; `contents` counts what it held."""
    ordinals = pc.add(part.rows["ordinal"], before)
    contents.problems += [replace(problem, ordinal=problem.ordinal + before) for problem in part.problems]
    contents.seen += part.contents.seen
    for name, column in part.contents.columns.items():
        known = contents.columns.setdefault(name, ColumnSeen(set(), 0))
        known.kinds |= column.kinds
        known.filled += column.filled
    last = max([before, *ordinals[-1:].to_pylist(), *(problem.ordinal for problem in contents.problems[-1:])])
    return part.rows.set_column(part.rows.column_names.index("ordinal"), "ordinal", ordinals), last


def _refuse(landing: Landing, file: InboxFile, refused: Refused) -> None:
    sha256 = quarantine(landing.quarantine, file, refused)
    source = LandedSource(INBOX, "csv", sha256, 0, "quarantined", None, file.name, refused.code, refused.sentence)
    numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
    with writing(landing.warehouse) as connection:
        append_rows(connection, "quarantined_files", [quarantined_row(numbered)])


def load_file(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, read: BillingFile) -> None:
    """Appends an archived CSV file again, in one transaction, under its own batch."""
    with transaction(connection):
        # What was a part of a full extract comes back with that extract.
        if numbered.source.kind != CSV_PART:
            _load(connection, numbered, read.table, read.rows, read.problems)
        _append_source(connection, numbered)


def load_extract(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, path: Path) -> None:
    """Appends an archived extract again, under its own batch: how a deleted warehouse gets its past back."""
    table = BILLING_TABLE_BY_NAME[numbered.source.table_name or ""]
    with sparing(connection), transaction(connection):
        _load(connection, numbered, table, path, contents_of(path, table.name).problems)
        _append_source(connection, numbered)


def _load(
    connection: duckdb.DuckDBPyConnection,
    numbered: NumberedSource,
    table: BillingTable,
    rows: pa.Table | Path,
    problems: Sequence[RowProblem],
) -> None:
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


def _append_source(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource) -> None:
    append_rows(connection, "landed_sources", [(numbered.batch_id, numbered.ordinal, numbered.source.sha256)])


def _landed(
    table: BillingTable, appended: Appended, problems: Sequence[RowProblem], notices: tuple[str, ...] = ()
) -> TableLanded:
    return TableLanded(
        table.name, appended.seen, appended.changed, appended.deleted, len(problems), appended.repeated, notices
    )

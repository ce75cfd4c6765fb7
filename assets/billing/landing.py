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
from assets.billing.offers import NoNews, Offer, TableLanded, land_offer, load_again, sparing
from assets.billing.source import ERP, INBOX, BillingSource
from assets.landing.batches import NumberedSource, note_loaded, record_sources, taken_hashes
from assets.landing.change_log import append_rows
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, BillingTable
from assets.landing.warehouse import transaction, writing
from assets.operations.canonical import canonical_text
from assets.operations.runs import LandedSource
from assets.operations.store import reading as reading_store
from assets.operations.tables import landed_source
from assets.problem import DataProblem

# A file that was taken as a part of a full extract.
CSV_PART = "csv_part"

# Where extracts lie while they are read: in the home, whose disk is known to be large enough and private.
WORKSHOP = ".extract-"

ANYTHING = BillingSource()


@dataclass(frozen=True, slots=True)
class BillingLanded:
    """What one landing of the extract took in: its tables, and how many files of the inbox became what."""

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
                tables.append(land_offer(landing, source, offer))
            except DataProblem as problem:
                problems.append(problem)
    _raise_all(problems)
    return BillingLanded(tuple(tables), taken=0, duplicate=0, quarantined=0)


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
        tables.append(land_offer(landing, rules, offer))
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
        landed = land_offer(landing, rules, offer)
    is_news = bool(landed.changed or landed.deleted or any(part.sha256 not in seen for part in parts))
    outcome: Literal["taken", "duplicate"] = "taken" if is_news else "duplicate"
    sources = [part.source(outcome, CSV_PART) for part in parts]
    for numbered in record_sources(landing.store, landing.clock, landing.batch_id, sources):
        if outcome == "taken":
            with writing(landing.warehouse) as connection:
                note_loaded(connection, [numbered])
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
            load_again(connection, numbered, read.table, read.rows, read.problems)
        note_loaded(connection, [numbered])


def load_extract(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, path: Path) -> None:
    """Appends an archived extract again, under its own batch: how a deleted warehouse gets its past back."""
    table = BILLING_TABLE_BY_NAME[numbered.source.table_name or ""]
    with sparing(connection), transaction(connection):
        load_again(connection, numbered, table, path, contents_of(path, table.name).problems)
        note_loaded(connection, [numbered])

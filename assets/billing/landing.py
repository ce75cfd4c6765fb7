"""The billing extract into the raw log: from the ERP's database, or from CSV files in the inbox."""

import hashlib
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from sqlalchemy import Engine, select

from assets.billing.csv_files import BillingFile, read_billing_file
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
from assets.billing.extract_files import Contents, contents_of
from assets.billing.rows import RowProblem, arrow_rows
from assets.billing.source import BillingSource, acceptance
from assets.landing.archive import Archive
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

# Where extracts lie while they are read: in the home, whose disk is known to be large enough and private.
WORKSHOP = ".extract-"

OFF = Brakes(100, None, None)
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
                    offers.append(Offer(table, path, contents, before, is_everything, question.watermark))
        finally:
            engine.dispose()
        for offer in offers:
            try:
                tables.append(_land(landing, source, offer, "full" if source.is_full else "delta"))
            except DataProblem as problem:
                problems.append(problem)
    _raise_all(problems)
    return BillingLanded(tuple(tables), taken=0, duplicate=0, quarantined=0)


@dataclass(frozen=True, slots=True)
class Offer:
    """One table of an extract, read and not yet landed. `is_everything`: no row was left out for being known."""

    table: BillingTable
    path: Path
    contents: Contents
    before: Contents | None
    is_everything: bool
    watermark: str = ""


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
    return contents_of(landing.archive.path_of(sha256), table.name) if sha256 else None


def _question(
    engine: Engine, source: BillingSource, table: BillingTable, query: str, watermark: str, before: Contents | None
) -> Question:
    """What to ask for one table: everything, or only what changed since the last answer to this very question."""
    url = engine.url
    asked = canonical_text([url.get_backend_name(), url.host, url.port, url.database, query, watermark])
    asked = hashlib.sha256(asked.encode()).hexdigest()
    since = before.mark if before and watermark and before.asked == asked and not source.is_full else None
    return Question(table, query, watermark, since, source.overlap, asked)


def _land(landing: Landing, source: BillingSource, offer: Offer, kind: str) -> TableLanded:
    """Lands one table; the reason of a refusal is kept in the journal, and the extract in the archive."""
    table, contents = offer.table, offer.contents
    sha256 = put_file(landing.archive, offer.path)
    is_accepted = source.accepts(table.name, landing.as_of_date)
    try:
        return _append(landing, offer, sha256, kind, source.brakes, [])
    except Implausible as problem:
        if is_accepted:
            notice = Drift("accepted", f"taken although {problem.what}")
            return _append(landing, offer, sha256, kind, None, [notice])
        words = f'{problem.what_to_do}; if it is right after all, take it for this day: [billing] accepted_extracts = ["{acceptance(table.name, landing.as_of_date)}"]'
        with writing_store(landing.store) as store:
            journal.append(
                store,
                landing.clock.now(),
                ACTOR,
                "extract_refused",
                [f"batch:{landing.batch_id}", f"sha256:{sha256}"],
                {"table": table.name, "code": problem.code, "rows": contents.seen, "reason": problem.what},
                landing.run_id,
            )
        raise DataProblem(problem.what, where=problem.where, remedy=words) from problem


def _append(
    landing: Landing, offer: Offer, sha256: str, kind: str, brakes: Brakes | None, notices: list[Drift]
) -> TableLanded:
    """Appends one table and records it; `brakes` of None lets everything pass."""
    table, contents = offer.table, offer.contents
    with writing(landing.warehouse) as connection, transaction(connection):
        found = drifts(
            connection,
            table,
            contents,
            offer.before,
            is_everything=offer.is_everything,
            watermark=offer.watermark,
        )
        if brakes is not None:
            refuse_drift(table, found)
        after = last_ordinal(connection, table, landing.batch_id)
        _append_problems(connection, landing.batch_id, sha256, contents.problems, after)
        # The brake comes before the record: an extract that is refused was never taken.
        appended = append_billing(
            connection,
            table,
            offer.path,
            batch_id=landing.batch_id,
            source_sha256=sha256,
            is_full=kind == "full",
            brakes=brakes or OFF,
            after=after,
        )
        said = notices + found + _repeated(appended)
        taken = LandedSource(
            ERP,
            kind,
            sha256,
            contents.seen - len(contents.problems),
            "taken",
            table.name,
            code=said[0].code if said else None,
            message="; ".join(drift.words for drift in said) or None,
        )
        numbered = record_sources(landing.store, landing.clock, landing.batch_id, [taken])[0]
        _append_source(connection, numbered)
    return _landed(table, appended, contents.problems, tuple(f"{table.name}: {drift.words}" for drift in said))


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
    """Takes every complete CSV file of the billing inbox in name order; a file that cannot be read is quarantined."""
    seen = taken_hashes(landing.store, INBOX)
    tables: list[TableLanded] = []
    counts = {"taken": 0, "duplicate": 0, "quarantined": 0}
    for file in complete_files(inbox):
        read = (
            Refused("not_a_file", f"the file is not taken: {file.refusal}")
            if file.refusal
            else read_billing_file(file.name, file.content)
        )
        if isinstance(read, Refused):
            _refuse(landing, file, read)
            counts["quarantined"] += 1
        elif (sha256 := landing.archive.put(file.content)) in seen:
            record_sources(
                landing.store,
                landing.clock,
                landing.batch_id,
                [LandedSource(INBOX, "csv", sha256, 0, "duplicate", read.table.name, file.name)],
            )
            counts["duplicate"] += 1
        else:
            seen.add(sha256)
            source = LandedSource(INBOX, "csv", sha256, len(read.rows), "taken", read.table.name, file.name)
            numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
            with writing(landing.warehouse) as connection:
                tables.append(load_file(connection, numbered, read))
            counts["taken"] += 1
        take_away(file)
    return BillingLanded(tuple(tables), **counts)


def _refuse(landing: Landing, file: InboxFile, refused: Refused) -> None:
    sha256 = quarantine(landing.quarantine, file, refused)
    source = LandedSource(INBOX, "csv", sha256, 0, "quarantined", None, file.name, refused.code, refused.sentence)
    numbered = record_sources(landing.store, landing.clock, landing.batch_id, [source])[0]
    with writing(landing.warehouse) as connection:
        append_rows(connection, "quarantined_files", [quarantined_row(numbered)])


def load_file(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, read: BillingFile) -> TableLanded:
    """Appends the rows of a CSV file that was read, in one transaction."""
    with transaction(connection):
        after = last_ordinal(connection, read.table, numbered.batch_id)
        _append_problems(connection, numbered.batch_id, numbered.source.sha256, read.problems, after)
        appended = append_billing(
            connection,
            read.table,
            arrow_rows(read.table, read.rows, read.ordinals),
            batch_id=numbered.batch_id,
            source_sha256=numbered.source.sha256,
            is_full=False,
            after=after,
        )
        _append_source(connection, numbered)
    return _landed(read.table, appended, read.problems)


def load_extract(connection: duckdb.DuckDBPyConnection, numbered: NumberedSource, content: bytes) -> None:
    """Appends an archived extract again, under its own batch: how a deleted warehouse gets its past back."""
    table = BILLING_TABLE_BY_NAME[numbered.source.table_name or ""]
    rows = pq.read_table(io.BytesIO(content))
    problems = contents_of(io.BytesIO(content), table.name).problems
    with transaction(connection):
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
        _append_source(connection, numbered)


def put_file(archive: Archive, path: Path) -> str:
    """Keeps a file in the archive and returns its SHA-256."""
    return archive.put(path.read_bytes())


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

"""Bank files from the inbox into the raw log: whole or not at all, and each statement once."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.banking.spool import Spooled, ToRead, read_back, spool_files, spool_folder
from assets.landing.archive import Received
from assets.landing.batches import NumberedSource, note_loaded, record_sources, taken_kinds
from assets.landing.change_log import append_rows, arrow_table
from assets.landing.context import Landing
from assets.landing.inbox import FileChanged, InboxFile, take_away, waiting_files
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import OTHER_TABLES
from assets.landing.warehouse import transaction, writing
from assets.operations.runs import LandedSource
from assets.problem import DataProblem

INBOX = "bank"

# Above this a load goes on by way of the disk: enough for the numbers of ten million entries.
LOAD_MEMORY = "512MB"


@dataclass(frozen=True, slots=True)
class StatementsLanded:
    """What one landing of bank files took in."""

    taken: int
    duplicate: int
    quarantined: int
    statements: int
    entries: int


@dataclass(frozen=True, slots=True)
class _Offered:
    """A file of the inbox: our own copy of it, or why it cannot be copied and under which hash quarantine knows of it."""

    file: InboxFile
    sha256: str
    copy: Received | None = None
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class _Repeated:
    """The bytes were taken before, as this format."""

    format: str


_Outcome = Spooled | Refused | _Repeated


def land_statements(landing: Landing, inbox: Path) -> StatementsLanded:
    """Takes every complete file of the bank inbox.

    A file seen before, and a statement seen in another file, change nothing. A file that cannot be read whole, or that
    belongs to an account nobody knows, goes to quarantine with its reason; the others go on. A file that is still being
    written waits for the next run.

    What is read is our own copy. Only when every file lies in the archive or in quarantine, the operations store knows
    what became of it and the log holds it, does the inbox forget it: a crash anywhere before that loses nothing.
    """
    landing.archive.sweep()
    with (
        _while_there_is_room(landing),
        writing(landing.warehouse) as connection,
        spool_folder(landing.warehouse) as folder,
    ):
        accounts = frozenset(company_accounts(connection))
        offered = list(_offered(landing, inbox))
        outcomes = _outcomes(offered, taken_kinds(landing.store, INBOX), folder, accounts)
        sources = [_settled(landing, one, outcome) for one, outcome in zip(offered, outcomes, strict=True)]
        numbered = record_sources(landing.store, landing.clock, landing.batch_id, sources)
        taken = [
            (source, outcome)
            for source, outcome in zip(numbered, outcomes, strict=True)
            if isinstance(outcome, Spooled)
        ]
        quarantined = [source for source in numbered if source.source.outcome == "quarantined"]
        statements, entries = load_statements(connection, taken)
        append_rows(connection, "quarantined_files", [quarantined_row(source) for source in quarantined])
    for one in offered:
        take_away(one.file)
    return StatementsLanded(
        len(taken), len(numbered) - len(taken) - len(quarantined), len(quarantined), statements, entries
    )


@contextmanager
def _while_there_is_room(landing: Landing) -> Iterator[None]:
    """A full disk is somebody's to mend: it is said as such, wherever it was met."""
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        is_full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if not is_full and "No space left" not in str(error):
            raise
        raise DataProblem(
            "there is no room left to take bank files in; nothing was lost",
            where=str(landing.warehouse.parent),
            remedy="the files are still in the inbox: make room and run again",
        ) from error


def _offered(landing: Landing, inbox: Path) -> Iterator[_Offered]:
    """The files of the inbox, copied; without those that are still being written."""
    for file in waiting_files(inbox):
        if not file.refusal:
            copy = landing.archive.receive(file)
            if copy is not None:
                yield _Offered(file, copy.sha256, copy)
            continue
        refused = Refused("not_a_file", f"the file is not taken: {file.refusal}")
        try:
            yield _Offered(file, quarantine(landing.quarantine, file, refused), refused=refused)
        except FileChanged:
            continue


def _outcomes(
    offered: Sequence[_Offered], taken: Mapping[str, str], folder: Path, accounts: frozenset[str]
) -> list[_Outcome]:
    """Reads what was not taken before. Of two files with the same bytes one is read; if it is refused, so is the other."""
    outcomes: list[_Outcome | None] = [one.refused for one in offered]
    places: dict[str, list[int]] = {}
    for place, one in enumerate(offered):
        if one.copy is not None and one.sha256 not in taken:
            places.setdefault(one.sha256, []).append(place)
    read = spool_files([_to_read(offered[same[0]]) for same in places.values()], folder, accounts)
    for (first, *others), outcome in zip(places.values(), read, strict=True):
        outcomes[first] = outcome
        for other in others:
            if isinstance(outcome, Spooled):
                outcomes[other] = _Repeated(outcome.format)
            else:
                # Refused once more, under its own name.
                (outcomes[other],) = spool_files([_to_read(offered[other])], folder, accounts)
    for place, one in enumerate(offered):
        if (kind := taken.get(one.sha256)) is not None and one.copy is not None:
            outcomes[place] = _Repeated(kind)
    return [outcome for outcome in outcomes if outcome is not None]


def _to_read(one: _Offered) -> ToRead:
    assert one.copy is not None
    return ToRead(one.copy.path, one.file.name, one.copy.size)


def _settled(landing: Landing, one: _Offered, outcome: _Outcome) -> LandedSource:
    """Puts a file where it belongs, for good, and says what is to be recorded of it."""
    name = one.file.name
    if isinstance(outcome, Refused):
        if one.copy is not None:
            quarantine(landing.quarantine, one.file, outcome, one.copy.path)
            landing.archive.drop(one.copy)
        return LandedSource(
            INBOX,
            "statement",
            one.sha256,
            0,
            "quarantined",
            None,
            name,
            outcome.code,
            outcome.sentence,
            # What stands where an account should stand may be of any length; an account has at most 34 places.
            (outcome.account_iban or "")[:34] or None,
        )
    assert one.copy is not None
    if isinstance(outcome, Spooled):
        landing.archive.keep(one.copy)
        return LandedSource(INBOX, outcome.format, one.sha256, outcome.entry_count, "taken", original_name=name)
    landing.archive.drop(one.copy)
    return LandedSource(INBOX, outcome.format, one.sha256, 0, "duplicate", original_name=name)


def load_statements(
    connection: duckdb.DuckDBPyConnection, files: Sequence[tuple[NumberedSource, Spooled]]
) -> tuple[int, int]:
    """Appends the statements that are not in the log yet, in one transaction; returns how many, and their entries.

    A statement known from before, or from an earlier place in these files, is left out with its entries. Of equal entries
    the first in the order of the files is the first: `entry_key` counts them (see `keys`). What an informative statement
    (camt.052, .054) announces its account's own statement books: counted with those entries, the same payment would be
    there twice, and its key would depend on which file came first. It goes into a table of its own, where the details
    of a batch are looked up that the statement books as one sum.
    """
    if not files:
        return 0, 0
    folders = [spooled.folder for _, spooled in files]
    # DuckDB keeps what it wrote in memory as long as it may, by default until most of the machine's is used.
    connection.execute(f"set memory_limit = '{LOAD_MEMORY}'")
    with transaction(connection):
        note_loaded(connection, [source for source, _ in files])
        arrived = arrow_table(
            _LANDING_FILES,
            [(number, source.batch_id, source.source.sha256) for number, (source, _) in enumerate(files)],
        )
        connection.register("arrived", arrived)
        connection.execute("create or replace temp table landing_files as select * from arrived")
        connection.unregister("arrived")
        read_back(connection, folders, "statements", _NEW_STATEMENTS)
        connection.execute(_insert("bank_statements", "landing_statements"))
        read_back(connection, folders, "entries", _NUMBERED_ENTRIES, ("statement", "row", "content"))
        read_back(connection, folders, "entries", _NAMED_ENTRIES, ("row", "content"))
        read_back(connection, folders, "entries", _insert("bank_entries", f"({_NEW_ENTRIES})"))
        read_back(connection, folders, "references", _insert("entry_references", f"({_NEW_REFERENCES})"))
        _load_notified(connection, folders)
        counts = connection.execute(
            "select (select count(*) from landing_statements), (select count(*) from landing_names)"
        ).fetchall()[0]
        for table in ("landing_files", "landing_statements", "landing_numbers", "landing_names"):
            connection.execute(f"drop table {table}")
    return int(counts[0]), int(counts[1])


def _load_notified(connection: duckdb.DuckDBPyConnection, folders: Sequence[Path]) -> None:
    """Appends what new informative statements tell, under keys of their own."""
    (has_some,) = connection.execute("select bool_or(is_informative) from landing_statements").fetchall()[0]
    if not has_some:
        return
    read_back(connection, folders, "entries", _NOTIFIED_NAMES, ("statement", "row", "content"))
    read_back(connection, folders, "entries", _insert("notified_entries", f"({_NEW_NOTIFIED})"))
    read_back(connection, folders, "references", _insert("notified_references", f"({_NEW_NOTIFIED_REFERENCES})"))
    connection.execute("drop table landing_notified")


def company_accounts(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every account of every company, as the billing extract names them. Of a company that billing has deleted the money
    would land and be nobody's, since no rule reads it: its files are refused aloud instead."""
    rows = connection.execute(
        """
        select iban from (
            select iban, is_deleted from raw.companies
            qualify row_number() over (partition by company_id order by batch_id desc, ordinal desc) = 1
        ) as companies
        where not is_deleted
        """
    ).fetchall()
    return {part.replace(" ", "").upper() for (ibans,) in rows for part in (ibans or "").split(";") if part.strip()}


def _insert(table: str, rows: str) -> str:
    columns = ", ".join(name for name, _ in OTHER_TABLES[table])
    return f"insert into raw.{table} ({columns}) select {columns} from {rows}"


_LANDING_FILES = (("file", "bigint"), ("batch_id", "bigint"), ("file_sha256", "varchar"))

_NEW_STATEMENTS = """
    create or replace temp table landing_statements as
    select spooled.*, spooled.statement as ordinal, landing_files.batch_id, landing_files.file_sha256
    from spooled
    inner join landing_files on spooled.file = landing_files.file
    where not exists (
        select 1 from raw.bank_statements as known where known.statement_key = spooled.statement_key
    )
    qualify row_number() over (partition by spooled.statement_key order by spooled.file, spooled.statement) = 1
"""

_NUMBERED_ENTRIES = """
    create or replace temp table landing_numbers as
    with booked as (
        select spooled.file, spooled.row, left(sha256(spooled.content), 26) as content_key
        from spooled
        inner join landing_statements as statements
            on spooled.file = statements.file and spooled.statement = statements.statement
        where not statements.is_informative
    ),
    earlier as (
        select known.content_key, count(*) as times
        from raw.bank_entries as known
        where known.content_key in (select booked.content_key from booked)
        group by known.content_key
    )
    select
        booked.file,
        booked.row,
        booked.content_key,
        coalesce(earlier.times, 0)
        + row_number() over (partition by booked.content_key order by booked.file, booked.row) as occurrence
    from booked
    left join earlier on booked.content_key = earlier.content_key
"""

_NAMED_ENTRIES = """
    create or replace temp table landing_names as
    select
        numbers.file,
        numbers.row,
        numbers.content_key,
        left(sha256(spooled.content || '|' || cast(numbers.occurrence as varchar)), 26) as entry_key
    from spooled
    inner join landing_numbers as numbers on spooled.file = numbers.file and spooled.row = numbers.row
"""

_NEW_ENTRIES = """
    select spooled.*, names.entry_key, names.content_key, statements.statement_key, statements.batch_id, statements.file_sha256
    from spooled
    inner join landing_names as names on spooled.file = names.file and spooled.row = names.row
    inner join landing_statements as statements
        on spooled.file = statements.file and spooled.statement = statements.statement
"""

_NEW_REFERENCES = """
    select spooled.*, names.entry_key, landing_files.batch_id
    from spooled
    inner join landing_names as names on spooled.file = names.file and spooled.row = names.row
    inner join landing_files on spooled.file = landing_files.file
"""

# A notification is known by its statement key, so its entries are counted within it: the key of a detail does not depend
# on what else arrived.
_NOTIFIED_NAMES = """
    create or replace temp table landing_notified as
    select
        spooled.file,
        spooled.row,
        left(sha256(spooled.content), 26) as content_key,
        left(
            sha256(
                'notified|' || statements.statement_key || '|' || spooled.content || '|'
                || cast(
                    row_number() over (
                        partition by statements.statement_key, spooled.content order by spooled.file, spooled.row
                    ) as varchar
                )
            ),
            26
        ) as entry_key
    from spooled
    inner join landing_statements as statements
        on spooled.file = statements.file and spooled.statement = statements.statement
    where statements.is_informative
"""

_NEW_NOTIFIED = _NEW_ENTRIES.replace("landing_names", "landing_notified")

_NEW_NOTIFIED_REFERENCES = _NEW_REFERENCES.replace("landing_names", "landing_notified")

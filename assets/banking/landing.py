"""Bank files from the inbox into the raw log: whole or not at all, and each statement once."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from assets.banking.keys import content_key, entry_key
from assets.banking.read import read_statement_file
from assets.banking.references import candidate_references
from assets.banking.statements import Entry, Statement, StatementFile, UnreadableStatement
from assets.landing.batches import NumberedSource, record_sources, taken_hashes
from assets.landing.change_log import append_rows
from assets.landing.context import Landing
from assets.landing.inbox import InboxFile, complete_files, take_away
from assets.landing.quarantine import Refused, quarantine, quarantined_row
from assets.landing.raw_tables import OTHER_TABLES
from assets.landing.warehouse import transaction, writing
from assets.operations.runs import LandedSource

INBOX = "bank"
STATEMENT_COLUMNS = tuple(name for name, _ in OTHER_TABLES["bank_statements"])
ENTRY_COLUMNS = tuple(name for name, _ in OTHER_TABLES["bank_entries"])
REFERENCE_COLUMNS = tuple(name for name, _ in OTHER_TABLES["entry_references"])


@dataclass(frozen=True, slots=True)
class StatementsLanded:
    """What one landing of bank files took in."""

    taken: int
    duplicate: int
    quarantined: int
    statements: int
    entries: int


def land_statements(landing: Landing, inbox: Path) -> StatementsLanded:
    """Takes every complete file of the bank inbox.

    A file seen before, and a statement seen in another file, change nothing. A file that cannot be read whole, or that
    belongs to an account nobody knows, goes to quarantine with its reason; the others go on.
    """
    seen = taken_hashes(landing.store, INBOX)
    sources: list[LandedSource] = []
    contents: list[StatementFile] = []
    files: list[InboxFile] = []
    with writing(landing.warehouse) as connection:
        accounts = company_accounts(connection)
        for file in complete_files(inbox):
            files.append(file)
            read = read_file(file, accounts)
            if isinstance(read, Refused):
                sha256 = quarantine(landing.quarantine, file, read)
                sources.append(
                    LandedSource(
                        INBOX,
                        "statement",
                        sha256,
                        0,
                        "quarantined",
                        None,
                        file.name,
                        read.code,
                        read.sentence,
                        read.account_iban,
                    )
                )
                continue
            sha256 = landing.archive.put(file.content)
            if sha256 in seen:
                sources.append(LandedSource(INBOX, read.format, sha256, 0, "duplicate", original_name=file.name))
                continue
            seen.add(sha256)
            contents.append(read)
            sources.append(LandedSource(INBOX, read.format, sha256, read.entry_count, "taken", original_name=file.name))
        numbered = record_sources(landing.store, landing.clock, landing.batch_id, sources)
        taken = [source for source in numbered if source.source.outcome == "taken"]
        quarantined = [source for source in numbered if source.source.outcome == "quarantined"]
        statements, entries = load_statements(connection, list(zip(taken, contents, strict=True)))
        append_rows(connection, "quarantined_files", [quarantined_row(source) for source in quarantined])
    for file in files:
        take_away(file)
    return StatementsLanded(
        len(taken), len(numbered) - len(taken) - len(quarantined), len(quarantined), statements, entries
    )


def load_statements(
    connection: duckdb.DuckDBPyConnection, files: Sequence[tuple[NumberedSource, StatementFile]]
) -> tuple[int, int]:
    """Appends the statements that are not in the log yet, in one transaction; returns how many, and their entries."""
    known = _known_statements(
        connection, [statement.statement_key for _, file in files for statement in file.statements]
    )
    occurrences = _occurrences(connection, files)
    statement_rows: list[tuple[object, ...]] = []
    entry_rows: list[tuple[object, ...]] = []
    reference_rows: list[tuple[object, ...]] = []
    for source, file in files:
        for ordinal, statement in enumerate(file.statements, start=1):
            if statement.statement_key in known:
                continue
            known.add(statement.statement_key)
            statement_rows.append(_statement_row(source, ordinal, statement))
            for entry in booked_entries(statement):
                content = content_key(entry, statement.account_iban)
                occurrences[content] += 1
                key = entry_key(entry, statement.account_iban, occurrences[content])
                landed = {
                    "batch_id": source.batch_id,
                    "file_sha256": source.source.sha256,
                    "entry_key": key,
                    "content_key": content,
                }
                entry_rows.append(
                    tuple(landed[name] if name in landed else getattr(entry, name) for name in ENTRY_COLUMNS)
                )
                reference_rows.extend(
                    tuple(landed[name] if name in landed else getattr(reference, name) for name in REFERENCE_COLUMNS)
                    for reference in candidate_references(entry)
                )
    with transaction(connection):
        append_rows(connection, "bank_statements", statement_rows)
        append_rows(connection, "bank_entries", entry_rows)
        append_rows(connection, "entry_references", reference_rows)
        append_rows(
            connection,
            "landed_sources",
            [(source.batch_id, source.ordinal, source.source.sha256) for source, _ in files],
        )
    return len(statement_rows), len(entry_rows)


def booked_entries(statement: Statement) -> tuple[Entry, ...]:
    """What counts as money. An informative statement (camt.052, .054) announces what its account's own statement books:
    taken as entries too, the same payment would be there twice, and its key would depend on which file came first."""
    return () if statement.is_informative else statement.entries


def _statement_row(source: NumberedSource, ordinal: int, statement: Statement) -> tuple[object, ...]:
    landed = {"batch_id": source.batch_id, "file_sha256": source.source.sha256, "ordinal": ordinal}
    return tuple(landed[name] if name in landed else getattr(statement, name) for name in STATEMENT_COLUMNS)


def read_file(file: InboxFile, accounts: set[str]) -> StatementFile | Refused:
    """Reads one bank file, or says why it is refused: unreadable, or of an account no company has."""
    if file.refusal:
        return Refused("not_a_file", f"the file is not taken: {file.refusal}")
    try:
        statements = read_statement_file(file.content, name=file.name)
    except UnreadableStatement as error:
        return Refused(error.code, error.message, position=error.position or "", account_iban=error.account_iban)
    unknown = sorted({statement.account_iban for statement in statements.statements} - accounts)
    if unknown:
        return Refused(
            "unknown_account",
            f"no company has the account {unknown[0]}; add it to companies.iban",
            account_iban=unknown[0],
        )
    return statements


def company_accounts(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every account of every company, as the billing extract names them."""
    rows = connection.execute(
        """
        select iban from raw.companies
        qualify row_number() over (partition by company_id order by batch_id desc, ordinal desc) = 1
        """
    ).fetchall()
    return {part.replace(" ", "").upper() for (ibans,) in rows for part in (ibans or "").split(";") if part.strip()}


def _known_statements(connection: duckdb.DuckDBPyConnection, keys: Iterable[str]) -> set[str]:
    rows = connection.execute(
        "select statement_key from raw.bank_statements where statement_key in (select unnest(?))", [list(keys)]
    ).fetchall()
    return {key for (key,) in rows}


def _occurrences(
    connection: duckdb.DuckDBPyConnection, files: Sequence[tuple[NumberedSource, StatementFile]]
) -> Counter[str]:
    """How often each content was booked before: two equal payments on one day are two payments."""
    contents = {
        content_key(entry, statement.account_iban)
        for _, file in files
        for statement in file.statements
        for entry in booked_entries(statement)
    }
    rows = connection.execute(
        "select content_key, count(*) from raw.bank_entries where content_key in (select unnest(?)) group by content_key",
        [list(contents)],
    ).fetchall()
    return Counter(dict(rows))

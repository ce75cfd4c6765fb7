"""The warehouse built again: from the archive and the operations store, with the history it had.

Used when the file is gone or of an older layout, and after a crash between recording a source and loading it: whatever the operations store
says was taken, and the warehouse lacks, is loaded under its own batch, in the order it arrived.
"""

import os
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import duckdb

from assets.banking.landing import load_statements
from assets.banking.spool import Spooled, ToRead, spool_files, spool_folder
from assets.billing.csv_files import read_billing_file
from assets.billing.landing import load_extract, load_file
from assets.invoicing.landing import ROWS, load_rows
from assets.landing.archive import Archive
from assets.landing.batches import NumberedSource, all_sources
from assets.landing.change_log import append_rows
from assets.landing.expectations import RESULTS, load_results
from assets.landing.quarantine import Refused, quarantined_row
from assets.landing.warehouse import is_of_this_version, transaction, writing
from assets.operations.store import reading
from assets.problem import DataProblem
from assets.warehouse.standing import Dataset, datasets, load_dated_tables, load_missing_allocations
from orchestration.installation import Installation

WAREHOUSE_INBOXES = ("erp", "billing", "bank", ROWS)


def ensure_warehouse(installation: Installation) -> int:
    """Makes the warehouse hold everything that was ever taken; returns how many sources had to be loaded.

    A new file is built aside and put in place whole, so that a crash leaves no half of it behind.
    """
    path = installation.home.warehouse
    sources = all_sources(installation.store)
    with reading(installation.store) as store:
        kept = datasets(store)
    aside = path.with_suffix(".rebuilding")
    if not path.exists():
        # The log of a warehouse that is gone belongs to no other: DuckDB would refuse the new one for it.
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
    for left_over in (aside, aside.with_name(aside.name + ".wal")):
        left_over.unlink(missing_ok=True)
    if not sources or (path.exists() and _is_current(path)):
        return complete(installation, path, sources, kept)
    loaded = complete(installation, aside, sources, kept)
    with writing(aside) as connection:
        load_dated_tables(connection, installation.archive, kept)
    os.replace(aside, path)
    return loaded


def _is_current(path: Path) -> bool:
    with writing(path) as connection:
        return is_of_this_version(connection)


def complete(installation: Installation, path: Path, sources: Sequence[NumberedSource], kept: Sequence[Dataset]) -> int:
    """Loads into the warehouse at `path` what it lacks of `sources` and of the allocations in `kept`."""
    with writing(path) as connection:
        present = set(connection.execute("select batch_id, ordinal from raw.landed_sources").fetchall())
        missing = [
            source
            for source in sources
            if source.source.outcome == "taken"
            and source.source.inbox in WAREHOUSE_INBOXES
            and (source.batch_id, source.ordinal) not in present
        ]
        for inbox, group in groupby(missing, key=lambda source: source.source.inbox):
            _load(installation, connection, inbox, list(group))
        refused = set(
            connection.execute("select batch_id, file_sha256, original_name from raw.quarantined_files").fetchall()
        )
        append_rows(
            connection,
            "quarantined_files",
            [
                quarantined_row(source)
                for source in sources
                if source.source.outcome == "quarantined"
                and (source.batch_id, source.source.sha256, source.source.original_name) not in refused
            ],
        )
        with transaction(connection):
            load_missing_allocations(connection, installation.archive, kept)
            _load_missing_results(connection, installation.archive, kept)
    return len(missing)


def _load_missing_results(connection: duckdb.DuckDBPyConnection, archive: Archive, kept: Sequence[Dataset]) -> None:
    """What was agreed on before must not be asked again: without its history a suite might now refuse what it took."""
    recorded = [dataset for dataset in kept if dataset.kind == RESULTS]
    present = connection.execute(f"select count(*) from {RESULTS}").fetchall()[0][0]
    if present < sum(dataset.rows for dataset in recorded):
        load_results(connection, [archive.get(dataset.sha256) for dataset in recorded])


def _load(
    installation: Installation, connection: duckdb.DuckDBPyConnection, inbox: str, sources: list[NumberedSource]
) -> None:
    archive = installation.archive
    if inbox == "bank":
        _load_statements(installation, connection, sources)
        return
    for source in sources:
        if inbox == "erp":
            load_extract(connection, source, archive.verified(source.source.sha256))
            continue
        content = archive.get(source.source.sha256)
        if inbox == ROWS:
            load_rows(connection, source, content)
            continue
        read = read_billing_file(source.source.original_name or "", content)
        if isinstance(read, Refused):
            raise DataProblem(
                f"an archived billing file can no longer be read: {read.message}",
                where=source.source.sha256,
                remedy="restore the archive from its backup",
            )
        load_file(connection, source, read)


def _load_statements(
    installation: Installation, connection: duckdb.DuckDBPyConnection, sources: list[NumberedSource]
) -> None:
    """Bank files as they were taken: whatever account they are of, it was a company's then."""
    archive = installation.archive
    with spool_folder(installation.home.warehouse) as folder:
        files = [
            ToRead(
                path := archive.verified(source.source.sha256), source.source.original_name or "", path.stat().st_size
            )
            for source in sources
        ]
        read = spool_files(files, folder, accounts=None)
        for source, outcome in zip(sources, read, strict=True):
            if isinstance(outcome, Refused):
                raise DataProblem(
                    f"an archived bank file can no longer be read: {outcome.sentence}",
                    where=source.source.sha256,
                    remedy="restore the archive from its backup, or go back to the version that read it",
                )
        load_statements(
            connection,
            [(source, outcome) for source, outcome in zip(sources, read, strict=True) if isinstance(outcome, Spooled)],
        )

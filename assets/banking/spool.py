"""Bank files on their way into the log: read to the end, their rows laid out as columns on disk, then loaded with SQL.

A file is taken whole or not at all, and whether it is whole is known only where it ends. So its rows wait in a folder of
their own, written a few thousand at a time: memory does not grow with the file, several files can be read at once by
several processes, and one that turns out to be broken leaves nothing behind but a folder to remove.
"""

from __future__ import annotations

import gc
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import duckdb
import numpy as np
import pyarrow as pa

from assets.banking.keys import content_of, landed_key
from assets.banking.read import statement_parts
from assets.banking.references import Found, found_references
from assets.banking.statements import ENTRY_COLUMNS, STATEMENT_COLUMNS, Entry, Statement, UnreadableStatement
from assets.landing.change_log import ARROW_BY_SQL
from assets.landing.inbox import PACKED_BYTES, packed_as
from assets.landing.quarantine import Refused
from assets.landing.raw_tables import OTHER_TABLES
from assets.problem import DataProblem

# Rows of a piece: enough for columns to pay, few enough to forget.
PIECE_ROWS = 4_096
PIECE_REFERENCES = 32_768
# To start a process that can read costs half a second to a second, in which one that is there reads and lays out 2 MB of MT940
# or 10 MB of camt.
PARALLEL_BYTES = 6_000_000

_SQL_TYPES = {name: dict(OTHER_TABLES[name]) for name in ("bank_statements", "bank_entries", "entry_references")}
_REFERENCE_COLUMNS = ("position", "source", "kind", "reference", "span_start", "span_end", "span_text", "is_valid")
_WORK = pa.int64()


def _schema(table: str, work: Sequence[tuple[str, pa.DataType]], columns: Sequence[str]) -> pa.Schema:
    return pa.schema([*work, *((name, ARROW_BY_SQL[_SQL_TYPES[table][name]]) for name in columns)])


# `statement` counts the statements of a file from 1, `row` its entries; a file's number is added when it is read back.
_STATEMENTS = _schema("bank_statements", [("statement", _WORK)], STATEMENT_COLUMNS)
_ENTRIES = _schema(
    "bank_entries",
    [("statement", _WORK), ("row", _WORK), ("content", pa.string())],
    # The statement's key may hang on its closing balance, which comes after the entries.
    [name for name in ENTRY_COLUMNS if name != "statement_key"],
)
_REFERENCES = _schema("entry_references", [("row", _WORK)], _REFERENCE_COLUMNS)
_SCHEMAS = {"statements": _STATEMENTS, "entries": _ENTRIES, "references": _REFERENCES}
_ENTRY_PLACES = [Entry._fields.index(name) for name in _ENTRIES.names[3:]]
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A bank file that was read to its end: what it is, and the folder its rows wait in."""

    folder: Path
    format: str
    entry_count: int


class _Spool(AbstractContextManager["_Spool"]):
    """Writes the rows of one file, a piece at a time."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._writers = {
            name: pa.ipc.new_stream(str(folder / f"{name}.arrow"), schema, options=_OPTIONS)
            for name, schema in _SCHEMAS.items()
        }
        self._statements: list[tuple[object, ...]] = []
        self._entries: list[Entry] = []
        self._of_statement: list[int] = []
        self._written = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._write_statements()
                self._write_entries()
        finally:
            for writer in self._writers.values():
                writer.close()

    def statement(self, number: int, statement: Statement) -> None:
        """Writes a statement, the `number`th of its file."""
        named = replace(statement, statement_key=landed_key(statement.statement_key, statement.format))
        self._statements.append((number, *(getattr(named, name) for name in STATEMENT_COLUMNS)))
        if len(self._statements) >= PIECE_ROWS:
            self._write_statements()

    def entries(self, number: int, entries: Sequence[Entry]) -> None:
        """Writes entries of statement `number` with their candidate references."""
        for start in range(0, len(entries), PIECE_ROWS):
            piece = entries[start : start + PIECE_ROWS]
            self._entries.extend(piece)
            self._of_statement.extend([number] * len(piece))
            if len(self._entries) >= PIECE_ROWS:
                self._write_entries()

    def _write_statements(self) -> None:
        if self._statements:
            self._write("statements", list(zip(*self._statements, strict=True)))
            self._statements = []

    def _write_entries(self) -> None:
        entries, numbers = self._entries, self._of_statement
        if not entries:
            return
        first = self._written + 1
        columns = list(zip(*entries, strict=True))
        self._write(
            "entries",
            [
                numbers,
                range(first, first + len(entries)),
                [content_of(entry, entry.account_iban) for entry in entries],
                *(columns[place] for place in _ENTRY_PLACES),
            ],
        )
        self._references(first, entries)
        self._written += len(entries)
        self._entries, self._of_statement = [], []

    def _references(self, first: int, entries: Sequence[Entry]) -> None:
        found: list[Found] = []
        counts: list[int] = []
        for entry in entries:
            references = found_references(entry)
            counts.append(len(references))
            found += references
            if len(found) >= PIECE_REFERENCES:
                self._write_references(first, counts, found)
                first += len(counts)
                found, counts = [], []
        self._write_references(first, counts, found)

    def _write_references(self, first: int, counts: Sequence[int], found: Sequence[Found]) -> None:
        """`counts` says how many of `found` each entry from row `first` on has; they are numbered from 1 within it."""
        if found:
            many = np.array(counts, dtype=np.int64)
            rows = np.repeat(np.arange(first, first + len(counts)), many)
            positions = np.arange(1, len(found) + 1) - np.repeat(np.cumsum(many) - many, many)
            self._write("references", [rows, positions, *zip(*found, strict=True)])

    def _write(self, name: str, columns: Sequence[Sequence[object] | np.ndarray[Any, Any]]) -> None:
        schema = _SCHEMAS[name]
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
        self._writers[name].write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))


@dataclass(frozen=True, slots=True)
class ToRead:
    """A file to be read: where it lies, what it was called, and its size in bytes."""

    path: Path
    name: str
    size: int


@contextmanager
def spool_folder(warehouse: Path) -> Iterator[Path]:
    """A folder beside the warehouse for rows on their way into it; what a run that died left there goes first."""
    folder = warehouse.parent / "spool"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def spool_files(files: Sequence[ToRead], folder: Path, accounts: frozenset[str] | None) -> list[Spooled | Refused]:
    """Reads files into folders within `folder`; what became of each, in order. Several at once where that pays.

    Raises DataProblem when a process that reads one dies.
    """
    work = partial(_spool_file, folder=folder, accounts=accounts)
    workers = min(len(files), len(os.sched_getaffinity(0)))
    if workers > 1:
        sizes = [file.size for file in files]
        # What is read beside the longest, or beside a fair share, is what is won.
        won = sum(sizes) - max(max(sizes), sum(sizes) // workers)
        if won >= PARALLEL_BYTES:
            return _in_processes(work, files, workers)
    return [work(file) for file in files]


def _in_processes(
    work: Callable[[ToRead], Spooled | Refused], files: Sequence[ToRead], workers: int
) -> list[Spooled | Refused]:
    """Does `work` on several files at once. Fresh processes and no forks: a fork of a process with threads may hang.

    Each process is a pool of its own with a share of the files: in a pool of several, one that dies while the next is
    being started can leave the pool waiting forever for the other (CPython 3.11).
    """
    pools = [ProcessPoolExecutor(1, mp_context=get_context("spawn")) for _ in range(workers)]
    shares = _shares([file.size for file in files], workers)
    try:
        waiting = [
            pool.submit(_each, work, [files[place] for place in share])
            for pool, share in zip(pools, shares, strict=True)
        ]
        outcomes: dict[int, Spooled | Refused] = {}
        for share, one in zip(shares, waiting, strict=True):
            outcomes.update(zip(share, one.result(), strict=True))
    except BrokenProcessPool as error:
        raise DataProblem(
            "a process that read bank files died, as it does when the machine runs out of memory; nothing was taken",
            where=", ".join(file.name for file in files[:5]) + (", ..." if len(files) > 5 else ""),
            remedy="the files are still in the inbox: make memory free and run again",
        ) from error
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)
    return [outcomes[place] for place in range(len(files))]


def _each(work: Callable[[ToRead], Spooled | Refused], files: Sequence[ToRead]) -> list[Spooled | Refused]:
    return [work(file) for file in files]


def _shares(sizes: Sequence[int], workers: int) -> list[list[int]]:
    """Places of files for each worker, the largest first to whoever has least: fair within the size of one file."""
    shares: list[list[int]] = [[] for _ in range(workers)]
    loads = [0] * workers
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        least = loads.index(min(loads))
        shares[least].append(place)
        loads[least] += sizes[place]
    return shares


def _spool_file(file: ToRead, *, folder: Path, accounts: frozenset[str] | None) -> Spooled | Refused:
    with file.path.open("rb") as source:
        return spool(source, folder / secrets.token_hex(8), name=file.name, accounts=accounts)


def spool(
    source: BinaryIO, folder: Path, *, name: str = "", accounts: frozenset[str] | None = None
) -> Spooled | Refused:
    """Reads a bank file and lays its rows in `folder`, which is made; or says why it is refused, and leaves no folder.

    Refused is what cannot be read whole, and with `accounts` what belongs to none of them.
    """
    packed = packed_as(source.read(PACKED_BYTES))
    if packed is not None:
        return Refused("archive_file", f"the file is {packed}: unpack it first, and put what it holds into the inbox")
    source.seek(0)
    try:
        with _rarely_collecting(), _Spool(folder) as spooling:
            spooled, of_accounts = _spooled(spooling, folder, source, name)
    except UnreadableStatement as error:
        shutil.rmtree(folder)
        return Refused(error.code, error.message, position=error.position or "", account_iban=error.account_iban)
    unknown = sorted(of_accounts - accounts) if accounts is not None else []
    if unknown:
        shutil.rmtree(folder)
        return Refused(
            "unknown_account",
            f"no company has the account {unknown[0]}: if it is yours, add it to companies.iban and deliver the file again",
            account_iban=unknown[0],
        )
    return spooled


@contextmanager
def _rarely_collecting() -> Iterator[None]:
    """Rows by the ten thousand hold no cycles, and looking for some among them every few hundred took a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(500_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _spooled(spooling: _Spool, folder: Path, source: BinaryIO, name: str) -> tuple[Spooled, set[str]]:
    """Everything the reader hands out, written; with the accounts it is of."""
    format_read, number, entry_count = "", 1, 0
    accounts: set[str] = set()
    for part in statement_parts(source, name=name):
        if isinstance(part, Statement):
            spooling.statement(number, part)
            format_read = format_read or part.format
            number += 1
            entry_count += part.entry_count
            accounts.add(part.account_iban)
        else:
            spooling.entries(number, part)
    return Spooled(folder, format_read, entry_count), accounts


def read_back(
    connection: duckdb.DuckDBPyConnection,
    folders: Sequence[Path],
    name: str,
    statement: str,
    columns: Sequence[str] | None = None,
) -> None:
    """Runs `statement` with the spooled rows of all files as the table `spooled`, a piece in memory at a time."""
    schema = _SCHEMAS[name]
    places = None if columns is None else [schema.get_field_index(column) for column in columns]
    kept = schema if places is None else pa.schema([schema.field(place) for place in places])
    batches = pa.RecordBatchReader.from_batches(kept.append(pa.field("file", _WORK)), _batches(folders, name, places))
    connection.register("spooled", batches)
    try:
        connection.execute(statement)
    finally:
        connection.unregister("spooled")


def _batches(folders: Sequence[Path], name: str, places: Sequence[int] | None) -> Iterator[pa.RecordBatch]:
    options = pa.ipc.IpcReadOptions(included_fields=places)
    for number, folder in enumerate(folders):
        with pa.OSFile(str(folder / f"{name}.arrow")) as source, pa.ipc.open_stream(source, options=options) as reader:
            for batch in reader:
                yield batch.append_column(
                    pa.field("file", _WORK), pa.repeat(pa.scalar(number, type=_WORK), batch.num_rows)
                )

"""Bank files on their way into the log: read to the end, their rows laid out as columns on disk, then loaded with SQL.

A file is taken whole or not at all, and whether it is whole is known only where it ends. So its rows wait in a folder of
their own, written a few thousand at a time: memory does not grow with the file, several files can be read at once by
several processes, and one that turns out to be broken leaves nothing behind but a folder to remove.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import duckdb
import pyarrow as pa

from assets.banking.keys import content_of, landed_key
from assets.banking.read import statement_parts
from assets.banking.references import found_references
from assets.banking.statements import ENTRY_COLUMNS, STATEMENT_COLUMNS, Entry, Statement, UnreadableStatement
from assets.landing.change_log import ARROW_BY_SQL
from assets.landing.inbox import PACKED_BYTES, packed_as
from assets.landing.quarantine import Refused
from assets.landing.raw_tables import OTHER_TABLES

# Rows of a piece: enough for columns to pay, few enough to forget.
PIECE_ROWS = 4_096
PIECE_REFERENCES = 32_768

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
_ENTRY_PLACES = [Entry._fields.index(name) for name in _ENTRIES.names[3:]]
_OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A bank file that was read to its end: what it is, and the folder its rows wait in."""

    folder: Path
    format: str
    entry_count: int


class _Spool(AbstractContextManager["_Spool"]):
    """Writes the rows of one file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self._writers = {
            name: pa.ipc.new_stream(str(folder / f"{name}.arrow"), schema, options=_OPTIONS)
            for name, schema in (("statements", _STATEMENTS), ("entries", _ENTRIES), ("references", _REFERENCES))
        }
        self._rows = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()

    def statement(self, number: int, statement: Statement) -> None:
        named = replace(statement, statement_key=landed_key(statement.statement_key, statement.format))
        self._write("statements", [[number], *([getattr(named, name)] for name in STATEMENT_COLUMNS)])

    def entries(self, number: int, entries: Sequence[Entry]) -> None:
        """Writes entries of statement `number` with their candidate references."""
        for start in range(0, len(entries), PIECE_ROWS):
            piece = entries[start : start + PIECE_ROWS]
            first = self._rows + 1
            self._rows += len(piece)
            columns = list(zip(*piece, strict=True))
            self._write(
                "entries",
                [
                    [number] * len(piece),
                    range(first, first + len(piece)),
                    [content_of(entry, entry.account_iban) for entry in piece],
                    *(columns[place] for place in _ENTRY_PLACES),
                ],
            )
            self._references(first, piece)

    def _references(self, first: int, entries: Sequence[Entry]) -> None:
        rows: list[tuple[object, ...]] = []
        for row, entry in enumerate(entries, start=first):
            rows.extend([(row, position, *found) for position, found in enumerate(found_references(entry), start=1)])
            if len(rows) >= PIECE_REFERENCES:
                self._write("references", list(zip(*rows, strict=True)))
                rows = []
        if rows:
            self._write("references", list(zip(*rows, strict=True)))

    def _write(self, name: str, columns: Sequence[Sequence[object]]) -> None:
        writer = self._writers[name]
        schema = {"statements": _STATEMENTS, "entries": _ENTRIES, "references": _REFERENCES}[name]
        writer.write_batch(
            pa.RecordBatch.from_arrays(
                [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)],
                schema=schema,
            )
        )


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
    """Reads files into folders within `folder`; what became of each, in order."""
    outcomes = []
    for file in files:
        with file.path.open("rb") as source:
            outcomes.append(spool(source, folder / secrets.token_hex(8), name=file.name, accounts=accounts))
    return outcomes


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
        with _Spool(folder) as spooling:
            spooled, of_accounts = _spooled(spooling, folder, source, name)
    except UnreadableStatement as error:
        shutil.rmtree(folder)
        return Refused(error.code, error.message, position=error.position or "", account_iban=error.account_iban)
    unknown = sorted(of_accounts - accounts) if accounts is not None else []
    if unknown:
        shutil.rmtree(folder)
        return Refused(
            "unknown_account",
            f"no company has the account {unknown[0]}; add it to companies.iban",
            account_iban=unknown[0],
        )
    return spooled


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
    schema = {"statements": _STATEMENTS, "entries": _ENTRIES, "references": _REFERENCES}[name]
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

"""One door for every bank file: the content says which format it is, never the name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import BinaryIO

from assets.banking.camt import read_camt
from assets.banking.coda import is_coda, read_coda
from assets.banking.mt940 import is_mt940, read_mt940
from assets.banking.statements import Part, StatementFile, UnreadableStatement, gathered

_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_UTF8_MARK = b"\xef\xbb\xbf"
_CODA_RECORD = 128


def read_statement_file(content: bytes, *, name: str = "") -> StatementFile:
    """What `statement_parts` reads, held in memory."""
    return gathered(statement_parts(BytesIO(content), name=name))


def statement_parts(source: BinaryIO, *, name: str = "") -> Iterator[Part]:
    """Reads a bank file from start to end: camt.053 (also .052, .054, marked informative), MT940 or CODA.

    Every statement has been checked: opening balance plus booked entries is the closing balance, and the sums and counts
    the bank adds agree. `name` is only for the message of a refusal.

    Raises UnreadableStatement, with a code and where possible a position and the account, for anything else, at the
    latest where the file ends: what came before it may not be used.
    """
    for statement in _read(source.read(), name).statements:
        yield statement.entries
        yield replace(statement, entries=())


def _read(content: bytes, name: str) -> StatementFile:
    if not content.strip(b" \t\r\n\0\x1a"):
        raise UnreadableStatement("empty_file", "the file is empty")
    if _looks_like_xml(content):
        return read_camt(content)
    text = _decoded(content)
    if is_coda(text):
        return read_coda(_coda_text(text, content))
    if is_mt940(text):
        return read_mt940(text)
    shown = f" ({name})" if name else ""
    raise UnreadableStatement("unknown_format", f"neither camt, nor MT940, nor CODA{shown}")


def _looks_like_xml(content: bytes) -> bool:
    return content[:64].removeprefix(_UTF8_MARK).replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n").startswith(b"<")


def _decoded(content: bytes) -> str:
    """Text of an MT940 or CODA file: by its byte order mark, else UTF-8, else Windows-1252, which all such banks use.

    The formats themselves are ASCII, so the choice decides about accents in names and nothing else.
    """
    encoding = next((encoding for mark, encoding in _WIDE_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.removeprefix(_UTF8_MARK).decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise UnreadableStatement("encoding", f"the file is not the {encoding} it claims to be") from None
        # Five bytes mean nothing in Windows-1252; Latin-1 gives each of them a (control) character.
        try:
            text = content.decode("cp1252")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        raise UnreadableStatement("encoding", "the file holds NUL characters: not a text in a known encoding")
    text = text.lstrip("\ufeff")
    return text if "\n" in text else text.replace("\r", "\n")


def _coda_text(text: str, content: bytes) -> str:
    """CODA counts places. Where an accent took two bytes of a record's 128, the bytes are counted instead."""
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if any(len(line) < _CODA_RECORD for line in lines if line.strip()) and all(
        len(line.rstrip(b"\r")) in (0, _CODA_RECORD) for line in content.removeprefix(_UTF8_MARK).split(b"\n")
    ):
        return content.removeprefix(_UTF8_MARK).decode("latin-1")
    return text

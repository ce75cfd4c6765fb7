"""One door for every bank file: the content says which format it is, never the name."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from assets.banking.camt import camt_parts
from assets.banking.coda import coda_parts, is_coda
from assets.banking.mt940 import is_mt940, is_mt942, mt940_parts
from assets.banking.not_statements import INTERIM, WEB_PAGE, is_web_page, seems, signature_of
from assets.banking.statements import Part, StatementFile, UnreadableStatement, gathered
from assets.banking.text_file import HEAD_BYTES, TextFile, rewindable, text_file

_UTF8_MARK = b"\xef\xbb\xbf"


def read_statement_file(content: bytes, *, name: str = "") -> StatementFile:
    """What `statement_parts` reads, held in memory."""
    return gathered(statement_parts(BytesIO(content), name=name))


def statement_parts(source: BinaryIO, *, name: str = "") -> Iterator[Part]:
    """Reads a bank file from start to end: camt.053 (also .052, .054, marked informative), MT940 or CODA.

    Every statement has been checked: opening balance plus booked entries is the closing balance, and the sums and counts
    the bank adds agree. `name` is only for the message of a refusal. A source that cannot be read twice is copied first.

    Raises UnreadableStatement, with a code and where possible a position and the account, for anything else, at the
    latest where the file ends: what came before it may not be used.
    """
    source = rewindable(source)
    start = source.tell()
    head = source.read(HEAD_BYTES)
    source.seek(start)
    refusal = WEB_PAGE if is_web_page(head) else signature_of(head)
    if refusal is not None:
        raise _unknown(refusal, name)
    if _looks_like_xml(head):
        yield from camt_parts(source)
    else:
        yield from _text_parts(text_file(source), name)


def _text_parts(file: TextFile, name: str) -> Iterator[Part]:
    head = file.head()
    is_belgian, is_swift = is_coda(head), is_mt940(head)
    if is_belgian and is_swift:
        raise UnreadableStatement(
            "ambiguous_format",
            f"the file begins as CODA and holds the tags of MT940{_shown(name)}: put each statement into a file of its own",
        )
    if is_belgian:
        yield from coda_parts(file)
    elif is_mt942(head):
        raise _unknown(INTERIM, name)
    elif is_swift:
        yield from mt940_parts(file)
    else:
        raise _unknown(seems(head), name)


def _unknown(message: str, name: str) -> UnreadableStatement:
    return UnreadableStatement("unknown_format", f"{message}{_shown(name)}")


def _shown(name: str) -> str:
    return f" ({name})" if name else ""


def _looks_like_xml(content: bytes) -> bool:
    return content[:64].removeprefix(_UTF8_MARK).replace(b"\0", b"").lstrip(b"\xff\xfe \t\r\n").startswith(b"<")

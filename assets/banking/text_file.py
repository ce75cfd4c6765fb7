"""The lines of an MT940 or CODA file: in which encoding they are written, and a way to read them again without holding them.

Both readers go through a file twice, once for what only stands at the end of a statement and once for its movements, so
that a file of any size needs the memory of a few thousand entries.
"""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import BinaryIO

from assets.banking.statements import UnreadableStatement

HEAD_BYTES = 1 << 16
"""How much of a file decides its format."""
_PIECE = 1 << 20
_READ = 1 << 16
_LONGEST_LINE = 32 * _PIECE
_UTF8_MARK = codecs.BOM_UTF8
_BLANK = b" \t\r\n\0\x1a\xef\xbb\xbf\xff\xfe"
_WIDE_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text whose encoding is known. `newline` is what ends its lines; `is_plain` says that it is ASCII throughout,
    `ends_inside_line` that its last line is not ended, as that of a file that was cut."""

    source: BinaryIO
    start: int
    encoding: str
    newline: str
    is_plain: bool
    ends_inside_line: bool

    def blocks(self, encoding: str | None = None) -> Iterator[str]:
        """The text from its beginning, some hundred lines at a time, each line ended by a plain newline.

        Only one such iterator, or one of `lines`, may be in use at a time.
        """
        decoder = codecs.getincrementaldecoder(encoding or self.encoding)()
        self.source.seek(self.start)
        rest: list[str] = []  # a line that is longer than a piece, joined once when its end is found
        while piece := self.source.read(_READ):
            text = decoder.decode(piece)
            if self.newline == "\r":
                text = text.replace("\r", "\n")
            whole, newline, begun = text.rpartition("\n")
            if not newline:
                rest.append(begun)
                continue
            yield self._plain("".join((*rest, whole, newline)))
            rest = [begun]
        if last := self._plain("".join((*rest, decoder.decode(b"", True)))).rstrip("\r"):
            yield last + "\n"

    def _plain(self, text: str) -> str:
        while "\r\n" in text:
            text = text.replace("\r\n", "\n")
        if not self.is_plain:
            # Files from the days of DOS end parts with Ctrl-Z, and files put together begin parts with a mark.
            text = text.replace("\x1a", "").replace("\n\ufeff", "\n").removeprefix("\ufeff")
        return text

    def lines(self, encoding: str | None = None) -> Iterator[str]:
        """The lines from the first, without what ends them."""
        for block in self.blocks(encoding):
            lines = block.split("\n")
            lines.pop()
            yield from lines

    def head(self) -> str:
        """The beginning of the text, with plain line ends; it may stop inside a line."""
        self.source.seek(self.start)
        text = self.source.read(HEAD_BYTES).decode(self.encoding, errors="ignore")
        return text.replace("\x1a", "").lstrip("\ufeff").replace("\r", "\n")

    def raw_lines(self) -> Iterator[bytes]:
        """The bytes of each line, without what ends it."""
        self.source.seek(self.start)
        for line in self.source:
            yield line.rstrip(b"\r\n")


def rewindable(source: BinaryIO) -> BinaryIO:
    """The source itself, or a temporary copy of one that cannot be read twice (a pipe, a socket)."""
    if source.seekable():
        return source
    copy = TemporaryFile()  # noqa: SIM115 - it lives as long as the reading does and is removed with its last reference
    shutil.copyfileobj(source, copy, _PIECE)
    copy.seek(0)
    return copy


def text_file(source: BinaryIO) -> TextFile:
    """How a text is written: by its byte order mark, else UTF-8, else Windows-1252, which all such banks use.

    The formats themselves are ASCII, so the choice decides about accents in names and nothing else. Reads the file through
    once and rewinds it. Raises UnreadableStatement (empty_file, encoding, malformed).
    """
    start = source.tell()
    piece = source.read(_PIECE)
    wide = next((encoding for mark, encoding in _WIDE_MARKS if piece.startswith(mark)), None)
    if piece.startswith(_UTF8_MARK):
        start += len(_UTF8_MARK)
        piece = piece.removeprefix(_UTF8_MARK)
    decoder = codecs.getincrementaldecoder(wide or "utf-8")()
    is_blank = is_ascii = is_decodable = is_cp1252 = True
    has_newline = has_ctrl_z = False
    since_line_end = 0
    last = b""
    while piece:
        last = piece
        is_blank = is_blank and not piece.strip(_BLANK)
        if wide is None and b"\0" in piece and not is_blank:
            raise _nul()
        is_ascii = is_ascii and piece.isascii()
        if wide is not None or not is_ascii:
            is_decodable = is_decodable and _decodes(decoder, piece)
            is_cp1252 = is_cp1252 and _UNDEFINED_IN_CP1252.search(piece) is None
        has_newline = has_newline or b"\n" in piece
        has_ctrl_z = has_ctrl_z or b"\x1a" in piece
        line_end = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        since_line_end = since_line_end + len(piece) if line_end < 0 else len(piece) - line_end
        if since_line_end > _LONGEST_LINE:
            raise UnreadableStatement(
                "malformed", f"a line is longer than {_LONGEST_LINE >> 20} MB: this is no statement"
            )
        piece = source.read(_PIECE)
    source.seek(start)
    if is_blank:
        raise UnreadableStatement("empty_file", "the file is empty")
    is_decodable = is_decodable and _decodes(decoder, b"", is_final=True)
    if wide is not None and not is_decodable:
        raise UnreadableStatement("encoding", f"the file is not the {wide} it claims to be")
    # Five bytes mean nothing in Windows-1252; Latin-1 gives each of them a (control) character.
    encoding = wide or ("utf-8" if is_decodable else "cp1252" if is_cp1252 else "latin-1")
    is_plain = wide is None and is_ascii and not has_ctrl_z
    is_cut = not last.rstrip(b"\0\x1a").endswith((b"\n", b"\r"))
    return TextFile(source, start, encoding, "\n" if has_newline else "\r", is_plain, is_cut)


def _nul() -> UnreadableStatement:
    return UnreadableStatement("encoding", "the file holds NUL characters: not a text in a known encoding")


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, is_final: bool = False) -> bool:
    try:
        text = decoder.decode(piece, is_final)
    except UnicodeDecodeError:
        return False
    if "\0" in text:
        raise _nul()
    return True

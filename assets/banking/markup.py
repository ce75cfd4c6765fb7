"""XML as a stream of small pieces, for files of any size from people we do not know.

Expat, the parser of the standard library, is fed every byte and judges whether the document is well-formed. It calls
nothing of ours for an element, since a call for each of forty elements is most of what an entry costs. Because it has
already refused whatever is not XML, the text can then be cut at every `<`: in a well-formed document without a DOCTYPE
that sign begins a tag, a comment, a CDATA section or an instruction, and nothing else.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from assets.banking.statements import UnreadableStatement

LONGEST_TEXT = 16 << 20
"""Characters of one text, comment or tag. A remittance of ten megabytes is read; what is longer is no statement."""
_BLOCK = 1 << 17

# By appendix F of the XML recommendation: a byte order mark, else the zeros beside the first sign, else the declaration.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_DECLARED = re.compile(rb"\s*<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([^\"'>]{0,400})[\"']")
# Python knows many more, some of which are no encodings of text or run for ever.
_KNOWN = re.compile(
    r"utf-?8|us-ascii|ascii|iso[-_]?8859-[0-9]{1,2}|latin-?[159]|(?:windows-|cp-?)125[0-8]|(?:ibm|cp)-?85[08]|macintosh"
)

# Expat's codes for a document that stops too early, at its end.
_STOPPED = frozenset(
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
# Where each kind of aside begins: what introduces it, and what ends it.
_ASIDES = (("![CDATA[", "]]>"), ("!--", "-->"), ("?", "?>"))
_ASIDE_SIGNS = ("!", "?")
_REFERENCE = re.compile(r"&(?:#x([0-9A-Fa-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def xml_pieces(source: BinaryIO) -> Iterator[list[str]]:
    """The document cut at every `<`, a list of pieces at a time, the sign itself left out.

    `Amt Ccy="EUR">12.50` is a start tag and the text behind it, `RtrInf/>` an empty element, `/Amt>` an end tag. A piece
    that begins with `>` goes on with the text before it: what stood in CDATA or behind a comment. References (`&amp;`)
    are left for `unescaped`.

    Raises UnreadableStatement (doctype_forbidden, encoding, truncated, malformed) as soon as it is known, so nothing may
    be used before the last list. A piece is handed out at the latest when the byte behind it has been judged; one that
    is not well-formed may come out shortly before the refusal.
    """
    block = source.read(_BLOCK)
    decoder = codecs.getincrementaldecoder(_encoding(block))(errors="strict")
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = lambda *_: _refuse_doctype(parser)
    asides = _Asides()
    read = 0
    unfinished, length = [">"], 1
    while block:
        text = _decoded(decoder, block, before=read)
        read += len(block)
        _judge(parser, text, is_last=False)
        unfinished.append(text)
        length += len(text)
        if "<" in text:
            text = "".join(unfinished)
            pieces = text.split("<")
            last = pieces.pop()
            unfinished, length = [last], len(last)
            if asides.is_open or pieces[0].startswith(_ASIDE_SIGNS) or "<!" in text or "<?" in text:
                pieces = asides.removed(pieces)
            if "<<" in text:
                pieces = [piece for piece in pieces if piece]  # of no document, but expat may not have come to it
            yield pieces
        if length > LONGEST_TEXT:
            raise _too_long()
        block = source.read(_BLOCK)
    _judge(parser, _decoded(decoder, b"", before=read, is_last=True), is_last=True)
    yield asides.removed(["".join(unfinished)])


def unescaped(text: str) -> str:
    """The text with its character references (`&amp;`, `&#8364;`) made into what they stand for."""
    return _REFERENCE.sub(_character, text)


def _character(match: re.Match[str]) -> str:
    if match[3]:
        return _NAMED[match[3]]
    number = int(match[1], 16) if match[1] else int(match[2])
    return chr(number) if number < 0x110000 else ""  # expat has refused what is no character


def _encoding(head: bytes) -> str:
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    declaration = _DECLARED.match(head)
    if declaration is None:
        return "utf-8"
    name = declaration[1].decode("ascii", "replace").lower()
    try:
        if _KNOWN.fullmatch(name):
            return codecs.lookup(name).name
    except LookupError:
        pass  # of the shape of a known name, as ISO-8859-12, but none
    raise UnreadableStatement(
        "encoding",
        f"the file says it is written in {name[:40]!r}, which its bytes are not or nobody uses: write it as UTF-8",
        "line 1",
    )


def _decoded(decoder: codecs.IncrementalDecoder, block: bytes, *, before: int, is_last: bool = False) -> str:
    """The text of a block, `before` which so many bytes have been read."""
    try:
        return decoder.decode(block, is_last)
    except UnicodeDecodeError as error:
        # A character that began in the block before is decoded with this one.
        place = before + len(block) - len(error.object) + error.start + 1
        if is_last:
            raise UnreadableStatement("truncated", "the file stops inside a character", f"byte {place}") from None
        wrong = " ".join(f"{byte:02x}" for byte in error.object[error.start : error.start + 4])
        raise UnreadableStatement(
            "encoding", f"the bytes {wrong} are not {error.encoding}, as declared", f"byte {place}"
        ) from None


def _judge(parser: expat.XMLParserType, text: str, *, is_last: bool) -> None:
    try:
        parser.Parse(text, is_last)
    except expat.ExpatError as error:
        what, where = expat.ErrorString(error.code), f"line {error.lineno}, column {error.offset + 1}"
        if is_last and error.code in _STOPPED:
            raise UnreadableStatement("truncated", f"the XML stops before its end: {what}", where) from None
        raise UnreadableStatement("malformed", f"the XML is not well-formed: {what}", where) from None


def _refuse_doctype(parser: expat.XMLParserType) -> None:
    where = f"line {parser.CurrentLineNumber}, column {parser.CurrentColumnNumber + 1}"
    raise UnreadableStatement("doctype_forbidden", "the XML declares a DOCTYPE; bank statements never need one", where)


def _too_long() -> UnreadableStatement:
    return UnreadableStatement("malformed", f"a text, tag or comment is longer than {LONGEST_TEXT >> 20} MB")


class _Asides:
    """Takes comments and instructions out of the pieces and turns CDATA into the same text as written outside of it."""

    def __init__(self) -> None:
        self.end = ""
        self.is_text = False
        self.length = 0

    @property
    def is_open(self) -> bool:
        """Whether the last piece ended inside of one."""
        return self.end != ""

    def removed(self, pieces: list[str]) -> list[str]:
        """The pieces without them."""
        kept = []
        for piece in pieces:
            if self.end:
                inside = f"<{piece}"  # a sign inside of an aside, which begins nothing
            else:
                opening = next((one for one in _ASIDES if piece.startswith(one[0])), None)
                if opening is None:
                    kept.append(piece)
                    continue
                mark, self.end = opening
                self.is_text, self.length = mark == "![CDATA[", 0
                inside = piece[len(mark) :]
            inside, closing, behind = inside.partition(self.end)
            self.length += len(inside)
            if self.length > LONGEST_TEXT:
                raise _too_long()
            text = inside.replace("&", "&amp;").replace("<", "&lt;") if self.is_text else ""
            kept.append(f">{text}{behind}")
            if closing:
                self.end = ""
        return kept

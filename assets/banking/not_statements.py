"""What a file that is no bank statement seems to be, so that the refusal can say what to do about it.

People put into an inbox whatever the bank's site offered: the PDF, the Excel export, the page that asked them to log in.
"""

from __future__ import annotations

import re

ASK_FOR = "ask the bank for statements as camt.053 (XML), or else MT940 or CODA"
UNPACK = "unpack it and put the statements themselves into the inbox"

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", ASK_FOR),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", f"{UNPACK}, or {ASK_FOR}"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word document", ASK_FOR),
    (b"\x1f\x8b", "a gzip archive", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"BZh", "a bzip2 archive", UNPACK),
    (b"\xfd7zXZ", "an xz archive", UNPACK),
    (b"\x89PNG", "a picture", ASK_FOR),
    (b"\xff\xd8\xff", "a picture", ASK_FOR),
    (b"GIF8", "a picture", ASK_FOR),
    (b"II*\x00", "a picture", ASK_FOR),
    (b"{\\rtf", "a Word document", ASK_FOR),
    (b"MZ", "a Windows program", "do not open it; find out where it came from"),
    (b"\x7fELF", "a program", "do not open it; find out where it came from"),
    (b"OFXHEADER", "an OFX file", ASK_FOR),
    (b"!Type:", "a QIF file", ASK_FOR),
    (b"-----BEGIN PGP", "an encrypted or signed file", "decrypt it before it goes into the inbox"),
)
_WEB_PAGE = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|script)\b", re.IGNORECASE)
_JSON = re.compile(r'\s*[\[{]\s*(?:["\[{\]}]|$)')
_SEPARATORS = ";,\t|"


def signature_of(head: bytes) -> str | None:
    """What the first bytes say the file is and what to do, None when they are no known signature."""
    for signature, kind, advice in _SIGNATURES:
        if head.startswith(signature):
            return f"this is {kind}: {advice}"
    return None


def is_web_page(head: bytes) -> bool:
    """Whether the file begins as HTML does."""
    return _WEB_PAGE.match(head.removeprefix(b"\xef\xbb\xbf")) is not None


WEB_PAGE = f"this is a web page, perhaps one that asks to log in: download the statement again, or {ASK_FOR}"
INTERIM = f"this is an MT942 interim report, which has no balances to check it by: {ASK_FOR}"


def seems(text: str) -> str:
    """What a text that is no statement seems to be and what to do, from its beginning."""
    if _JSON.match(text):
        return f"this seems to be JSON: {ASK_FOR}"
    lines = [line for line in text.splitlines()[:6] if line.strip()]
    for separator in _SEPARATORS:
        counts = {line.count(separator) for line in lines}
        if len(lines) > 1 and len(counts) == 1 and min(counts) > 0:
            return f"this seems to be a table with columns (CSV), which every bank writes differently: {ASK_FOR}"
    return f"this is neither camt, nor MT940, nor CODA: {ASK_FOR}"

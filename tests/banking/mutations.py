"""Damages statement files, always in the same way for the same seed: what a fuzz run feeds the readers.

Two families. `damaged` does anything at all to a file, from a flipped bit to a DOCTYPE; `money_changed` moves money in one
place only (an amount, a sign, an entry more or less, a balance), which no reader may ever take for sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random

from tests.banking.build import Payment, camt053, coda, mt940
from tests.banking.golden_files import STATEMENT_FILES


@dataclass(frozen=True)
class Base:
    """A sound file to start from; `format` is camt, mt940 or coda."""

    name: str
    format: str
    content: bytes


def _built() -> list[Base]:
    paid = [
        Payment(121_00, "Factuur 2026-000123"),
        Payment(121_00, "Factuur 2026-000123"),
        Payment(-9_99, "Kosten", name="Société Générale", end_to_end_id="E2E-77"),
        Payment(5, "Café n° 12", booked_on=date(2025, 12, 31)),
    ]
    few = paid[:1]
    return [
        Base("built.camt", "camt", camt053(paid, opening=-50_00)),
        Base("built.prefixed.camt", "camt", camt053(few, prefix="n0", newline="\r\n  ", encoding="iso-8859-1")),
        Base("built.utf-16.camt", "camt", camt053(few, encoding="utf-16")),
        Base("built.ing", "mt940", mt940(paid, opening=-50_00)),
        Base("built.rabobank", "mt940", mt940(paid, dialect="rabobank", eol="\n", encoding="cp1252")),
        Base("built.abnamro", "mt940", mt940(few, dialect="abnamro", eol="\n", encoding="utf-16")),
        Base("built.coda", "coda", coda(paid, opening=-50_00)),
        Base("built.utf-8.coda", "coda", coda(few, eol="\n", encoding="utf-8")),
    ]


_BUILT = _built()


def bases() -> list[Base]:
    """The golden files and some built ones, small enough that thousands of them are read in a second or two."""
    formats = {".xml": "camt", ".sta": "mt940", ".cod": "coda"}
    golden = [Base(path.name, formats[path.suffix], path.read_bytes()) for path in STATEMENT_FILES]
    return [base for base in golden if len(base.content) < 12_000] + _BUILT


# -- anything at all ------------------------------------------------------------------------------------------------------

_NASTY_NUMBERS = (
    "-1.00", "+1.00", "NaN", "nan", "sNaN", "Infinity", "-inf", "1e2", "1E-2", "0x10", "1.000,00", "1,000.00", "1'000.00",
    "1_000", "", " ", "0", "0,", ",00", ".00", "00", "-0", "9" * 16, "9" * 17, "9" * 40, "9" * 15 + ".99", "1.234", "1,2345",
    "\u0661\u0662.\u0660\u0660", "１２.００", "²", "1.00 ", " 1.00", "1.00\n", "1\u00a0000,00", "0.001", "0.0000000000001",
    "99999999999999.99", "1.0.0", "1,0,0", "--1", "1-", "1.00EUR", "½",
)  # fmt: skip
_NASTY_DATES = (
    "2026-02-30", "2026-13-01", "2026-00-10", "0000-00-00", "0001-01-01", "0202-03-02", "9999-12-31", "12026-03-02",
    "02026-03-02", "2026-3-2", "02-03-2026", "03/02/2026", "20260302", "2026-03-02T25:00:00", "2026-03-02T00:00:00+99:99",
    "2026-03-02Z", "2026-03-02+14:00", "2026-W10-1", "1900-02-29", "2024-02-29", "1969-12-31", "2200-01-01", "260230",
    "261301", "000000", "999999", "250229", "240229", "020326", "310226", "-260302", "２６０３０２",
)  # fmt: skip
_NASTY_TEXT = (
    "\x00", "\x01", "\x0b", "\x0c", "\x1a", "\x1c", "\x85", "\u2028", "\ufeff", "\ufffe", "\ufffd", "\u202e", "\ud7ff",
    "\U0001f9fe", "e\u0301", "ǅ", "ﬁ", "ß", "İ", "\u200b", "\r", "\n", "\r\n", "\t", "&", "<", ">", "]]>", "&amp;", "&a;",
    "&#0;", "&#xD800;", "&#x1F600;", "<![CDATA[x]]>", "<!-- x -->", "<?x y?>", "\n:86:", "\n:61:", "\n:62F:", "\n-", "\n:20:X\n",
    "|", "'", '"', "\\", "%s", "{}", "$(x)", "=1+1", "-", "//", "/REMI/", "/EREF/", "?20", "+++090/9337/55493+++",
)  # fmt: skip
_NASTY_BYTES = (
    b"\x00",
    b"\xff",
    b"\xfe\xff",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\x80",
    b"\x81",
    b"\xc0\xaf",
)
_ENCODINGS = (
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-32-be",
    "latin-1",
    "cp1252",
    "cp037",
    "utf-7",
    "cp850",
)
_FOREIGN = (
    b"PK\x03\x04",
    b"%PDF-1.7\n",
    b"<html><body>x</body></html>",
    b"\x1f\x8b\x08",
    b"{}",
    b"<?xml version='1.0'?>",
)
_DOCTYPES = (
    '<!DOCTYPE Document [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>',
    '<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE Document [<!ENTITY % a SYSTEM "http://127.0.0.1:9/x.dtd"> %a;]>',
    '<!DOCTYPE Document SYSTEM "x.dtd">',
    "<!DOCTYPE Document>",
)
_NUMBER = re.compile(rb"[0-9]+[.,][0-9]*|[0-9]{15}")
_DATE = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}|(?<![0-9])[0-9]{6}(?![0-9])")
_CURRENCY = re.compile(rb"EUR|USD")
_SIGN = re.compile(rb"CRDT|DBIT|(?<=[0-9])R?[CD](?=[0-9R])|(?<=:)[CD](?=[0-9]{6})")
_TAG = re.compile(rb"</?[A-Za-z0-9:]+|\n:?[0-9]{2}[A-Z]?:?|\n[0-9]{2}")
_ELEMENT = re.compile(rb"<((?:[a-z0-9]+:)?[A-Za-z]+)(?: [^>]*)?>(?:(?!<\1[ >]).)*?</\1>", re.DOTALL)
_CODES = (
    b"BOOK",
    b"PDNG",
    b"INFO",
    b"OPBD",
    b"CLBD",
    b"PRCD",
    b"ITBD",
    b"CLAV",
    b"FWAV",
    b"true",
    b"false",
    b"EUR",
    b"JPY",
    b"BHD",
)


def _place(random: Random, content: bytes) -> int:
    return random.randrange(len(content) + 1)


def _span(random: Random, content: bytes, longest: int = 60) -> tuple[int, int]:
    start = _place(random, content)
    return start, min(len(content), start + random.randint(1, longest))


def _replaced(random: Random, pattern: re.Pattern[bytes], content: bytes, values: tuple[bytes, ...]) -> bytes:
    found = list(pattern.finditer(content))
    if not found:
        return _flip(random, content)
    one = random.choice(found)
    return content[: one.start()] + random.choice(values) + content[one.end() :]


def _utf8(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(text.encode("utf-8", "surrogatepass") for text in texts)


def _flip(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 1, 2, 5))):
        at = random.randrange(len(changed))
        changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwrite(random: Random, content: bytes) -> bytes:
    start, end = _span(random, content, 8)
    return content[:start] + random.randbytes(end - start) + content[end:]


def _delete(random: Random, content: bytes) -> bytes:
    start, end = _span(random, content, random.choice((1, 3, 40, 400)))
    return content[:start] + content[end:]


def _insert(random: Random, content: bytes) -> bytes:
    at = _place(random, content)
    return content[:at] + random.choice((random.randbytes(3), *_NASTY_BYTES, *_utf8(_NASTY_TEXT))) + content[at:]


def _double(random: Random, content: bytes) -> bytes:
    start, end = _span(random, content, random.choice((2, 40, 400)))
    at = end if random.random() < 0.7 else _place(random, content)
    return content[:at] + content[start:end] * random.choice((1, 1, 3)) + content[at:]


def _swap(random: Random, content: bytes) -> bytes:
    a, b, c, d = sorted(_place(random, content) for _ in range(4))
    return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]


def _cut(random: Random, content: bytes) -> bytes:
    return content[: _place(random, content)]


def _behead(random: Random, content: bytes) -> bytes:
    return content[_place(random, content) :]


def _tail(random: Random, content: bytes) -> bytes:
    extra = (
        content,
        content[: _place(random, content)],
        b"\x00" * 40,
        b"\x1a",
        b"\n\n",
        b"garbage",
        random.randbytes(20),
        *_FOREIGN,
    )
    return content + random.choice(extra)


def _head(random: Random, content: bytes) -> bytes:
    return (
        random.choice((b"\n", b" ", b"\xef\xbb\xbf", b"\x00", b"garbage\n", b"-\n", *_FOREIGN, *_NASTY_BYTES)) + content
    )


def _zeroes(random: Random, content: bytes) -> bytes:
    start, end = _span(random, content, random.choice((1, 512)))
    return content[:start] + b"\x00" * (end - start) + content[end:]


def _lines(random: Random, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(7):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = lines[at].rstrip(b"\r\n")
        case 4:
            middle = _place(random, lines[at])
            lines[at] = lines[at][:middle] + b"\n" + lines[at][middle:]
        case 5:
            lines[at] = random.choice((b" ", b"\t", b":", b"-", b"")) + lines[at][random.randrange(2) :]
        case _:
            start, end = sorted((at, other))
            lines[start:end] = lines[start:end][::-1]
    return b"".join(lines)


def _line_ends(random: Random, content: bytes) -> bytes:
    plain = content.replace(b"\r\n", b"\n")
    if random.random() < 0.5:
        return plain.replace(
            b"\n", random.choice((b"\r", b"\r\n", b"\n\n", b"\r\r\n", b"\n\r", b"\x0b", b"\xe2\x80\xa8", b" ", b""))
        )
    return b"".join(line + random.choice((b"\n", b"\r\n", b"\r")) for line in plain.split(b"\n"))


def _number(random: Random, content: bytes) -> bytes:
    return _replaced(random, _NUMBER, content, _utf8(_NASTY_NUMBERS))


def _date(random: Random, content: bytes) -> bytes:
    return _replaced(random, _DATE, content, _utf8(_NASTY_DATES))


def _currency(random: Random, content: bytes) -> bytes:
    values = (b"USD", b"eur", b"", b"   ", b"EURO", b"E", b"\xe2\x82\xac", b"JPY", b"BHD", b"123", b"E R")
    if random.random() < 0.3:  # all of them, so that nothing contradicts it
        return _CURRENCY.sub(random.choice(values), content)
    return _replaced(random, _CURRENCY, content, values)


def _sign(random: Random, content: bytes) -> bytes:
    return _replaced(
        random, _SIGN, content, (b"C", b"D", b"RC", b"RD", b"EC", b"CRDT", b"DBIT", b"", b"X", b"-", b"crdt")
    )


def _tag(random: Random, content: bytes) -> bytes:
    found = _TAG.findall(content) or [b"x"]
    return _replaced(
        random, _TAG, content, (random.choice(found), b"<Amt", b"</Ntry", b"\n:61:", b"\n:62M:", b"\n21", b"\n8")
    )


def _code(random: Random, content: bytes) -> bytes:
    return _replaced(random, re.compile(b"|".join(_CODES)), content, (*_CODES, b""))


def _text(random: Random, content: bytes) -> bytes:
    found = [one for one in re.finditer(rb"[A-Za-z]{4,}", content)]
    if not found:
        return _flip(random, content)
    at = random.choice(found).start() + 2
    long = random.choice((b"x" * 5_000, b"a " * 2_000, b"/REMI/" * 700, b"?20" * 900, b"\xc3\xa9" * 2_000))
    return content[:at] + random.choice((*_utf8(_NASTY_TEXT), long)) + content[at:]


def _encoding(random: Random, content: bytes) -> bytes:
    text = content.decode("latin-1")
    return text.encode(random.choice(_ENCODINGS), "replace")


def _declared(random: Random, content: bytes) -> bytes:
    name = random.choice((*_ENCODINGS, "utf-9", "ascii", "", "UTF-8", "x" * 300, "base64", "rot13", "idna")).encode()
    if b"encoding=" in content:
        return re.sub(rb'encoding="[^"]*"', b'encoding="' + name + b'"', content, count=1)
    return b'<?xml version="1.0" encoding="' + name + b'"?>' + content


def _element(random: Random, content: bytes) -> bytes:
    found = list(_ELEMENT.finditer(content))
    if not found:
        return _lines(random, content)
    one, other = random.choice(found), random.choice(found)
    match random.randrange(9):
        case 0:
            return content[: one.start()] + content[one.end() :]
        case 1:
            return content[: one.end()] + one[0] + content[one.end() :]
        case 2:
            return content[: one.start()] + other[0] + content[one.end() :]
        case 3:
            return content[: other.end()] + one[0] + content[other.end() :]
        case 4:
            return content[: one.start()] + b"<" + one[1] + b"/>" + content[one.end() :]
        case 5:
            inside = content[one.start() : one.end()].partition(b">")
            return content[: one.start()] + inside[0] + b">" + one[0] + inside[2] + content[one.end() :]
        case 6:
            return content[: one.start()] + b"<Wrap>" + one[0] + b"</Wrap>" + content[one.end() :]
        case 7:
            depth = random.choice((10, 200, 300, 3_000))
            return content[: one.start()] + b"<D>" * depth + b"</D>" * depth + content[one.start() :]
        case _:
            return content[: one.start()] + b'<Amt Ccy="EUR">1.00</Amt>' + content[one.start() :]


def _attribute(random: Random, content: bytes) -> bytes:
    values = (
        b"",
        b' Ccy="EUR"',
        b' Ccy="XXX"',
        b' Ccy=""',
        b' Ccy="EUR" Ccy="USD"',
        b' a="' + b"x" * 9_000 + b'"',
        b' xmlns="urn:x"',
    )
    values += (
        b' xmlns:q="urn:q"',
        b' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.052.001.02"',
        b" xsi:nil='true'",
        b" Ccy=EUR",
    )
    return _replaced(random, re.compile(rb'(?<=[A-Za-z])(?: [A-Za-z:]+="[^"]*")?(?=>)'), content, values)


def _doctype(random: Random, content: bytes) -> bytes:
    doctype = random.choice(_DOCTYPES).encode()
    if random.random() < 0.5:
        content = re.sub(rb"(?<=>)[A-Za-z][A-Za-z0-9 -]*(?=<)", rb"&a;", content, count=random.choice((1, 3)))
    head, mark, rest = content.partition(b"?>")
    return head + mark + b"\n" * random.choice((0, 1, 70_000)) + doctype + rest if mark else doctype + content


def _shout(random: Random, content: bytes) -> bytes:
    start, end = _span(random, content, 80)
    return (
        content[:start]
        + random.choice((bytes.upper, bytes.lower, bytes.swapcase, bytes.title))(content[start:end])
        + content[end:]
    )


def _crossed(random: Random, content: bytes) -> bytes:
    """The head of one file and the tail of another, perhaps of another format."""
    other = random.choice(_BUILT).content
    if random.random() < 0.3:  # whole, one behind the other
        return random.choice((content + other, other + content, content + b"\n" + other))
    return content[: _place(random, content)] + other[_place(random, other) :]


_ANYWHERE: tuple[Callable[[Random, bytes], bytes], ...] = (
    _flip, _overwrite, _delete, _insert, _double, _swap, _cut, _cut, _behead, _tail, _head, _zeroes, _lines, _lines, _line_ends,
    _number, _number, _date, _date, _currency, _sign, _tag, _code, _text, _encoding, _shout, _crossed,
)  # fmt: skip
_IN_XML = (_element, _element, _element, _attribute, _doctype, _declared)


def damaged(random: Random, base: Base) -> tuple[str, bytes]:
    """What was done, and the file; now and then two things at once."""
    kinds = _ANYWHERE + (_IN_XML * 2 if base.format == "camt" else ())
    done, content = [], base.content
    for _ in range(random.choice((1, 1, 1, 2))):
        kind = random.choice(kinds)
        done.append(kind.__name__.strip("_"))
        content = kind(random, content) or b"\n"
    return "+".join(done), content


# -- money moved in one place ---------------------------------------------------------------------------------------------

_DECIMAL = re.compile(rb"([0-9]+)([.,])([0-9]*)")


def _a_cent_more(amount: bytes, cents: int = 1) -> bytes:
    """An amount with point or comma, or a CODA amount of fifteen digits, `cents` more (or less, never below zero)."""
    match = _DECIMAL.fullmatch(amount)
    if match is None:
        return b"%0*d" % (len(amount), abs(int(amount) + 10 * cents))
    total = abs(int(match[1] + match[3].ljust(2, b"0")[:2]) + cents)
    return b"%0*d%b%02d" % (len(match[1]), total // 100, match[2], total % 100)


def _moved(random: Random, content: bytes, spans: list[tuple[int, int]], change: Callable[[bytes], bytes]) -> bytes:
    start, end = random.choice(spans)
    return content[:start] + change(content[start:end]) + content[end:]


def _cents(random: Random) -> int:
    return random.choice((-1, 1, 1, 100, 12_345, 100_000_000))


def _groups(pattern: str, content: bytes, group: int = 1) -> list[tuple[int, int]]:
    return [one.span(group) for one in re.finditer(pattern.encode(), content, re.DOTALL | re.MULTILINE)]


_SIGNS = {
    b"CRDT": b"DBIT",
    b"DBIT": b"CRDT",
    b"C": b"D",
    b"D": b"C",
    b"RC": b"RD",
    b"RD": b"RC",
    b"0": b"1",
    b"1": b"0",
}
_P = "(?:[a-z0-9]+:)?"
# (what, where its spans are, how it changes) per format; group 1 of each pattern is what changes.
_AMOUNTS = {
    "camt": (rf"<{_P}Ntry>\s*<{_P}Amt [^>]*>([^<]+)<", rf"<{_P}Bal>(?:(?!</{_P}Bal).)*?(?:OPBD|PRCD|CLBD)(?:(?!</{_P}Bal).)*?<{_P}Amt [^>]*>([^<]+)<"),
    "mt940": (r"^:61:[0-9]{6}(?:[0-9]{4}|\s{4})?R?[CD][A-Z]?([0-9]+,[0-9]*)", r"^:6[02][FM]:[CD][0-9]{6}[A-Z]{3}([0-9]+,[0-9]*)"),
    "coda": (r"^21.{4}0000.{22}([0-9]{15})", r"^(?:1.{42}|8.{41})([0-9]{15})", r"^9.{21}([0-9]{15})", r"^9.{36}([0-9]{15})"),
}  # fmt: skip
_MARKS = {
    "camt": rf"<{_P}(?:Ntry|Bal)>(?:(?!</{_P}(?:Ntry|Bal)>|CdtDbtInd).)*?(?:OPBD|PRCD|CLBD|<{_P}Ntry>)?(?:(?!</{_P}(?:Ntry|Bal)>|CdtDbtInd).)*?<{_P}CdtDbtInd>([A-Z]{{4}})<",
    "mt940": r"^:6(?:1:[0-9]{6}(?:[0-9]{4}|\s{4})?|[02][FM]:)(R?[CD])",
    "coda": r"^(?:21.{4}0000.{21}|1.{41}|8.{40})([01])",
}
_ENTRIES = {
    "camt": rf"(<{_P}Ntry>.*?</{_P}Ntry>)",
    "mt940": r"(^:61:(?:(?!^:6|^-).)*)",
    "coda": r"(^21(.{4})0000[^\n]*\n(?:[23].\2[^\n]*\n)*)",
}
_STATUS = rf"<{_P}Sts>(?:<{_P}Cd>)?(BOOK)<"


def money_changed(random: Random, base: Base) -> tuple[str, bytes]:
    """A file with an amount, a sign, an entry or a status changed in one place, everything else as it was.

    UTF-16 files are changed as text and written back.
    """
    wide = base.content[:2] in (b"\xff\xfe", b"\xfe\xff")
    content = base.content.decode("utf-16").encode() if wide else base.content
    kinds: list[tuple[str, list[tuple[int, int]], Callable[[bytes], bytes]]] = [
        ("amount", _groups(pattern, content), lambda old: _a_cent_more(old, _cents(random)))
        for pattern in _AMOUNTS[base.format]
    ]
    kinds += [
        ("sign", _groups(_MARKS[base.format], content), lambda old: _SIGNS[old]),
        ("dropped", _groups(_ENTRIES[base.format], content), lambda _: b""),
        ("repeated", _groups(_ENTRIES[base.format], content), lambda old: old * 2),
    ]
    if base.format == "camt":
        kinds.append(("pending", _groups(_STATUS, content), lambda _: b"PDNG"))
    what, spans, change = random.choice([kind for kind in kinds if kind[1]])
    changed = _moved(random, content, spans, change)
    return what, changed.decode().encode("utf-16") if wide else changed

"""Files made to hurt: to fill the memory, to run for ever, or to read what is not theirs. Each is built when it is needed."""

from __future__ import annotations

from collections.abc import Callable

from tests.banking.build import Payment, camt053, coda, mt940, record

_ONE = [Payment(1_00, "MARK")]
_MANY = 200_000


def _camt(old: bytes, new: bytes) -> bytes:
    content = camt053(_ONE)
    assert old in content
    return content.replace(old, new, 1)


def _doctype(inside: bytes, reference: bytes = b"&x;") -> bytes:
    return _camt(b"?>", b"?><!DOCTYPE Document [" + inside + b"]>").replace(b"MARK", reference)


def _laughs() -> bytes:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (level, b"&l%d;" % (level - 1) * 10) for level in range(1, 12))
    return _doctype(b'<!ENTITY l0 "ha">' + levels, b"&l11;")


def _mt940(old: bytes, new: bytes) -> bytes:
    content = mt940(_ONE, eol="\n")
    assert old in content
    return content.replace(old, new, 1)


def _long_coda() -> bytes:
    lines = coda(_ONE, eol="\n").decode("latin-1").splitlines()
    head = record((1, "31"), (3, "00010000"), (32, "001500000"), (41, "2026-000123 " * 6))
    body = record((1, "32"), (3, "00010000"), (11, "2026-000124 " * 8))
    lines[5:5] = [head, *[body] * (_MANY // 2)]
    lines[-1] = lines[-1][:16] + f"{len(lines) - 2:06d}" + lines[-1][22:]
    return "\n".join(lines).encode()


_OPEN = b"<Wrap>"
_SHUT = b"</Wrap>"

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "billion laughs": (_laughs, "doctype_forbidden"),
    "quadratic entity": (
        lambda: _doctype(b'<!ENTITY x "' + b"A" * 100_000 + b'">', b"&x;" * 10_000),
        "doctype_forbidden",
    ),
    "entity that names itself": (lambda: _doctype(b'<!ENTITY x "&x;">'), "doctype_forbidden"),
    "password file": (lambda: _doctype(b'<!ENTITY x SYSTEM "file:///etc/passwd">'), "doctype_forbidden"),
    "address on the network": (lambda: _doctype(b'<!ENTITY x SYSTEM "http://127.0.0.1:9/x">'), "doctype_forbidden"),
    "parameter entity": (
        lambda: _doctype(b'<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;', b""),
        "doctype_forbidden",
    ),
    "doctype behind a comment": (
        lambda: _camt(b"?>", b"?><!--" + b"-x" * 200_000 + b" --><!DOCTYPE Document>"),
        "doctype_forbidden",
    ),
    "doctype in utf-16": (
        lambda: _doctype(b'<!ENTITY x "y">').decode().replace("utf-8", "utf-16").encode("utf-16"),
        "doctype_forbidden",
    ),
    "entity without a doctype": (lambda: _camt(b"MARK", b"&x;"), "malformed"),
    "ten thousand levels": (lambda: _camt(b"<Ntry>", _OPEN * 10_000 + _SHUT * 10_000 + b"<Ntry>"), "malformed"),
    "ten thousand levels in an entry": (
        lambda: _camt(b"MARK", b"<Ustrd>" * 10_000 + b"</Ustrd>" * 10_000),
        "malformed",
    ),
    "a million levels never closed": (lambda: _camt(b"<Ntry>", _OPEN * 1_000_000), "malformed"),
    "many attributes": (
        lambda: _camt(b"<Ustrd>", b"<Ustrd " + b" ".join(b'a%d="1"' % number for number in range(20_000)) + b">"),
        "malformed",
    ),
    "many namespaces": (
        lambda: _camt(b"<Ustrd>", b"<Ustrd " + b" ".join(b'xmlns:n%d="u"' % number for number in range(20_000)) + b">"),
        "malformed",
    ),
    "amount of a million digits": (lambda: _camt(b">1.00<", b">" + b"9" * 1_000_000 + b"<"), "invalid_amount"),
    "nothing but a tag that never ends": (lambda: b"<Document " + b"a" * 10_000_000, "truncated"),
    "mt940 line of ten million digits": (
        lambda: _mt940(b"C1,00N", b"C" + b"9" * 10_000_000 + b",00N"),
        "invalid_amount",
    ),
    "mt940 that never closes": (lambda: mt940(_ONE).partition(b":62F:")[0] + b"x\n" * _MANY, "truncated"),
    "mt940 messages never closed": (lambda: mt940(_ONE).partition(b":62F:")[0] * 20_000, "truncated"),
    "coda line of ten million": (lambda: coda(_ONE).replace(b"MARK", b"M" * 10_000_000, 1), "malformed"),
    "coda record of 127": (lambda: coda(_ONE).replace(b"1 0\r\n", b"10\r\n", 1), "malformed"),
    "coda record of 129": (lambda: coda(_ONE).replace(b"1 0\r\n", b"1  0\r\n", 1), "malformed"),
    "coda without end": (lambda: coda(_ONE).rpartition(b"\r\n9")[0], "truncated"),
    "ten million zeros": (lambda: b"\0" * 10_000_000, "empty_file"),
    "ten million blank lines": (lambda: b"\r\n" * 5_000_000, "empty_file"),
    "ten million letters": (lambda: b"a" * 10_000_000, "unknown_format"),
    "five million brackets": (lambda: b"<" * 5_000_000, "malformed"),
}
"""What must be refused, and why."""

READ: dict[str, Callable[[], bytes]] = {
    "remittance of ten megabytes": lambda: _camt(b"MARK", b"2026-000123 " * 850_000),
    "remittance in a hundred thousand pieces": lambda: _camt(
        b"<Ustrd>MARK</Ustrd>", b"<Ustrd>2026-000123</Ustrd>" * (_MANY // 2)
    ),
    "a million empty elements": lambda: _camt(b"<Ustrd>MARK</Ustrd>", b"<Ustrd/>" * 1_000_000 + b"<Ustrd>MARK</Ustrd>"),
    "attribute of a megabyte": lambda: _camt(b"<Ustrd>", b'<Ustrd x="' + b"y" * 1_000_000 + b'">'),
    "comment of ten megabytes": lambda: _camt(b"MARK", b"MA<!--" + b" x" * 4_500_000 + b"-->RK"),
    "a million character references": lambda: _camt(b"MARK", b"&#65;" * 1_000_000),
    "cdata of many brackets": lambda: _camt(b"MARK", b"<![CDATA[" + b"]" * 1_000_000 + b"]]>"),
    "mt940 field 86 of a hundred thousand lines": lambda: _mt940(b":62F:", b"2026-000123 regel\n" * 100_000 + b":62F:"),
    "mt940 keyword on each of a hundred thousand lines": lambda: _mt940(
        b":62F:", b"/EREF/X/REMI/Y\n" * 100_000 + b":62F:"
    ),
    "mt940 supplements": lambda: _mt940(b":86:", b"supplement\n" * 100_000 + b":86:"),
    "mt940 of blank lines": lambda: _mt940(b":62F:", b"\n" * 2_000_000 + b":62F:"),
    "coda with a hundred thousand records of information": _long_coda,
}
"""What is whole and right, if strange: one payment of 1.00 each."""

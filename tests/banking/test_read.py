"""One door for all formats: the content decides, and whatever is not whole or not right is refused with a reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.banking.keys import content_key
from assets.banking.read import read_statement_file, statement_parts
from assets.banking.references import candidate_references
from assets.banking.statements import ENTRY_COLUMNS, STATEMENT_COLUMNS, Statement, UnreadableStatement, gathered
from tests.banking.build import ACCOUNT, Payment, camt053, coda, mt940, record
from tests.banking.golden_files import STATEMENT_FILES

PAID = [Payment(121_00), Payment(-9_99, "Kosten"), Payment(5_00, "Café")]


def refusal(content: bytes, name: str = "") -> UnreadableStatement:
    """The refusal of a file that must not be read."""
    with pytest.raises(UnreadableStatement) as caught:
        read_statement_file(content, name=name)
    return caught.value


@pytest.mark.parametrize(
    ("content", "format"),
    [
        (camt053(PAID, version="02"), "camt.053.001.02"),
        (camt053(PAID, version="14"), "camt.053.001.14"),
        (b"\xef\xbb\xbf" + camt053(PAID), "camt.053.001.08"),
        (b"\n" + mt940(PAID), "mt940"),
        (mt940(PAID, encoding="utf-16"), "mt940"),
        (mt940(PAID, encoding="cp1252"), "mt940"),
        (mt940(PAID, eol="\r"), "mt940"),
        (coda(PAID, eol="\r"), "coda"),
        (coda(PAID), "coda"),
        (coda(PAID, encoding="utf-8"), "coda"),
    ],
)
def test_the_content_decides_the_format(content: bytes, format: str) -> None:
    read = read_statement_file(content, name="misleading.pdf")
    assert read.format == format
    assert [entry.amount for entry in read.statements[0].entries] == [
        Decimal("121.00"),
        Decimal("-9.99"),
        Decimal("5.00"),
    ]
    assert read.statements[0].entries[2].remittance == "Café"
    assert [entry.ordinal for entry in read.statements[0].entries] == [1, 2, 3]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\x00", "empty_file"),
        (b"datum;bedrag\n2026-03-02;10,00\n", "unknown_format"),
        (b"%PDF-1.7 ...", "unknown_format"),
        (b"PK\x03\x04 zip", "unknown_format"),
        (b"<html><body>log in first</body></html>", "unknown_format"),
        (b"\xff\xfe:\x002", "encoding"),
        (b":20:X\n:25:\x00NL\n", "encoding"),
        (camt053(PAID)[:-2], "truncated"),
        (camt053(PAID).replace(b"Dijk</", b"\xff\xfeDijk</", 1), "encoding"),
        (camt053(PAID).replace(b"<Stmt>", b"<Stmt><<", 1), "malformed"),
        (camt053(PAID).replace(b"utf-8", b"utf-9", 1), "encoding"),
        (
            b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt/></Document>',
            "no_statement",
        ),
        (b'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"/>', "unknown_format"),
    ],
)
def test_a_file_that_is_no_statement_is_refused_with_its_code(content: bytes, code: str) -> None:
    assert refusal(content).code == code


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b"\xff\xd8\xff\xe0", "picture"),
        (b"<!DOCTYPE html><html><body>log in</body></html>", "web page"),
        (b"\xef\xbb\xbf\r\n<HTML>", "web page"),
        (b'{"transactions": []}', "JSON"),
        (b"[]", "JSON"),
        (b'"Datum";"Naam";"Bedrag"\n"20260302";"Jansen";"1,00"\n', "CSV"),
        (b"Date,Amount\n2026-03-02,1.00\n2026-03-03,2.00\n", "CSV"),
        (b"OFXHEADER:100\nDATA:OFXSGML\n", "OFX"),
        (
            b":20:R\n:25:NL69INGB0123456789\n:28C:1\n:34F:EURD0,\n:13D:2603021200+0100\n:61:2603020302C1,NTRFX\n-\n",
            "MT942",
        ),
        (b"Dear customer,\nplease find attached\n", "neither camt, nor MT940, nor CODA"),
    ],
)
def test_the_refusal_says_what_the_file_seems_to_be_and_what_to_do(content: bytes, words: str) -> None:
    refused = refusal(content, name="export")
    assert refused.code == "unknown_format"
    assert words in refused.message
    assert "the bank" in refused.message or "unpack" in refused.message


def test_a_file_that_could_be_two_formats_is_refused() -> None:
    assert refusal(coda(PAID) + mt940(PAID)).code == "ambiguous_format"
    assert refusal(mt940(PAID) + coda(PAID)).code == "malformed"
    assert refusal(mt940(PAID) + camt053(PAID)).code == "malformed"


def test_a_record_too_short_is_a_damaged_coda_and_no_unknown_file() -> None:
    lines = coda(PAID, eol="\n").splitlines()
    assert refusal(b"\n".join(line[:-1] for line in lines)).code == "malformed"
    assert refusal(b"\n".join(line + b" " for line in lines)).code == "malformed"


class _Pipe(BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("a pipe cannot be rewound")


@pytest.mark.parametrize("content", [camt053(PAID), mt940(PAID), coda(PAID)])
def test_a_source_that_cannot_be_rewound_is_read_all_the_same(content: bytes) -> None:
    assert gathered(statement_parts(_Pipe(content))) == read_statement_file(content)


@pytest.mark.parametrize("written", [mt940, coda])
def test_entries_come_in_pieces_before_their_statement(written: Callable[..., bytes]) -> None:
    parts = list(statement_parts(BytesIO(written([Payment(1_00)] * 4_500))))
    assert [len(part) if not isinstance(part, Statement) else part.entry_count for part in parts] == [
        2_000,
        2_000,
        500,
        4_500,
    ]


@pytest.mark.parametrize("written", [mt940, coda])
@pytest.mark.parametrize("shift", range(12))
def test_where_the_file_is_read_in_pieces_does_not_show(written: Callable[..., bytes], shift: int) -> None:
    """Whatever stands where one piece ends and the next begins: a line end, half of it, half an accent."""
    texts = [f"é{number}" * 8 for number in range(600)]
    content = b"\n" * shift + written([Payment(1_00, text, name="é" * 30) for text in texts], encoding="utf-8")
    assert len(content) > 100_000
    read = read_statement_file(content)
    assert ["".join((entry.remittance or "").split()) for entry in read.statements[0].entries] == texts


def test_the_refusal_names_file_position_and_account() -> None:
    assert "export.csv" in str(refusal(b"a;b", name="export.csv"))
    wrong = refusal(camt053(PAID, closing=1))
    assert (wrong.code, wrong.account_iban, wrong.position) == ("control_total_mismatch", ACCOUNT, "statement 1")


@pytest.mark.parametrize("written", [camt053, mt940, coda])
@pytest.mark.parametrize("opening", [-100_000, 0, 12_345])
def test_an_altered_amount_is_noticed(written: object, opening: int) -> None:
    content = written(PAID, opening=opening)  # type: ignore[operator]
    for old, new in ((b"121.00", b"120.00"), (b"121,00", b"120,00"), (b"000000121000", b"000000120000")):
        if old in content:
            assert refusal(content.replace(old, new, 1)).code == "control_total_mismatch"


_ENTITY = b'<?xml version="1.0"?><!DOCTYPE D [<!ENTITY a "x">]>'


@pytest.mark.parametrize(
    "prolog",
    [
        _ENTITY,
        b'<?xml version="1.0"?><!DOCTYPE Document SYSTEM "file:///etc/passwd">',
        b'<?xml version="1.0"?>' + b" " * 70_000 + b"<!DOCTYPE Document>",
        b'<?xml version="1.0"?><!DOCTYPE d [' + b'<!ENTITY b "bbbbbbbbbb">' + b'<!ENTITY c "&b;&b;&b;&b;">' * 9 + b"]>",
    ],
)
def test_a_doctype_is_refused(prolog: bytes) -> None:
    body = camt053(PAID).partition(b"?>")[2].replace(b"Factuur", b"&a;" if prolog == _ENTITY else b"Factuur")
    assert refusal(prolog + body).code == "doctype_forbidden"
    assert (
        refusal((prolog + body).decode().replace("?>", ' encoding="utf-16"?>', 1).encode("utf-16")).code
        == "doctype_forbidden"
    )


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("NaN", "invalid_amount"),
        ("Infinity", "invalid_amount"),
        ("-5.00", "invalid_amount"),
        ("5,00", "invalid_amount"),
        ("1e2", "invalid_amount"),
        ("", "invalid_amount"),
        ("1_000.00", "invalid_amount"),
        ("\u0665.00", "invalid_amount"),
        ("12345678901234567.00", "invalid_amount"),
        ("5.001", "too_many_decimals"),
    ],
)
def test_what_is_no_amount_is_refused_in_camt(amount: str, code: str) -> None:
    content = camt053([Payment(5_00)], closing=5_00).decode().replace(">5.00<", f">{amount}<", 1)
    at_entry = camt053([Payment(5_00)]).decode()
    last = at_entry.rindex(">5.00<")
    at_entry = at_entry[:last] + f">{amount}<" + at_entry[last + len(">5.00<") :]
    assert refusal(content.encode()).code == code
    refused = refusal(at_entry.encode())
    assert (refused.code, refused.account_iban, refused.position) == (code, ACCOUNT, "statement 1, entry 1")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("5.00", "invalid_amount"),
        ("5", "invalid_amount"),
        ("-5,00", "invalid_amount"),
        ("5,001", "too_many_decimals"),
        ("1.005,00", "invalid_amount"),
    ],
)
def test_what_is_no_amount_is_refused_in_mt940(amount: str, code: str) -> None:
    content = mt940([Payment(5_00)]).replace(b"C5,00N", f"C{amount}N".encode())
    assert refusal(content).code == code


def test_zeros_beyond_the_cents_are_no_decimals() -> None:
    camt = camt053([Payment(5_00)]).replace(b"5.00", b"5.00000").replace(b">0.00<", b">0<")
    assert str(read_statement_file(camt).statements[0].entries[0].amount) == "5.00"
    swift = mt940([Payment(5_00)]).replace(b"C5,00N", b"C000005,N")
    assert str(read_statement_file(swift).statements[0].entries[0].amount) == "5.00"


@pytest.mark.parametrize(
    ("content", "old", "new"),
    [
        (camt053(PAID), b"<BookgDt><Dt>2026-03-02", b"<BookgDt><Dt>2026-02-30"),
        (camt053(PAID), b"<ValDt><Dt>2026-03-02", b"<ValDt><Dt>02-03-2026"),
        (mt940(PAID), b":60F:C260301", b":60F:C260231"),
        (mt940(PAID), b":61:2603020302", b":61:2613020302"),
        (mt940(PAID), b":61:2603020302", b":61:2603021302"),
        (coda(PAID), b"020326061", b"320326061"),
    ],
)
def test_an_impossible_date_is_refused(content: bytes, old: bytes, new: bytes) -> None:
    assert old in content
    assert refusal(content.replace(old, new, 1)).code == "invalid_date"


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_noise_is_refused(noise: bytes) -> None:
    refusal(noise)


@given(st.sampled_from(STATEMENT_FILES), st.data())
@settings(max_examples=250, deadline=None)
def test_a_damaged_file_is_refused_or_read_never_worse(path: object, data: st.DataObject) -> None:
    content = bytearray(path.read_bytes())  # type: ignore[attr-defined]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        match data.draw(st.sampled_from(("flip", "cut", "double"))):
            case "flip":
                content[place] = data.draw(st.integers(0, 255))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 20))]
            case _:
                content[place:place] = content[place : place + 20]
    try:
        read = read_statement_file(bytes(content))
    except UnreadableStatement:
        return
    for statement in read.statements:
        if not statement.is_informative:
            assert statement.opening_amount is not None
            assert statement.opening_amount + sum(e.amount for e in statement.entries) == statement.closing_amount


def test_the_columns_are_those_of_the_raw_tables() -> None:
    assert ENTRY_COLUMNS[:5] == ("ordinal", "detail_ordinal", "statement_key", "account_iban", "booked_on")
    assert ENTRY_COLUMNS[-1] == "parser_version"
    assert len(ENTRY_COLUMNS) == 31
    assert len(STATEMENT_COLUMNS) == 14


def _huge_coda() -> bytes:
    lines = coda([Payment(1_00, "")], eol="\n").decode("latin-1").splitlines()
    head = record((1, "31"), (3, "00010000"), (32, "001500000"), (41, "x" * 73))
    body = record((1, "32"), (3, "00010000"), (11, "2026-000123 " * 8))
    lines[5:5] = [head, *[body] * 78_000]
    lines[-1] = lines[-1][:16] + f"{len(lines) - 2:06d}" + lines[-1][22:]
    return "\n".join(lines).encode()


_HUGE: dict[str, Callable[[], bytes]] = {
    "letters": lambda: mt940([Payment(1_00, "x" * 10_000_000)]),
    "keywords": lambda: mt940([Payment(1_00, "/EREF/ " * 1_400_000)]),
    "remittances": lambda: mt940([Payment(1_00, "/REMI/" * 1_600_000)]),
    "words": lambda: mt940([Payment(1_00, "a b " * 2_500_000)], dialect="rabobank", width=60),
    "numbered": lambda: mt940([Payment(1_00)]).replace(b":86:", b":86:020" + b"?20abcdefgh " * 800_000, 1),
    "labels": lambda: mt940([Payment(1_00)]).replace(b":86:", b":86:SEPA X IBAN: " + b"NAAM: abcdefgh " * 650_000, 1),
    "spaces": lambda: mt940([Payment(1_00)]).replace(b":86:", b":86:" + b" " * 10_000_000, 1),
    "camt": lambda: camt053([Payment(1_00, "2026-000123 " * 800_000)]),
    "coda": _huge_coda,
}


@pytest.mark.parametrize("kind", _HUGE)
def test_ten_megabytes_of_text_do_not_hang(kind: str) -> None:
    content = _HUGE[kind]()
    assert len(content) > 9_000_000
    started = time.process_time()
    (entry,) = read_statement_file(content).statements[0].entries
    content_key(entry, entry.account_iban)
    candidate_references(entry)
    assert time.process_time() - started < 20.0

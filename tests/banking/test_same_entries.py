"""The same payments are the same entries, however the bank cuts, wraps, encodes, names or orders its files.

`test_keys` says it of one file; here statements are split over files and pages, mixed, dressed in every header and encoding
we know of, and landed in a real warehouse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from itertools import accumulate
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from assets.banking.keys import content_key, entry_keys
from assets.banking.landing import land_statements
from assets.banking.read import read_statement_file
from assets.landing.warehouse import writing
from tests.banking.build import ACCOUNT, BELGIAN_ACCOUNT, Payment, camt053, coda, mt940
from tests.landing.rooms import Rooms, open_rooms

Writer = Callable[..., bytes]
WRITERS: dict[str, Writer] = {"camt": camt053, "mt940": mt940, "coda": coda}
every_format = pytest.mark.parametrize("format", WRITERS)

# No slash and no colon: they could spell a keyword of MT940. The accents are in every eight-bit set banks use.
TEXTS = st.text("ABCDEFabcdef0123456789 .,-+?()'éèüßñç", max_size=120)
PAYMENTS = st.lists(
    st.builds(
        Payment,
        cents=st.sampled_from((1, 5_00, 5_00, 121_00, -9_99, -121_00, 99_999_999_99)),
        text=st.one_of(TEXTS, st.sampled_from(("Factuur 2026-000123", "Factuur 2026-000123", "Café 2026/12"))),
        name=st.sampled_from(("Garage Van Dijk", "Café Zürich", "Señor Nuñez")),
        iban=st.sampled_from(("NL44RABO0123456789", "DE89370400440532013000")),
        end_to_end_id=st.sampled_from(("NOTPROVIDED", "E2E-1", "2026-000123-A")),
        bank_reference=st.sampled_from(("", "B1", "B2")),
        booked_on=st.sampled_from((date(2026, 3, 2), date(2026, 3, 1), date(2025, 12, 31))),
    ),
    min_size=1,
    max_size=8,
)


def keys_of(files: Iterable[bytes]) -> tuple[list[str], list[str]]:
    """Content keys and entry keys of all booked entries in files read one after the other, as multisets."""
    seen: dict[str, int] = {}
    contents: list[str] = []
    keys: list[str] = []
    for content in files:
        for statement in read_statement_file(content).statements:
            keys += entry_keys(statement.entries, seen)
            contents += [content_key(entry, statement.account_iban) for entry in statement.entries]
    return sorted(contents), sorted(keys)


def pieces(data: st.DataObject, paid: Sequence[Payment], opening: int) -> list[tuple[list[Payment], int]]:
    """The payments cut into runs, each with the balance it opens with; a run may be empty."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(paid)), max_size=4)))
    runs = [list(paid[start:end]) for start, end in zip([0, *cuts], [*cuts, len(paid)], strict=True)]
    balances = accumulate((sum(one.cents for one in run) for run in runs), initial=opening)
    return list(zip(runs, balances, strict=False))


def parts_of(format: str, cut: Sequence[tuple[list[Payment], int]]) -> list[bytes]:
    """A statement for every run, numbered through."""
    write = WRITERS[format]
    return [write(run, opening=balance, number=number) for number, (run, balance) in enumerate(cut, start=61)]


def in_one_file(format: str, parts: Sequence[bytes]) -> bytes:
    """Several statements in one file, as banks send them."""
    if format != "camt":
        return b"".join(parts)
    statements = [re.search(rb"<Stmt>.*</Stmt>", part, re.DOTALL) for part in parts]
    return re.sub(
        rb"<Stmt>.*</Stmt>", lambda _: b"".join(one[0] for one in statements if one), parts[0], flags=re.DOTALL
    )


@every_format
@settings(max_examples=40, deadline=None)
@given(paid=PAYMENTS, opening=st.integers(-500_00, 500_00), data=st.data())
def test_entries_are_the_same_split_over_files_shuffled_or_together(
    format: str, paid: list[Payment], opening: int, data: st.DataObject
) -> None:
    whole = keys_of([WRITERS[format](paid, opening=opening)])
    parts = parts_of(format, pieces(data, paid, opening))
    assert keys_of(parts) == whole
    assert keys_of(data.draw(st.permutations(parts))) == whole
    assert keys_of([in_one_file(format, parts)]) == whole
    assert len(set(whole[1])) == len(paid)


@settings(max_examples=40, deadline=None)
@given(paid=PAYMENTS, opening=st.integers(-500_00, 500_00), data=st.data())
def test_mt940_pages_are_one_statement_with_the_same_entries(
    paid: list[Payment], opening: int, data: st.DataObject
) -> None:
    cut = pieces(data, paid, opening)
    pages = [
        mt940(
            run,
            opening=balance,
            page=page,
            tags=("60F" if page == 1 else "60M", "62F" if page == len(cut) else "62M"),
            days=("260301" if page == 1 else "260302", "260302"),
        )
        for page, (run, balance) in enumerate(cut, start=1)
    ]
    assert keys_of([b"".join(pages)]) == keys_of([mt940(paid, opening=opening)])
    assert len(read_statement_file(b"".join(pages)).statements) == 1


# -- other dress ----------------------------------------------------------------------------------------------------------


def _tree(content: bytes) -> Any:
    return etree.fromstring(content)


def _indented(content: bytes, space: str = "\t") -> bytes:
    tree = _tree(content)
    etree.indent(tree, space=space)
    return bytes(etree.tostring(tree, xml_declaration=True, encoding="UTF-8"))


def _other_prefix(content: bytes) -> bytes:
    text = re.sub(r"<(/?)(?=[A-Z])", r"<\1camt-53:", content.decode()).replace("xmlns=", "xmlns:camt-53=")
    return text.encode()


def _more_attributes(content: bytes) -> bytes:
    """Attributes the schema allows on the root, before and after the namespace, and single quotes."""
    schema = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x camt.xsd"'
    content = re.sub(rb'<Document( xmlns="[^"]*")>', rb"<Document" + schema + rb"\1 >", content)
    return re.sub(rb'Ccy="EUR"', b" Ccy = 'EUR' ", content)


def _in_cdata(content: bytes) -> bytes:
    text = re.sub(r"(<Ustrd>)([^<&]+)(</Ustrd>)", r"\1<![CDATA[\2]]>\3", content.decode())
    return re.sub(r"(<Nm>)([^<&]+)(</Nm>)", r"\1 \2 \3", text).encode()


def _with_comments(content: bytes) -> bytes:
    content = re.sub(rb"(?=<(?:Ntry|Bal|Amt|Ustrd|BookgDt)\b)", b"<!-- <Amt>9</Amt> --><?bank page?>", content)
    return content.replace(b"</Document>", b"</Document><!-- end -->\n\n")


def _as_references(content: bytes) -> bytes:
    """ASCII only, every other letter as a character reference."""
    return (
        content.decode().encode("ascii", "xmlcharrefreplace").replace(b"EUR", b"E&#85;R").replace(b"CRDT", b"CR&#x44;T")
    )


def _recoded(encoding: str, declared: str, mark: bytes = b"") -> Callable[[bytes], bytes]:
    def written(content: bytes) -> bytes:
        text = content.decode().replace('encoding="utf-8"', f'encoding="{declared}"', 1)
        return mark + text.encode(encoding, "xmlcharrefreplace")

    return written


CAMT_DRESS: dict[str, Callable[[bytes], bytes]] = {
    "indented": _indented,
    "indented, crlf": lambda content: _indented(content, "    ").replace(b"\n", b"\r\n"),
    "canonical": lambda content: bytes(etree.tostring(_tree(content), method="c14n")),
    "prefix": _other_prefix,
    "attributes": _more_attributes,
    "cdata": _in_cdata,
    "comments": _with_comments,
    "references": _as_references,
    "no declaration": lambda content: content.partition(b"?>")[2],
    "standalone": lambda content: content.replace(b"?>", b' standalone="yes"?>', 1),
    "utf-8 with mark": _recoded("utf-8", "UTF-8", b"\xef\xbb\xbf"),
    "utf-16-le": _recoded("utf-16-le", "UTF-16", b"\xff\xfe"),
    "utf-16-be": _recoded("utf-16-be", "UTF-16", b"\xfe\xff"),
    "windows-1252": _recoded("cp1252", "windows-1252"),
    "iso-8859-15": _recoded("iso-8859-15", "ISO-8859-15"),
    "us-ascii": _recoded("ascii", "US-ASCII"),
    "line ends behind": lambda content: content + b"\r\n \n",
}


@pytest.mark.parametrize("dress", CAMT_DRESS)
@settings(max_examples=15, deadline=None)
@given(paid=PAYMENTS, opening=st.integers(-500_00, 500_00))
def test_camt_says_the_same_in_another_dress(dress: str, paid: list[Payment], opening: int) -> None:
    plain = camt053(paid, opening=opening)
    dressed = CAMT_DRESS[dress](plain)
    assert keys_of([dressed]) == keys_of([plain])
    assert [one.statement_key for one in read_statement_file(dressed).statements] == [
        one.statement_key for one in read_statement_file(plain).statements
    ]


def _text_dress(encoding: str = "utf-8", mark: bytes = b"", eol: str = "\r\n", head: str = "", tail: str = "") -> Any:
    def written(content: bytes) -> bytes:
        text = head + content.decode() + tail
        return mark + text.replace("\r\n", eol).encode(encoding)

    return written


TEXT_DRESS: dict[str, Callable[[bytes], bytes]] = {
    "lf": _text_dress(eol="\n"),
    "cr": _text_dress(eol="\r"),
    "blank lines and ctrl-z behind": _text_dress(tail="\r\n\r\n\x1a"),
    "utf-8 with mark": _text_dress(mark=b"\xef\xbb\xbf"),
    "utf-16-le": _text_dress("utf-16-le", b"\xff\xfe"),
    "utf-16-be": _text_dress("utf-16-be", b"\xfe\xff", "\n"),
    "utf-32": _text_dress("utf-32"),
    "latin-1": _text_dress("latin-1", eol="\n"),
    "cp1252": _text_dress("cp1252"),
    "cp1252, cr": _text_dress("cp1252", eol="\r"),
}
MT940_DRESS = TEXT_DRESS | {
    "swift blocks": lambda content: (
        b"{1:F01RABONL2UAXXX0000000000}{2:I940RABONL2UXXXXN}{4:\r\n" + content.rstrip(b"\r\n") + b"}\r\n"
    ),
    "abn header": lambda content: b"ABNANL2A\r\n940\r\nABNANL2A\r\n" + content,
    "940 header": lambda content: b":940:\r\n" + content,
    "no end mark": lambda content: content.removesuffix(b"-\r\n"),
}


@pytest.mark.parametrize("dress", MT940_DRESS)
@settings(max_examples=15, deadline=None)
@given(paid=PAYMENTS, dialect=st.sampled_from(("ing", "rabobank", "abnamro")))
def test_mt940_says_the_same_in_another_dress(dress: str, paid: list[Payment], dialect: str) -> None:
    plain = mt940(paid, dialect=dialect)
    assert keys_of([MT940_DRESS[dress](plain)]) == keys_of([plain])


@pytest.mark.parametrize("dress", TEXT_DRESS)
@settings(max_examples=15, deadline=None)
@given(paid=PAYMENTS, structured=st.booleans())
def test_coda_says_the_same_in_another_dress(dress: str, paid: list[Payment], structured: bool) -> None:
    if structured:
        paid = [Payment(one.cents, "101123456789002", bank_reference=one.bank_reference) for one in paid]
    plain = coda(paid, encoding="utf-8", structured=structured)
    assert keys_of([TEXT_DRESS[dress](plain)]) == keys_of([plain])


# -- files larger than a piece that is read at once ------------------------------------------------------------------------

_MANY = [
    Payment((place % 1_000) * 7 + 1, f"Café & n° {place} – ß{place % 7}", end_to_end_id=f"E2E-{place}")
    for place in range(420)
]


@pytest.mark.parametrize("shift", [*range(8), *range(8, 760, 47)])
def test_what_is_read_at_once_may_end_anywhere(shift: int) -> None:
    """The files are a few times as large as the pieces they are read in; the shift moves their ends over a whole entry."""
    camt = camt053(_MANY, newline="\r\n")
    shifted = camt.replace(b"<BkToCstmrStmt>", b"<!--" + b"x" * shift + b"--><BkToCstmrStmt>")
    if shift % 2:
        shifted = shifted.replace(b"<Ustrd>", b"<Ustrd><![CDATA[").replace(b"</Ustrd>", b"]]></Ustrd>")
        shifted = shifted.replace(b"&amp;", b"&")
    assert keys_of([shifted]) == keys_of([camt])
    swift = mt940(_MANY * 3)
    dressing = (b"x" * 20 + b"\r\n") * (shift // 22) + b"x" * (shift % 22) + b"\r\n"
    assert keys_of([dressing + swift]) == keys_of([swift])
    assert keys_of([(dressing + swift).decode().encode("cp1252")]) == keys_of([swift])
    records = coda(_MANY * 2, encoding="cp1252")
    assert keys_of([b"\n" * (shift % 131) + records.decode("cp1252").encode()]) == keys_of([records])


# -- landed ---------------------------------------------------------------------------------------------------------------

_LANDED = """
    select entry_key, content_key, account_iban, booked_on, valued_on, amount, currency, counterparty_iban, end_to_end_id
    from raw.bank_entries order by all
"""
_FORMS: dict[str, Sequence[Callable[[bytes], bytes]]] = {
    "camt": list(CAMT_DRESS.values()),
    "mt940": list(MT940_DRESS.values()),
    "coda": list(TEXT_DRESS.values()),
}


def _known(root: Path) -> Rooms:
    """A room that knows one company with both accounts."""
    rooms = open_rooms(root)
    with writing(rooms.room.warehouse) as connection:
        connection.execute(
            "insert into raw.companies (company_id, iban, batch_id, ordinal, is_deleted) values ('C1', ?, 0, 1, false)",
            [f"{ACCOUNT};{BELGIAN_ACCOUNT}"],
        )
    return rooms


@every_format
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(paid=PAYMENTS, data=st.data(), seed=st.integers(0, 2**32))
def test_landed_entries_are_the_same_split_renamed_dressed_shuffled_and_sent_again(
    format: str, paid: list[Payment], data: st.DataObject, seed: int
) -> None:
    random = Random(seed)
    arguments = {"encoding": "utf-8"} if format == "coda" else {}
    whole = WRITERS[format](paid, **arguments)
    runs = [(run, balance) for run, balance in pieces(data, paid, 0) if run]
    parts = [
        WRITERS[format](run, opening=balance, number=number, **arguments)
        for number, (run, balance) in enumerate(runs, start=61)
    ]
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        straight, crooked = _known(Path(one)), _known(Path(other))
        straight.put("bank", "statement", whole)
        assert land_statements(straight.run("day"), straight.room.bank_inbox).entries == len(paid)
        for part in parts:
            crooked.put("bank", f"{random.getrandbits(64)}.dat", random.choice(_FORMS[format])(part))
        landed = land_statements(crooked.run("day"), crooked.room.bank_inbox)
        assert (landed.quarantined, landed.entries) == (0, len(paid))
        for part in parts:
            crooked.put("bank", f"{random.getrandbits(64)}.txt", random.choice(_FORMS[format])(part))
        again = land_statements(crooked.run("next day"), crooked.room.bank_inbox)
        assert (again.quarantined, again.statements, again.entries) == (0, 0, 0)
        assert crooked.rows(_LANDED) == straight.rows(_LANDED)
        for rooms in (straight, crooked):
            rooms.store.dispose()

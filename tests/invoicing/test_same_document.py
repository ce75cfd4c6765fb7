"""One invoice, however it is written, is one claim; and no other invoice is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from assets.invoicing.documents import InvoiceDocument
from assets.invoicing.identity import Known
from assets.invoicing.read import read_document
from assets.invoicing.rows import Whose, content_key
from simulation.invoice_documents import Document, DocumentLine, cii, pdf_with, ubl
from tests.invoicing.rooms import BRUGGE, INVOICE, MOLENAAR, US

TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"]), min_size=1, max_size=40
).filter(lambda text: bool(text.strip()))
NUMBERS = st.from_regex(r"[A-Z0-9][A-Z0-9/ .-]{0,18}[A-Z0-9]", fullmatch=True)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
LINES = st.lists(
    st.builds(DocumentLine, st.integers(1, 999).map(str), TEXT, st.integers(0, 10**9), st.integers(1, 99)),
    min_size=1,
    max_size=5,
).map(tuple)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    issued_on = draw(DAYS)
    return Document(
        number=draw(NUMBERS),
        seller=US,
        buyer=draw(st.sampled_from([MOLENAAR, BRUGGE])),
        issued_on=issued_on,
        lines=draw(LINES),
        vat_cents=draw(st.integers(0, 10**8)),
        due_on=draw(st.none() | st.integers(0, 120).map(lambda days: issued_on + timedelta(days=days))),
        is_credit_note=draw(st.booleans()),
        currency=draw(st.sampled_from(["EUR", "USD", "SEK"])),
        rounding_cents=draw(st.integers(-4, 4).filter(lambda cents: cents != -1)) if draw(st.booleans()) else 0,
        payment_reference=draw(st.none() | NUMBERS),
        order_number=draw(st.none() | NUMBERS.filter(lambda number: number != "NA")),
        project_number=draw(st.none() | NUMBERS),
        buyer_reference=draw(st.none() | NUMBERS),
        preceding=tuple((number, None) for number in draw(st.lists(NUMBERS, max_size=3, unique=True))),
    )


def read(content: bytes) -> InvoiceDocument:
    document = read_document(content)
    assert isinstance(document, InvoiceDocument)
    return document


def key(document: InvoiceDocument) -> str:
    return content_key(Whose(document, "C", Known("K", "a customer", "NL")))


def asks_enough(document: Document) -> bool:
    """Rounding down a document of nothing would make it negative."""
    return document.asked_cents >= 0


@settings(max_examples=100, deadline=None)
@given(documents().filter(asks_enough))
def test_each_syntax_says_the_same(document: Document) -> None:
    written = read(ubl(document))
    for other in (cii(document), pdf_with(("factur-x.xml", cii(document)))):
        assert replace(read(other), syntax="ubl") == written
    assert int(written.claim * 100) == document.asked_cents
    assert [line.line_amount * 100 for line in written.lines] == [line.net_cents for line in document.lines]


@settings(max_examples=100, deadline=None)
@given(documents().filter(asks_enough), st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]), st.booleans())
def test_re_encoded_and_re_wrapped_it_is_the_same(document: Document, encoding: str, is_pretty: bool) -> None:
    for content in (ubl(document), cii(document)):
        root = etree.fromstring(content)
        name = "utf-16" if encoding == "utf-16" else "utf-8"
        again = etree.tostring(root, encoding=name, pretty_print=is_pretty, xml_declaration=True)
        if encoding == "utf-8-sig":
            again = b"\xef\xbb\xbf" + again
        assert read(again) == read(content)


def test_what_is_claimed_makes_the_document_and_wording_does_not() -> None:
    usual = key(read(ubl(INVOICE)))
    line = INVOICE.lines[0]
    for same in (
        replace(INVOICE, lines=(replace(line, description="Chairs"),)),
        replace(INVOICE, order_number=None),
        replace(INVOICE, terms="Promptly, please"),
    ):
        assert key(read(ubl(same))) == usual
    for other in (
        replace(INVOICE, vat_cents=2_101),
        replace(INVOICE, prepaid_cents=1),
        replace(INVOICE, due_on=date(2026, 4, 2)),
        replace(INVOICE, due_on=None),
        replace(INVOICE, issued_on=date(2026, 3, 1)),
        replace(INVOICE, currency="USD"),
        replace(INVOICE, is_credit_note=True),
        replace(INVOICE, preceding=(("2026-0001", None),)),
    ):
        assert key(read(ubl(other))) != usual

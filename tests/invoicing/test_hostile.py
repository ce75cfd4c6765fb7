"""Whatever lies in the inbox: it is read right, or refused with a code; nothing else happens."""

from __future__ import annotations

import random
import zipfile
import zlib
from contextlib import suppress
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfWriter

from assets.invoicing.documents import UnreadableDocument
from assets.invoicing.read import MOST_TAGS, read_document
from simulation.invoice_documents import cii, invoice_response, pdf_with, ubl
from tests.invoicing.rooms import INVOICE, MOLENAAR, US, Mailbox, document

UBL, CII = ubl(INVOICE), cii(INVOICE)
RESPONSE = invoice_response(
    "2026-0042",
    "RE",
    sender=MOLENAAR,
    receiver=US,
    issued_on=date(2026, 3, 4),
    reasons=[("OPStatusReason", "PRI", "x")],
)
PDF = pdf_with(("factur-x.xml", CII))


def refusal(content: bytes) -> UnreadableDocument:
    with pytest.raises(UnreadableDocument) as caught:
        read_document(content)
    return caught.value


def replaced(content: bytes, old: str, new: str) -> bytes:
    assert old.encode() in content
    return content.replace(old.encode(), new.encode(), 1)


def head(declaration: str) -> bytes:
    return replaced(UBL, "<Invoice", f"{declaration}<Invoice")


def zipped() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("invoice.xml", UBL)
    return out.getvalue()


BOMB = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 12))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\0", "empty_file"),
        (b"<!doctype html><html><body>Sign in</body></html>", "unknown_format"),
        (b"<html><body>Sign in</body></html>", "unknown_format"),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.02'/>", "unknown_format"),
        (b"invoice_number,amount\r\n1,2\r\n", "unknown_format"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "unknown_format"),
        (zipped(), "unknown_format"),
        (UBL + b"<Invoice/>", "malformed"),
        (UBL + b"trailing", "malformed"),
        (UBL.rstrip()[:-1], "truncated"),
        (UBL.replace(b"Office", b"Off\xffice"), "encoding"),
        (UBL.replace(b"UTF-8", b"UTF-77"), "encoding"),
        (UBL.replace(b"Office", b"Off\0ice"), "malformed"),
        (head("<!DOCTYPE Invoice>"), "doctype_forbidden"),
        (head("<!DOCTYPE Invoice [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>"), "doctype_forbidden"),
        (head(f"<!DOCTYPE Invoice [<!ENTITY e0 'ha'>{BOMB}]>"), "doctype_forbidden"),
        (head("<!DOCTYPE Invoice>").decode().replace("UTF-8", "UTF-16").encode("utf-16"), "doctype_forbidden"),
        (replaced(UBL, "Office chairs", "Office &chairs;"), "malformed"),
        (b"<Invoice>" + b"<a>" * 5_000 + b"</a>" * 5_000 + b"</Invoice>", "malformed"),
        (b"<Invoice>" + b"<a/>" * (MOST_TAGS + 1) + b"</Invoice>", "too_large"),
        (replaced(UBL, "Office chairs", "x" * 11_000_000), "malformed"),
        (replaced(UBL, ">2026-0042<", f">{'9' * 201}<"), "too_long"),
        (replaced(UBL, ">2026-0042<", "> <"), "missing_element"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_refused_with_its_reason(content: bytes, code: str) -> None:
    refused = refusal(content)
    assert (refused.code, bool(refused.message)) == (code, True)


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ("NaN", "invalid_amount"), ("INF", "invalid_amount"), ("-Infinity", "invalid_amount"), ("1e2", "invalid_amount"),
        ("121,00", "invalid_amount"), ("1.121,00", "invalid_amount"), ("1 210", "invalid_amount"), ("", "invalid_amount"),
        ("0x79", "invalid_amount"), ("--121", "invalid_amount"), ("121.", "ok"), ("+121.0", "ok"), ("121.000", "ok"),
        ("１２１.00", "invalid_amount"), ("121.001", "too_many_decimals"), ("12345678901234567", "invalid_amount"),
        ("121.00" + "0" * 30, "invalid_amount"), ("EUR 121.00", "invalid_amount"), (".5", "totals_mismatch"),
        ("9999999999999999.99", "totals_mismatch"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("content", [UBL, CII], ids=["ubl", "cii"])
def test_an_amount_is_a_plain_number_or_refused(content: bytes, amount: str, code: str) -> None:
    name = "PayableAmount" if content is UBL else "DuePayableAmount"
    changed = replaced(
        content,
        f">121.00</{'cbc' if content is UBL else 'ram'}:{name}>",
        f">{amount}</{'cbc' if content is UBL else 'ram'}:{name}>",
    )
    if code == "ok":
        assert read_document(changed) == read_document(content)
        return
    refused = refusal(changed)
    assert refused.code == code
    assert refused.named is not None, "whose it is was readable, so that customer can be held"
    assert refused.named.number == "2026-0042"


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-13-01", "02-03-2026", "20260302", "2026-3-2", "0226-03-02", "9999-12-31", "soon"]
)
def test_a_date_is_a_day_or_refused(day: str) -> None:
    assert refusal(replaced(UBL, ">2026-03-02<", f">{day}<")).code == "invalid_date"


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        ("eur", "invalid_currency"),
        ("€", "invalid_currency"),
        ("EURO", "invalid_currency"),
        ("KWD", "unsupported_currency"),
    ],
)
def test_a_currency_is_a_code_with_cents_or_refused(currency: str, code: str) -> None:
    assert refusal(ubl(document(currency=currency))).code == code


@pytest.mark.parametrize("content", [UBL, CII, RESPONSE, PDF], ids=["ubl", "cii", "response", "pdf"])
def test_cut_off_anywhere_it_is_refused(content: bytes) -> None:
    content = content.rstrip()
    for length in range(0, len(content) - 1, max(len(content) // 200, 1)):
        refusal(content[:length])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf_with(), "no_invoice_in_pdf"),
        (pdf_with(("terms.xml", CII)), "no_invoice_in_pdf"),
        (pdf_with(("factur-x.xml", CII), ("xrechnung.xml", CII)), "several_invoices_in_pdf"),
        (pdf_with(("factur-x.xml", CII), ("factur-x.xml", CII)), "several_invoices_in_pdf"),
        (pdf_with(("factur-x.xml", CII), password="secret"), "encrypted_pdf"),
        (pdf_with(("factur-x.xml", CII), password=""), "encrypted_pdf"),
        (pdf_with(("factur-x.xml", b"not xml")), "unknown_format"),
        (pdf_with(("factur-x.xml", b"")), "unknown_format"),
        (pdf_with(("factur-x.xml", PDF)), "unknown_format"),
        (pdf_with(("factur-x.xml", CII[:-20])), "truncated"),
        (PDF.replace(b"%%EOF", b""), "truncated"),
        (b"%PDF-1.7\n" + b"garbage\n" * 100 + b"%%EOF\n", "malformed_pdf"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_pdf_is_refused_with_its_reason(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_pdf_whose_invoice_is_a_bomb_is_refused() -> None:
    writer = PdfWriter()
    writer.add_blank_page(10, 10)
    writer.add_attachment("factur-x.xml", b"x")
    out = BytesIO()
    writer.write(out)
    squeezed = zlib.compress(b"<" + b" " * 200_000_000, 9)
    plain = out.getvalue()
    begin = plain.index(b"stream\n", plain.index(b"/EmbeddedFile")) + len(b"stream\n")
    start, rest = plain[:begin], plain[begin + 1 :]
    for length in (b"/Length 1\n", b"/Length 1 "):
        start = start.replace(length, b"/Length %d /Filter /FlateDecode\n" % len(squeezed))
    assert b"FlateDecode" in start
    assert refusal(start + squeezed + rest).code in {"malformed_pdf", "too_large"}


def test_other_files_in_a_pdf_are_left_alone() -> None:
    """Nothing but the invoice is decoded: an attachment may be anything."""
    assert read_document(pdf_with(("timesheet.xlsx", b"PK" * 1000), ("Factur-X.XML", CII))) == read_document(CII)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([UBL, CII, RESPONSE, PDF]), st.integers(0, 2**32))
def test_a_damaged_document_loads_cleanly_or_is_refused(content: bytes, seed: int) -> None:
    draw = random.Random(seed)
    damaged = bytearray(content)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(damaged))
        end = min(len(damaged), at + draw.randint(1, 80))
        match draw.randrange(4):
            case 0 if len(damaged) > 100:
                del damaged[at:end]
            case 1:
                damaged[at] = draw.randrange(256)
            case 2:
                damaged[at:at] = damaged[draw.randrange(len(damaged)) :][: end - at]
            case _:
                damaged[at:at] = draw.choice(
                    [b"<", b">", b"&", b"NaN", b"-", b",", b"\0", b"]]>", b"<!--", b"<![CDATA["]
                )
    with suppress(UnreadableDocument):
        read_document(bytes(damaged))


def test_one_bad_file_leaves_the_others_alone(mailbox: Mailbox) -> None:
    inbox = mailbox.rooms.root / "inbox" / "invoices"
    (mailbox.rooms.root / "elsewhere.xml").write_bytes(UBL)
    (inbox / "link.xml").symlink_to(mailbox.rooms.root / "elsewhere.xml")
    (inbox / "unfinished.xml.part").write_bytes(UBL)
    landed = mailbox.land("run-1", {"a.xml": b"<Invoice>", "b.xml": UBL, "z.zip": zipped()})
    assert (landed.taken, landed.quarantined) == (1, 3)
    assert mailbox.refusals() == {"a.xml": "truncated", "link.xml": "not_a_file", "z.zip": "unknown_format"}
    assert [path.name for path in inbox.iterdir()] == ["unfinished.xml.part"]
    assert (mailbox.rooms.root / "elsewhere.xml").exists()
    assert mailbox.rows("invoice_number") == [("2026-0042",)]

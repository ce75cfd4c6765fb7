"""How finished messages are built: the same bytes twice, pages that hold together, headers that machines expect."""

import re
from datetime import date
from io import BytesIO
from typing import Any

import pypdf
import pytest

from assets.communications.content_check import read_parts, read_pdf
from assets.communications.render import RenderEnvironment, open_environment, render_message
from tests.communications.golden_cases import TEMPLATES, golden_rows, item, overdue_items, row
from tests.communications.reading import html_part, parse


def _pages(content: bytes) -> list[str]:
    return [page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages]


@pytest.mark.parametrize("name", ["email.nl.reminder_2", "letter.en.formal_notice"])
def test_the_same_row_gives_the_same_bytes(name: str, environment: RenderEnvironment) -> None:
    message = golden_rows()[name]
    first = render_message(message, environment)
    assert render_message(message, environment).content == first.content
    assert render_message(message, open_environment(TEMPLATES)).body_sha256 == first.body_sha256


@pytest.mark.parametrize("count", [60, *range(8, 40)])
def test_a_total_never_begins_a_page_and_every_page_of_the_table_has_its_heading(
    count: int, environment: RenderEnvironment
) -> None:
    message = row("letter", "nl", "reminder_2", overdue_items(count), credit_amount="10.00")
    pages = _pages(render_message(message, environment).content)
    for number, page in enumerate(pages, start=1):
        assert f"Pagina {number} van {len(pages)}" in page
        rows = re.findall(r"^2026-0\d{4} \d\d-", page, re.MULTILINE)
        assert bool(rows) == ("Factuurnummer" in page)
        if "Totaal te betalen" in page:
            assert len(rows) >= 2
            assert "Totaal openstaand" in page


def test_sixty_invoices_are_all_there_on_three_pages_at_most(environment: RenderEnvironment) -> None:
    rendered = render_message(row("letter", "nl", "reminder_2", overdue_items(60)), environment)
    pages = _pages(rendered.content)
    assert len(pages) <= 3
    assert len(set(re.findall(r"^2026-0\d{4}(?= \d\d-)", "\n".join(pages), re.MULTILINE))) == 60


@pytest.mark.parametrize("kind", ["reminder_1", "reminder_2", "formal_notice"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_letter_about_two_invoices_is_one_page(kind: str, language: str, environment: RenderEnvironment) -> None:
    message = row("registered_letter", language, kind, overdue_items(2))
    assert len(_pages(render_message(message, environment).content)) == 1


def test_a_letter_is_archivable_accessible_and_dated_by_the_business_day(environment: RenderEnvironment) -> None:
    reader = pypdf.PdfReader(BytesIO(render_message(golden_rows()["letter.nl.reminder_2"], environment).content))
    metadata = reader.xmp_metadata
    assert metadata is not None
    assert (metadata.pdfaid_part, metadata.pdfaid_conformance) == ("2", "A")
    assert str(reader.root_object["/Lang"]) == "nl"
    assert reader.metadata is not None
    assert "20261120" in str(reader.metadata.get("/CreationDate"))


def test_only_a_registered_letter_says_so(environment: RenderEnvironment) -> None:
    registered = render_message(row("registered_letter", "nl", "formal_notice", overdue_items(1)), environment)
    plain = render_message(row("letter", "nl", "formal_notice", overdue_items(1)), environment)
    assert "Aangetekend" in read_pdf(registered.content)
    assert "Aangetekend" not in read_pdf(plain.content)
    assert registered.recipient.startswith("Bouwbedrijf IJsselmeer & Zonen B.V.; ")


def test_the_country_stands_on_the_envelope_only_across_a_border(environment: RenderEnvironment) -> None:
    domestic = read_pdf(render_message(row("letter", "nl", "reminder_1", overdue_items(1)), environment).content)
    abroad: dict[str, Any] = {"recipient_country": "BE", "recipient_postal_code": "9000", "recipient_city": "Gent"}
    foreign = read_pdf(
        render_message(row("letter", "nl", "reminder_1", overdue_items(1), **abroad), environment).content
    )
    assert "NEDERLAND" not in domestic
    assert "HILVERSUM" in domestic
    assert "Gent\nBELGIË" in foreign


def test_headers_of_an_email(environment: RenderEnvironment) -> None:
    rendered = render_message(golden_rows()["email.nl.pre_due_notice"], environment)
    mail = parse(rendered)
    assert mail["Message-ID"] == "<3f2a91bc07d4e85a6612c0de91@vanhouten-techniek.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Tijdig-Communication"] == rendered.communication_id
    assert mail["Date"].datetime.isoformat() == "2026-11-20T12:00:00+00:00"
    assert [address.addr_spec for address in mail["To"].addresses] == [rendered.recipient]
    assert "1.234" not in str(mail["Subject"])
    rendered.content.decode("ascii")
    assert max(len(line) for line in rendered.content.split(b"\r\n")) <= 998


def test_parts_of_an_email(environment: RenderEnvironment) -> None:
    mail = parse(render_message(golden_rows()["email.nl.pre_due_notice"], environment))
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in html_part(
        render_message(golden_rows()["email.nl.pre_due_notice"], environment)
    )


def test_an_email_loads_nothing_from_elsewhere_and_tracks_nobody(environment: RenderEnvironment) -> None:
    html = html_part(render_message(golden_rows()["email.en.reminder_2"], environment))
    assert "http" not in html
    assert re.findall(r'src="(?!cid:)', html) == []


@pytest.mark.parametrize("name", [name for name in golden_rows() if name.startswith("email")])
def test_both_alternatives_say_the_same_words(name: str, environment: RenderEnvironment) -> None:
    rendered = render_message(golden_rows()[name], environment)
    parts = read_parts(rendered)
    seen = set(parts["HTML"].split())
    assert {word for word in parts["text"].split() if not re.fullmatch(r"-+|–", word)} <= seen


def test_before_the_due_date_no_invoice_is_asked_for_before_its_own(environment: RenderEnvironment) -> None:
    first, second = date(2026, 11, 25), date(2026, 11, 27)
    items = [item("2026-1", first, "10.00"), item("2026-2", second, "20.00")]
    message = row("email", "nl", "pre_due_notice", items, pay_by_on=first)
    text = read_parts(render_message(message, environment))["text"]
    assert "van elke factuur graag uiterlijk op haar vervaldatum" in " ".join(text.split())
    assert "Eerste vervaldatum  25 november 2026" in text
    assert "Uiterlijk op" not in text

"""Names come from outside. None of them may become markup, a header, typst source, or somebody else's message."""

from collections.abc import Iterable
from datetime import date
from email.message import Message
from typing import Any

import pypdfium2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.communications.content_check import read_pdf
from assets.communications.messages import InvalidValue
from assets.communications.render import RenderEnvironment, render_message, render_messages
from tests.communications.golden_cases import item, overdue_items, row
from tests.communications.reading import html_part, parse, text_part

SCRIPT = "<script>alert('x')</script> & Zn. B.V."
LONG = "Koninklijke Vereniging van Groothandelaren in Installatiematerialen en Aanverwante Artikelen Coöperatieve U.A."


def _headers(mail: Message) -> set[str]:
    return {name.lower() for name in mail}


def test_markup_in_names_and_numbers_is_shown_not_run(environment: RenderEnvironment) -> None:
    items = [item("<b>1</b>", date(2026, 11, 1), "10.00", order='"><img src=x onerror=alert(1)>')]
    rendered = render_message(
        row("email", "nl", "reminder_1", items, sender_name=SCRIPT, owner=SCRIPT, customer_id="<i>7</i>"), environment
    )
    html = html_part(rendered)
    assert "<script" not in html
    assert "<b>" not in html
    assert "<i>" not in html
    assert html.count("<img") == 1
    assert "&lt;script&gt;" in html
    assert SCRIPT in text_part(rendered)


@pytest.mark.parametrize("column", ["sender_name", "recipient_name", "customer_id", "owner", "payment_text"])
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x00\n"])
def test_no_value_can_add_a_header(column: str, ending: str, environment: RenderEnvironment) -> None:
    honest = parse(render_message(row("email", "nl", "reminder_1", overdue_items(1)), environment))
    hostile = f"Jansen{ending}Bcc: thief@example.com{ending}{ending}<p>body</p>"
    mail = parse(render_message(row("email", "nl", "reminder_1", overdue_items(1), **{column: hostile}), environment))
    assert _headers(mail) == _headers(honest)
    assert mail.get_all("To") is not None
    assert len(mail.get_all("To") or []) == 1
    assert "thief@example.com" not in [address.addr_spec for address in mail["To"].addresses]


@pytest.mark.parametrize("address", ["a@example.com\r\nBcc: b@example.com", "a@example.com\nX: y", "a@exam ple.com"])
def test_an_address_with_a_line_break_is_no_address(address: str, environment: RenderEnvironment) -> None:
    with pytest.raises(InvalidValue, match="recipient_email"):
        render_message(row("email", "nl", "reminder_1", overdue_items(1), recipient_email=address), environment)


def test_typst_source_in_a_name_stays_text(environment: RenderEnvironment) -> None:
    hostile = '#read("/etc/hosts") *bold* $x$ #panic() \\ @ref <label> "'
    rendered = render_message(
        row("letter", "nl", "reminder_1", overdue_items(1), recipient_name=hostile, sender_name=hostile), environment
    )
    text = " ".join(read_pdf(rendered.content).split())
    assert "#panic()" in text
    assert "*bold*" in text


def test_direction_marks_cannot_turn_a_name_round(environment: RenderEnvironment) -> None:
    rendered = render_message(
        row("email", "nl", "reminder_1", overdue_items(1), sender_name="Van \u202eGnireklav\u202c B.V."), environment
    )
    assert "\u202e" not in text_part(rendered)
    assert "\u202e" not in str(parse(rendered)["From"])


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize(
    "name", ["Ĳsbrand Müßig & Çelik", "Łódź Świętokrzyskie", "Ørsted Æble ÅS", "Αθήνα ΑΕ", "Ѓорѓи"]
)
def test_names_of_europe_are_printed_whole(channel: str, name: str, environment: RenderEnvironment) -> None:
    rendered = render_message(row(channel, "nl", "reminder_1", overdue_items(1), sender_name=name), environment)
    text = read_pdf(rendered.content) if rendered.extension == "pdf" else text_part(rendered)
    assert name in text


def test_a_letter_with_a_character_no_font_has_is_refused_not_left_blank(environment: RenderEnvironment) -> None:
    with pytest.raises(InvalidValue, match="cannot draw"):
        render_message(row("letter", "nl", "reminder_1", overdue_items(1), recipient_name="漢字 B.V."), environment)


def test_very_long_names_and_numbers_stay_on_the_page(environment: RenderEnvironment) -> None:
    items = [
        item(f"VERKOOPFACTUUR2026/11/{'0' * 30}{place}", date(2026, 11, 1), "123456789.12", order="X" * 60)
        for place in range(3)
    ]
    rendered = render_message(
        row("letter", "nl", "reminder_2", items, sender_name=LONG, recipient_name=LONG, recipient_city="Y" * 90,
            customer_id="K" * 60, owner=LONG), environment
    )  # fmt: skip
    for left, top, right, bottom in _characters(rendered.content):
        assert left >= 25 - 0.5
        assert right <= 190 + 0.5
        assert bottom <= 292
        # Between the window of the envelope and the subject lies nothing.
        assert not 84.5 < (top + bottom) / 2 < 86.5


@pytest.mark.parametrize("column", ["recipient_name", "recipient_street", "sender_name", "customer_id"])
def test_what_fits_in_no_size_refuses_the_letter_rather_than_losing_its_end(
    column: str, environment: RenderEnvironment
) -> None:
    endless = " ".join([LONG] * 12)
    with pytest.raises(InvalidValue, match="does not fit in its place"):
        render_message(row("letter", "nl", "reminder_1", overdue_items(1), **{column: endless}), environment)


def _characters(content: bytes) -> Iterable[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every character of the first page, in millimetres from the top left corner."""
    page = pypdfium2.PdfDocument(content)[0]
    text = page.get_textpage()
    for place in range(text.count_chars()):
        if text.get_text_range(place, 1).strip():
            left, low, right, high = text.get_charbox(place)
            yield tuple(
                points / 72 * 25.4 for points in (left, page.get_height() - high, right, page.get_height() - low)
            )


_PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Co", "Cn"]), min_size=1, max_size=40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=_PRINTABLE, number=_PRINTABLE, owner=_PRINTABLE)
def test_any_text_gives_a_sound_email_or_a_clear_refusal(
    name: str, number: str, owner: str, environment: RenderEnvironment
) -> None:
    columns: dict[str, Any] = {"recipient_name": name, "sender_name": name, "owner": owner}
    hostile = row("email", "nl", "reminder_1", [item(number, date(2026, 11, 1), "10.00")], **columns)
    rendered, refused = render_messages([hostile], environment)
    assert len(rendered) + len(refused) == 1
    assert all("What to do" in problem.reason for problem in refused)
    if not rendered:
        return
    mail = parse(rendered[0])
    assert [address.addr_spec for address in mail["To"].addresses] == [hostile["recipient_email"]]
    assert not [defect for part in mail.walk() for defect in part.defects]

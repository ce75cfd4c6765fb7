"""The last reading of the finished bytes refuses what must not leave, whatever the renderer believed."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from assets.communications.content_check import NumbersOfOthers, check_content
from assets.communications.messages import ForeignInvoice, MandatoryContentMissing, RenderedMessage
from assets.communications.render import RenderEnvironment, open_environment, render_message, render_messages
from tests.communications.golden_cases import TEMPLATES, item, overdue_items, row


def _claiming(rendered: RenderedMessage, other: dict[str, Any]) -> RenderedMessage:
    """The bytes of one message under the row of another: what a mix-up would look like."""
    return replace(rendered, row=other)


@pytest.mark.parametrize("channel", ["email", "letter", "registered_letter"])
@pytest.mark.parametrize(
    ("columns", "lack"),
    [
        ({"credit_amount": "1.00"}, "the total to pay"),
        ({"pay_by_on": date(2026, 12, 5)}, "the day to pay by"),
        ({"sender_iban": "NL20INGB0001234567"}, "the IBAN"),
        ({"customer_id": "99999"}, "the customer number"),
        ({"customer_id": "1048"}, "the customer number"),
        ({"sender_name": "Another Company"}, "the name of the creditor"),
        ({"sender_email": "other@example.com"}, "a way to reach the creditor"),
    ],
)
def test_each_mandatory_thing_is_looked_for(
    channel: str, columns: dict[str, Any], lack: str, environment: RenderEnvironment
) -> None:
    rendered = render_message(row(channel, "nl", "reminder_1", overdue_items(2)), environment)
    with pytest.raises(MandatoryContentMissing) as refusal:
        check_content(_claiming(rendered, row(channel, "nl", "reminder_1", overdue_items(2), **columns)))
    assert {each.split(" in the ")[0] for each in refusal.value.missing} == {lack}


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize(
    ("change", "lack"),
    [
        ({"invoice_number": "2026-01099"}, "invoice number 2026-01099"),
        ({"invoice_number": "2026-0104"}, "invoice number 2026-0104"),
        ({"due_on": "2026-11-03"}, "the due date beside invoice"),
        ({"total_amount": "854.61", "open_amount": "604.61"}, "the open amount beside invoice"),
    ],
)
def test_each_item_is_looked_for_with_its_own_date_and_amount(
    channel: str, change: dict[str, Any], lack: str, environment: RenderEnvironment
) -> None:
    items = overdue_items(3)
    rendered = render_message(row(channel, "nl", "reminder_1", items), environment)
    changed = [items[0], items[1] | change, items[2]]
    with pytest.raises(MandatoryContentMissing) as refusal:
        check_content(_claiming(rendered, row(channel, "nl", "reminder_1", changed)))
    assert any(lack in each for each in refusal.value.missing)


def test_a_due_date_beside_another_invoice_does_not_count(environment: RenderEnvironment) -> None:
    one, two = overdue_items(2)
    rendered = render_message(row("letter", "nl", "reminder_1", [one, two]), environment)
    swapped = [one | {"due_on": two["due_on"]}, two | {"due_on": one["due_on"]}]
    with pytest.raises(MandatoryContentMissing, match="due date beside invoice 2026-01042"):
        check_content(_claiming(rendered, row("letter", "nl", "reminder_1", swapped)))


@pytest.mark.parametrize(
    ("name", "old", "new", "lacks"),
    [
        ("shared/email.html.j2", "{{ item.due_on }}", "soon", "due date beside invoice 2026-01041 in the HTML"),
        (
            "shared/email.txt.j2",
            "{% for row in lines_in_columns %}",
            "{% for row in [] %}",
            "due date beside invoice 2026-01041 in the text",
        ),
        (
            "shared/letter.typ",
            "line.invoice_number",
            '"see enclosed"',
            "due date beside invoice 2026-01041 in the letter",
        ),
        (
            "shared/email.html.j2",
            '<table class="items">',
            '<table class="items"><!--',
            "invoice number 2026-01041 in the HTML",
        ),
    ],
)
def test_a_layout_that_lost_something_refuses_its_messages_only(
    name: str, old: str, new: str, lacks: str, tmp_path: Path
) -> None:
    root = _edited(tmp_path, name, lambda source: source.replace(old, new))
    environment = open_environment(root)
    channel = "letter" if name.endswith(".typ") else "email"
    message = row(channel, "nl", "reminder_2", overdue_items(2))
    message["template_hash"] = environment.library.hashes[message["template_id"]]
    rendered, refused = render_messages([message], environment)
    assert rendered == []
    assert refused[0].code == "mandatory_content_missing"
    assert lacks in refused[0].reason


@pytest.mark.parametrize("channel", ["email", "letter"])
def test_an_invoice_of_another_customer_is_refused(channel: str, environment: RenderEnvironment) -> None:
    message = row(channel, "nl", "reminder_1", overdue_items(3))
    owners = {("VHT", "2026-01041"): "10482", ("VHT", "2026-01042"): "20000", ("VHT", "2026-01043"): "10482"}
    with pytest.raises(ForeignInvoice, match="2026-01042, which belongs to another customer"):
        render_message(message, environment, owners)
    other_company = {("OTHER", number): "20000" for _, number in owners}
    assert render_message(message, environment, other_company).recipient


def test_even_a_number_too_short_to_look_for_is_refused_among_the_items(environment: RenderEnvironment) -> None:
    message = row("letter", "nl", "reminder_1", [item("17", date(2026, 10, 17), "7.70")])
    with pytest.raises(ForeignInvoice, match="invoice 17"):
        render_message(message, environment, {("VHT", "17"): "20000"})


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize("number", ["2026-09999", "INV 2026 17", "F/2026/8"])
def test_a_foreign_number_anywhere_in_the_text_is_refused(
    channel: str, number: str, environment: RenderEnvironment
) -> None:
    message = row(channel, "nl", "reminder_1", overdue_items(1), payment_text=f"Klantnummer 10482 factuur {number}.")
    rendered = render_message(message, environment)
    with pytest.raises(ForeignInvoice, match=number):
        check_content(rendered, NumbersOfOthers({("VHT", number): "20000"}, "VHT", "10482"))


def test_a_foreign_number_that_is_also_ours_to_print_is_no_leak(environment: RenderEnvironment) -> None:
    rendered = render_message(row("letter", "nl", "reminder_1", overdue_items(1)), environment)
    check_content(rendered, {"2026", "5611", "10482", "1", "17012345", "PO-88120"})


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize("number", ["0417", "1643", "ABNA 0417", "5390", "0754 7034"])
def test_a_number_that_stands_in_our_account_or_in_the_reference_is_no_leak(
    channel: str, number: str, environment: RenderEnvironment
) -> None:
    items = overdue_items(1)
    message = row(channel, "nl", "reminder_1", items, payment_reference="RF18539007547034")
    assert render_message(message, environment, {("VHT", number): "20000"}).recipient


def test_short_invoice_numbers_are_found_in_their_own_row_not_inside_another_number(
    environment: RenderEnvironment,
) -> None:
    items = [item("7", date(2026, 10, 7), "77.00"), item("17", date(2026, 10, 17), "7.70")]
    rendered = render_message(row("letter", "nl", "reminder_1", items), environment)
    assert hashlib.sha256(rendered.content).hexdigest() == rendered.body_sha256
    with pytest.raises(MandatoryContentMissing, match="invoice 1"):
        check_content(
            _claiming(rendered, row("letter", "nl", "reminder_1", [items[0] | {"invoice_number": "1"}, items[1]]))
        )


def _edited(target: Path, name: str, edit: Callable[[str], str]) -> Path:
    root = target / "templates"
    shutil.copytree(TEMPLATES, root)
    source = (root / name).read_text(encoding="utf-8")
    edited = edit(source)
    assert edited != source
    (root / name).write_text(edited, encoding="utf-8")
    return root

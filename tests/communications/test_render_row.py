"""The row is read strictly: what is missing, null or untrue refuses that one message, by name, and the others go on."""

import json
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from assets.communications.content_check import read_parts
from assets.communications.messages import (
    InvalidValue,
    MissingVariable,
    RenderedMessage,
    TemplateChanged,
    UnknownTemplate,
)
from assets.communications.render import RenderEnvironment, render_message, render_messages
from tests.communications.golden_cases import item, overdue_items, row

PRINTED = {
    "communication_id", "as_of_date", "company_id", "customer_id", "channel", "class", "language", "message_kind", "template_id",
    "template_hash", "currency", "items_amount", "credit_amount", "total_amount", "pay_by_on", "oldest_due_on", "recipient_name",
    "recipient_department", "recipient_email", "recipient_street", "recipient_postal_code", "recipient_city", "recipient_country",
    "recipient_vat_number", "sender_name", "sender_street", "sender_postal_code", "sender_city", "sender_country", "sender_email",
    "sender_phone", "sender_vat_number", "sender_registration_number", "sender_iban", "sender_bic", "payment_reference", "payment_text",
    "next_message_kind", "next_step_on", "owner", "items",
}  # fmt: skip
MAY_BE_NULL = {
    "recipient_department", "recipient_vat_number", "sender_phone", "sender_vat_number", "sender_registration_number", "sender_bic",
    "payment_reference", "next_message_kind", "next_step_on", "owner",
}  # fmt: skip
NOT_ON_AN_ENVELOPE = {"recipient_email", "sender_email"}
NOT_IN_AN_EMAIL = {
    "sender_street",
    "sender_postal_code",
    "sender_city",
    "sender_country",
    "recipient_street", "recipient_postal_code", "recipient_city", "recipient_country",
}  # fmt: skip
ITEM_PRINTED = {
    "invoice_number", "issued_on", "due_on", "total_amount", "paid_amount", "open_amount", "order_number", "project_number",
}  # fmt: skip


def _reminder(of_channel: str = "email", **columns: Any) -> dict[str, Any]:
    """A complete row with some of its columns overwritten, the ones that name its template among them."""
    credit = {"credit_amount": columns.pop("credit_amount")} if "credit_amount" in columns else {}
    return row(of_channel, "nl", "reminder_1", overdue_items(2), **credit) | columns


def _text(rendered: RenderedMessage) -> str:
    return " ".join(" ".join(read_parts(rendered).values()).split())


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize("column", sorted(PRINTED))
def test_a_missing_column_refuses_the_message_by_name(
    channel: str, column: str, environment: RenderEnvironment
) -> None:
    incomplete = _reminder(channel)
    del incomplete[column]
    with pytest.raises(MissingVariable, match=rf"\b{column}\b.*is not in the message row"):
        render_message(incomplete, environment)


@pytest.mark.parametrize("channel", ["email", "letter"])
@pytest.mark.parametrize("column", sorted(PRINTED - MAY_BE_NULL))
def test_a_null_is_refused_where_something_must_be_printed(
    channel: str, column: str, environment: RenderEnvironment
) -> None:
    optional = NOT_ON_AN_ENVELOPE if channel == "letter" else NOT_IN_AN_EMAIL
    incomplete = _reminder(channel, payment_reference="RF18539007547034")
    incomplete[column] = None
    if column in optional or column == "payment_text":
        assert "None" not in _text(render_message(incomplete, environment))
    else:
        with pytest.raises(MissingVariable, match=rf"{column}, which is empty"):
            render_message(incomplete, environment)


@pytest.mark.parametrize("column", sorted(MAY_BE_NULL))
@pytest.mark.parametrize("language", ["nl", "en"])
def test_a_message_without_an_optional_column_still_reads_well(
    column: str, language: str, environment: RenderEnvironment
) -> None:
    sparse = row("email", language, "reminder_2", overdue_items(2), **{column: None})
    text = _text(render_message(sparse, environment))
    assert "None" not in text
    assert not re.search(r" [.,?]|\b(\w+) \1\b", text.split(" -- ")[0].partition("Geachte")[2])


@pytest.mark.parametrize("column", sorted(ITEM_PRINTED))
def test_a_missing_column_of_an_item_names_the_item(column: str, environment: RenderEnvironment) -> None:
    items = overdue_items(2)
    incomplete = _reminder()
    del items[1][column]
    incomplete["items"] = json.dumps(items)
    with pytest.raises(MissingVariable, match=rf"items\[1\]\.{column}"):
        render_message(incomplete, environment)


@pytest.mark.parametrize(
    ("columns", "column"),
    [
        ({"items_amount": Decimal("1.00")}, "items_amount"),
        ({"total_amount": Decimal("1.00")}, "total_amount"),
        ({"total_amount": 1338.11}, "total_amount"),
        ({"total_amount": "NaN"}, "total_amount"),
        ({"total_amount": Decimal("1338.115")}, "total_amount"),
        ({"credit_amount": "-5.00"}, "total_amount"),
        ({"credit_amount": "1338.11"}, "total_amount"),
        ({"pay_by_on": date(2026, 11, 19)}, "pay_by_on"),
        ({"pay_by_on": "soon"}, "pay_by_on"),
        ({"oldest_due_on": date(2026, 1, 1)}, "oldest_due_on"),
        ({"sender_iban": "NL91ABNA0417164301"}, "sender_iban"),
        ({"language": "fr"}, "language"),
        ({"channel": "letter"}, "channel"),
        ({"message_kind": "reminder_2"}, "message_kind"),
        ({"currency": "euro"}, "currency"),
        ({"communication_id": "a\r\nb"}, "communication_id"),
        ({"items": "[]"}, "items"),
        ({"items": "{"}, "items"),
        ({"recipient_email": "a@example.com, b@example.com"}, "recipient_email"),
        ({"recipient_email": "Klant <a@example.com>"}, "recipient_email"),
        ({"recipient_email": "no address"}, "recipient_email"),
    ],
)
def test_an_untrue_or_malformed_value_is_refused(
    columns: dict[str, Any], column: str, environment: RenderEnvironment
) -> None:
    with pytest.raises(InvalidValue, match=rf"Column {column} holds"):
        render_message(_reminder(**columns), environment)


def test_a_reminder_names_no_invoice_that_is_not_yet_overdue(environment: RenderEnvironment) -> None:
    due_today = [*overdue_items(1), item("2026-02000", date(2026, 11, 20), "10.00")]
    with pytest.raises(InvalidValue, match="not yet overdue"):
        render_message(row("email", "nl", "reminder_1", due_today), environment)


def test_a_pre_due_notice_may_name_an_invoice_due_today_but_none_overdue(environment: RenderEnvironment) -> None:
    today = [item("2026-02000", date(2026, 11, 20), "10.00")]
    assert render_message(row("email", "nl", "pre_due_notice", today), environment).extension == "eml"
    with pytest.raises(InvalidValue, match="past its due date"):
        render_message(row("email", "nl", "pre_due_notice", overdue_items(1)), environment)


@pytest.mark.parametrize(
    ("template_id", "why"),
    [
        ("email/fr/reminder_1", "in language 'fr'"),
        ("sms/nl/reminder_1", "channel 'sms'"),
        ("email/nl/account_statement", "no file email/nl/account_statement.j2"),
        ("email/nl/../../secret", "must read"),
    ],
)
def test_an_unknown_template_says_which_part_is_unknown(
    template_id: str, why: str, environment: RenderEnvironment
) -> None:
    parts = template_id.split("/")
    unknown = _reminder(template_id=template_id, channel=parts[0], language=parts[1], message_kind=parts[2])
    with pytest.raises(UnknownTemplate, match=why):
        render_message(unknown, environment)


def test_a_message_planned_with_other_wording_is_refused(environment: RenderEnvironment) -> None:
    with pytest.raises(TemplateChanged, match="has changed since this message was planned"):
        render_message(_reminder(template_hash="0" * 64), environment)


def test_one_refused_message_does_not_stop_the_others(environment: RenderEnvironment) -> None:
    good, broken = _reminder(), _reminder(recipient_name=None, communication_id="b" * 26)
    rendered, refused = render_messages([good, broken, good], environment)
    assert [message.communication_id for message in rendered] == [good["communication_id"]] * 2
    assert [(problem.communication_id, problem.code) for problem in refused] == [("b" * 26, "missing_variable")]
    assert "recipient_name" in refused[0].reason
    assert refused[0].template_id == "email/nl/reminder_1"

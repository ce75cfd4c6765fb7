"""Interest and costs in a message: the total claims them, the calculation is printed, and nothing that does not add up leaves."""

import json
from decimal import Decimal

import pytest

from assets.communications.content_check import check_content, read_parts
from assets.communications.facts import read_message
from assets.communications.messages import InvalidValue, MandatoryContentMissing, RenderedMessage
from assets.communications.printed import print_message
from assets.communications.render import RenderEnvironment, render_message
from tests.communications.golden_cases import charged, overdue_items, row


def _text(rendered: RenderedMessage) -> str:
    return " ".join(" ".join(read_parts(rendered).values()).split())


@pytest.mark.parametrize("channel", ["email", "registered_letter"])
def test_the_total_is_items_and_interest_and_costs(channel: str, environment: RenderEnvironment) -> None:
    text = _text(render_message(charged(channel, "en"), environment))
    for amount in ("11,000.00", "496.57", "885.00", "12,381.57", "83.42", "407.45", "5.70", "10.15", "10.40"):
        assert amount in text


@pytest.mark.parametrize("total", ["12381.56", "12381.58", "11000.00"])
def test_a_total_that_is_not_the_sum_is_refused(total: str, environment: RenderEnvironment) -> None:
    with pytest.raises(InvalidValue, match="total_amount"):
        render_message(charged("email", "nl", total_amount=Decimal(total)), environment)


def test_a_negative_charge_is_refused(environment: RenderEnvironment) -> None:
    with pytest.raises(InvalidValue, match="interest_amount"):
        render_message(
            charged("email", "nl", interest_amount=Decimal("-1.00"), total_amount=Decimal("11884.00")), environment
        )


def test_a_stretch_of_days_that_does_not_count_up_is_refused(environment: RenderEnvironment) -> None:
    segments = json.loads(charged("email", "nl")["calculation"])
    segments[0]["days"] = 29
    with pytest.raises(InvalidValue, match="days"):
        render_message(charged("email", "nl", calculation=json.dumps(segments)), environment)


@pytest.mark.parametrize(("language", "words"), [("nl", "Voorlopig"), ("en", "Provisional")])
def test_a_provisional_rate_says_so(language: str, words: str, environment: RenderEnvironment) -> None:
    assert words in _text(render_message(charged("registered_letter", language), environment))
    segments = json.loads(charged("email", language)["calculation"])
    known = json.dumps([{**segment, "is_provisional": False} for segment in segments])
    assert words not in _text(render_message(charged("registered_letter", language, calculation=known), environment))


def test_what_was_paid_of_the_interest_is_a_row_of_its_own(environment: RenderEnvironment) -> None:
    less = charged("email", "en", interest_amount=Decimal("400.00"), total_amount=Decimal("12285.00"))
    labels = environment.library.labels["en"]
    rows = print_message(read_message(less), labels).calculation
    assert rows[-1]["invoice_number"] == "Paid or claimed before"
    assert rows[-1]["interest_amount"] == "\u221296.57"
    assert "Paid or claimed before" in _text(render_message(less, environment))


def test_a_message_without_charges_prints_no_calculation(environment: RenderEnvironment) -> None:
    text = _text(render_message(row("registered_letter", "en", "formal_notice", overdue_items(2)), environment))
    assert "Calculation of the interest" not in text
    assert "not included in the amount stated" in text


def test_a_layout_that_leaves_the_calculation_out_is_found_out(environment: RenderEnvironment) -> None:
    rendered = render_message(charged("email", "en"), environment)
    segments = json.loads(charged("email", "en")["calculation"])
    segments[1]["interest_amount"] = "407.46"
    other = {**rendered.row, "calculation": json.dumps(segments)}
    with pytest.raises(MandatoryContentMissing, match="calculation of the interest from 2026-07-01"):
        check_content(
            RenderedMessage(
                rendered.communication_id, other, rendered.content, "eml", rendered.body_sha256, rendered.recipient
            )
        )

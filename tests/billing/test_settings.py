"""The billing part of the settings, from the text a person writes to what the landing is given."""

from __future__ import annotations

import tomllib

import pytest

from assets.billing.marks import Overlap
from assets.billing.source import BillingSource
from assets.landing.brakes import Brakes
from assets.problem import UsageProblem
from orchestration.billing import billing_source_of
from orchestration.settings import settings_from


def source(text: str, **environment: str) -> BillingSource:
    return billing_source_of(settings_from(tomllib.loads(text), environment, "tijdig.toml"))


def test_without_a_word_it_is_a_delta_of_files_with_every_brake_on() -> None:
    assert source("") == BillingSource(brakes=Brakes(20, 10, 50), overlap=Overlap(60, 10_000))
    assert not source("").is_full


def test_every_setting_reaches_the_landing() -> None:
    given = source(
        """
        [billing]
        url = "sqlite:///erp.db"
        mode = "full"
        max_shrink_percent = 1
        max_growth_factor = 2
        max_sum_change_percent = 3
        accepted_extracts = ["invoices  2026-11-22"]
        watermark_overlap_minutes = 4
        watermark_overlap_numbers = 5
        [billing.watermarks]
        invoices = "changed_at"
        [billing.queries]
        invoices = "facturen"
        """
    )
    assert given == BillingSource(
        "sqlite:///erp.db",
        {"invoices": "facturen"},
        is_full=True,
        brakes=Brakes(1, 2, 3),
        watermarks={"invoices": "changed_at"},
        overlap=Overlap(4, 5),
        accepted=frozenset({"invoices 2026-11-22"}),
    )


def test_a_full_extract_once_takes_one_variable() -> None:
    assert source('[billing]\nmode = "delta"\n', TIJDIG_BILLING_MODE="full").is_full
    assert source("", TIJDIG_BILLING_ACCEPTED_EXTRACTS="invoices 2026-11-22").accepted == {"invoices 2026-11-22"}


@pytest.mark.parametrize(
    "line",
    [
        "max_growth_factor = 1",
        "max_sum_change_percent = 0",
        "watermark_overlap_minutes = -1",
        "watermark_overlap_numbers = -1",
        "accepted_extracts = [17]",
        'watermarks = "changed_at"',
    ],
)
def test_what_would_take_a_brake_off_by_mistake_is_refused(line: str) -> None:
    with pytest.raises(UsageProblem):
        source(f"[billing]\n{line}\n")

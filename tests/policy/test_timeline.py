"""A scenario drawn: the days of its steps, as the engine takes them when nothing comes between."""

from datetime import date

import pytest

from assets.policy.seeds import read_policy
from assets.policy.timeline import timeline
from assets.problem import UsageProblem
from assets.warehouse.versions import PROJECT
from orchestration.policy import scenario_text
from tests.policy.conftest import TODAY, Seeds


def test_the_standard_scenario_is_drawn_from_the_invoice_to_the_formal_notice(seeds: Seeds) -> None:
    policy = read_policy(seeds.folder, PROJECT / "models")
    drawn = timeline(policy, "standard", TODAY, date(2026, 11, 30))
    assert [((moment.on - drawn.due_on).days, moment.stage_no, moment.kind) for moment in drawn.moments][:6] == [
        (-30, None, "invoice"),
        (-5, 0, "pre_due_notice"),
        (0, None, "due"),
        (4, None, "grace"),
        (5, 1, "reminder_1"),  # the day after grace ends
        (15, 2, "reminder_2"),
    ]
    assert drawn.followed_by == ("country NL",)


def test_who_fits_no_other_choice_follows_the_last(seeds: Seeds) -> None:
    policy = read_policy(seeds.folder, PROJECT / "models")
    last = max(policy["scenario_choices"].rows, key=lambda row: row.number("rank") or 0)
    drawn = timeline(policy, last["scenario_id"], TODAY, TODAY)
    assert drawn.followed_by[-1] == "everybody whom no choice before this fits"


def test_bank_days_step_over_weekends_and_holidays(seeds: Seeds) -> None:
    """Two bank days after Thursday 24 December 2026 are Tuesday 29: Friday is Christmas, then a weekend."""
    seeds.step("standard", 2, base="previous_step", day_kind="bank", offset_days="2")
    policy = read_policy(seeds.folder, PROJECT / "models")
    drawn = timeline(policy, "standard", TODAY, date(2026, 12, 19))
    days = {moment.stage_no: moment.on for moment in drawn.moments}
    assert days[1] == date(2026, 12, 24)
    assert days[2] == date(2026, 12, 29)


def test_key_accounts_have_no_steps_and_the_drawing_says_so(seeds: Seeds) -> None:
    policy = read_policy(seeds.folder, PROJECT / "models")
    text = scenario_text(timeline(policy, "key_account", TODAY, TODAY))
    assert "no steps: nothing is sent, people work from their tasks" in text


def test_an_unknown_scenario_names_those_there_are(seeds: Seeds) -> None:
    policy = read_policy(seeds.folder, PROJECT / "models")
    with pytest.raises(UsageProblem) as refused:
        timeline(policy, "standrad", TODAY, TODAY)
    assert "standard" in refused.value.what_to_do

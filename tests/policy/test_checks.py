"""What `tijdig policy check` finds: each fault alone, in a copy of the real policy, and nothing in the policy itself."""

from datetime import date

import pytest

from assets.policy.checks import check_policy
from assets.policy.seeds import read_policy
from assets.problem import UsageProblem
from assets.warehouse.versions import PROJECT
from tests.policy.conftest import Rows, Seeds, wording


def test_the_policy_of_the_project_has_no_errors(seeds: Seeds) -> None:
    assert [finding.what for finding in seeds.findings()] == []


def test_a_gap_between_two_periods_is_an_error(seeds: Seeds) -> None:
    def split(rows: Rows) -> Rows:
        return [rows[0] | {"valid_to": "2026-06-30"}, rows[0] | {"valid_from": "2026-07-02"}]

    seeds.change("dunning_policy", split)
    assert seeds.only_finding() == (
        "dunning_policy.csv, line 3: no row says anything of the one row from 2026-07-01 to 2026-07-01"
    )


def test_two_periods_that_meet_have_no_gap(seeds: Seeds) -> None:
    def split(rows: Rows) -> Rows:
        return [rows[0] | {"valid_to": "2026-06-30"}, rows[0] | {"valid_from": "2026-07-01"}]

    seeds.change("dunning_policy", split)
    assert seeds.findings() == []


def test_two_periods_that_share_a_day_are_an_error(seeds: Seeds) -> None:
    def split(rows: Rows) -> Rows:
        return [rows[0] | {"valid_to": "2026-07-01"}, rows[0] | {"valid_from": "2026-07-01"}]

    seeds.change("dunning_policy", split)
    assert "counts twice from 2026-07-01" in seeds.only_finding()


def test_a_period_that_ends_before_it_begins_is_an_error(seeds: Seeds) -> None:
    def backwards(rows: Rows) -> Rows:
        return [rows[0] | {"valid_to": "2025-12-31"}, rows[0] | {"valid_from": "2026-01-01", "valid_to": "2025-12-31"}]

    seeds.change("dunning_policy", backwards)
    assert "before it begins" in " ".join(finding.what for finding in seeds.findings())


def test_a_policy_that_ends_without_a_successor_is_a_warning(seeds: Seeds) -> None:
    seeds.set("message_minimums", {"class": "formal", "currency": "EUR"}, {"valid_to": "2027-12-31"})
    assert "formal EUR ends on 2027-12-31 and nothing follows it" in " ".join(
        finding.what for finding in seeds.findings("warning")
    )


def test_a_hole_between_stages_leaves_the_rest_unreached(seeds: Seeds) -> None:
    seeds.change(
        "scenario_steps",
        lambda rows: [row for row in rows if (row["scenario_id"], row["stage_no"]) != ("standard", "2")],
    )
    assert "standard has no stage 2: stage 3 and what follows is never reached" in seeds.only_finding()


def test_a_task_without_an_end_stops_the_track(seeds: Seeds) -> None:
    seeds.step("standard", 3, expires_after_days="")
    assert "standard waits at stage 3 for ever when nobody does the task" in seeds.only_finding()


def test_days_after_the_due_date_are_not_written_with_a_minus(seeds: Seeds) -> None:
    seeds.step("standard", 1, offset_days="-60")
    assert "stage 1 would come 60 days before the due date" in seeds.only_finding()


def test_a_notice_before_the_due_date_comes_before_it(seeds: Seeds) -> None:
    seeds.step("standard", 0, offset_days="0")
    assert "stage 0 is before the due date, and this comes on or after it" in seeds.only_finding()
    seeds.step("standard", 0, offset_days="-1")
    assert seeds.findings() == []


def test_a_message_kind_without_a_template_is_an_error_in_every_language(seeds: Seeds) -> None:
    seeds.step("standard", 2, message_kind="reminder_9", channels="email")
    assert [finding.what for finding in seeds.findings()] == [
        "there is no template email/en/reminder_9",
        "there is no template email/nl/reminder_9",
    ]


def test_an_unknown_channel_is_an_error(seeds: Seeds) -> None:
    seeds.step("standard", 2, channels="email;pigeon")
    assert "there is no channel 'pigeon'" in seeds.only_finding()


def test_a_formal_step_without_release_is_an_error(seeds: Seeds) -> None:
    seeds.step("standard", 4, requires_release="false")
    assert "would leave without a person having released it" in seeds.only_finding()


def test_a_task_of_a_kind_nobody_does_is_an_error(seeds: Seeds) -> None:
    seeds.step("standard", 3, task_kind="ring")
    assert "task_kind is 'ring', which task_kinds.csv does not have" in seeds.findings()[0].what


def test_a_choice_behind_a_wider_one_is_never_made(seeds: Seeds) -> None:
    def behind(rows: Rows) -> Rows:
        return [*rows, rows[-1] | {"rank": "9999", "country": "NL", "segment": "standard"}]

    seeds.change("scenario_choices", behind)
    assert "is never made: line" in seeds.only_finding()


def test_without_a_choice_for_everybody_somebody_follows_nothing(seeds: Seeds) -> None:
    conditions = (
        "segment",
        "payer_profile",
        "risk_class",
        "country",
        "is_natural_person",
        "currency",
        "minimum_amount",
    )
    seeds.change("scenario_choices", lambda rows: [row for row in rows if any(row[name] for name in conditions)])
    assert "no choice is left for who fits none of them" in " ".join(finding.what for finding in seeds.findings())


def test_an_amount_without_a_currency_is_an_error(seeds: Seeds) -> None:
    def amount(rows: Rows) -> Rows:
        return [rows[0] | {"rank": "1", "segment": "standard", "minimum_amount": "5000.00", "currency": ""}, *rows]

    seeds.change("scenario_choices", amount)
    assert "minimum_amount has no currency" in " ".join(finding.what for finding in seeds.findings())


def test_interest_is_not_claimed_before_the_due_date(seeds: Seeds) -> None:
    seeds.step("standard", 0, claims_interest="true")
    assert "while nothing may be due yet" in seeds.only_finding()


def test_a_consumer_has_fourteen_days_before_costs_are_claimed(seeds: Seeds) -> None:
    """BW 6:96(6): fourteen days after a first letter. Thirteen are one too few."""

    def for_persons(rows: Rows) -> Rows:
        person = dict.fromkeys(rows[0], "") | {
            "policy_id": "test", "rank": "0", "scenario_id": "persons", "is_natural_person": "true",
            "valid_from": "2000-01-01", "valid_to": "9999-12-31",
        }  # fmt: skip
        return [person, *(row for row in rows if row["is_natural_person"] != "true")]

    def steps(rows: Rows) -> Rows:
        first = next(row for row in rows if (row["scenario_id"], row["stage_no"]) == ("standard", "1"))
        second = next(row for row in rows if (row["scenario_id"], row["stage_no"]) == ("standard", "2"))
        return [
            *rows,
            first | {"scenario_id": "persons", "claims_costs": "false"},
            second | {"scenario_id": "persons", "claims_costs": "true", "base": "previous_step", "offset_days": "13"},
        ]

    seeds.change("scenario_choices", for_persons)
    seeds.change("scenarios", lambda rows: [*rows, rows[0] | {"scenario_id": "persons"}])
    seeds.change("scenario_steps", steps)
    assert [finding.what.split(";")[0] for finding in seeds.findings()] == [
        "persons claims costs at stage 2"
    ] * 2  # NL, BE
    seeds.step("persons", 2, offset_days="14")
    assert seeds.findings() == []


def test_two_reasons_of_one_rank_are_an_error(seeds: Seeds) -> None:
    seeds.set("reason_order", {"reason_code": "grace"}, {"rank": "160"})
    assert "have the same rank 160" in seeds.only_finding()


def test_a_rate_that_ends_within_a_month_is_a_warning(seeds: Seeds) -> None:
    """Known until 31 December 2026: on 30 November all is well, on 1 December somebody must look."""
    policy = read_policy(seeds.folder, PROJECT / "models")

    def warned(day: date) -> list[str]:
        return [
            each.what for each in check_policy(policy, wording(), day) if "the interest of NL (business)" in each.what
        ]

    assert warned(date(2026, 11, 30)) == []
    assert warned(date(2026, 12, 1)) == [
        "the interest of NL (business) is known until 2026-12-31; after it every calculation is provisional"
    ]


def test_a_row_with_a_cell_too_few_is_refused_with_its_line(seeds: Seeds) -> None:
    path = seeds.path("scenarios")
    path.write_text(path.read_text(encoding="utf-8") + "scenarios-1,odd,2000-01-01,9999-12-31\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match="the row has 4 cells where the header has"):
        seeds.findings()


def test_a_word_that_is_no_number_is_said_and_nothing_breaks(seeds: Seeds) -> None:
    seeds.step("standard", 2, offset_days="ten")
    assert seeds.only_finding().endswith("offset_days is 'ten'")

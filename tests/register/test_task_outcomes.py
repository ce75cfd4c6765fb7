"""Answers to tasks: words the register takes, and the policy that says what they lead to, speak of the same things."""

import csv
from pathlib import Path

import pytest

from assets.register.events import InvalidEvent, validate
from assets.task_answers import ALL_OUTCOMES, OUTCOMES, outcomes_of
from assets.warehouse.versions import PROJECT


def seed(name: str) -> list[dict[str, str]]:
    with (Path(PROJECT) / "seeds" / "tasks" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("task_kind", sorted(OUTCOMES))
def test_a_task_takes_the_outcomes_of_its_kind_and_no_others(task_kind: str) -> None:
    for outcome in OUTCOMES[task_kind]:
        assert validate("task_outcome", {"task_id": "T", "task_kind": task_kind, "outcome": outcome})
    for outcome in {*ALL_OUTCOMES, "maybe"} - set(OUTCOMES[task_kind]):
        with pytest.raises(InvalidEvent, match="is no answer to a task") as caught:
            validate("task_outcome", {"task_id": "T", "task_kind": task_kind, "outcome": outcome})
        assert OUTCOMES[task_kind][0] in caught.value.what_to_do


def test_an_outcome_that_does_not_say_its_kind_of_task_is_one_of_the_known_words() -> None:
    assert validate("task_outcome", {"task_id": "T", "outcome": "no_answer"})
    with pytest.raises(InvalidEvent, match="no answer to any task"):
        validate("task_outcome", {"task_id": "T", "outcome": "fine"})


def test_a_kind_of_task_that_is_policy_only_can_be_done_or_not() -> None:
    assert outcomes_of("a_kind_of_tomorrow") == ("done", "not_done")


def test_every_answer_the_policy_speaks_of_can_be_given() -> None:
    kinds = {row["task_kind"] for row in seed("task_kinds")}
    for rule in seed("outcome_rules"):
        words = ALL_OUTCOMES if rule["task_kind"] == "*" else outcomes_of(rule["task_kind"])
        assert rule["outcome"] in words, rule
        assert rule["task_kind"] in kinds | {"*"}, rule
        assert rule["raises_task_kind"] in kinds | {""}, rule


def test_every_kind_of_task_that_has_words_is_one_the_policy_knows() -> None:
    kinds = {row["task_kind"] for row in seed("task_kinds")}
    assert set(OUTCOMES) <= kinds
    assert {row["task_kind"] for row in seed("call_sheet_kinds")} <= kinds
    assert {row["task_kind"] for row in seed("key_account_schedule")} <= kinds

"""The matching rules on small worlds whose truth is known: no figure may fall below what was once reached."""

from pathlib import Path

import pytest

from benchmarks.matching.measure import Measured
from benchmarks.matching.ratchet import fallen_short, measured_small, read_limits


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Measured]:
    """Five portfolios of one seed, through the real dbt."""
    folder: Path = tmp_path_factory.mktemp("ratchet")
    return measured_small(folder)


def test_no_figure_falls_below_what_was_reached(measured: dict[str, Measured]) -> None:
    assert fallen_short(read_limits(), measured) == []


def test_the_worlds_are_large_enough_to_tell(measured: dict[str, Measured]) -> None:
    for found in measured.values():
        assert found.score.shares["payments"].of > 1000
        assert found.score.shares["three_proposals"].of > 50
        assert found.reminders is not None
        assert found.reminders.owed_and_reminded > 20


def test_another_currency_is_never_placed_unasked(measured: dict[str, Measured]) -> None:
    for found in measured.values():
        played, placed = found.score.placed_by_noise["other_currency"], found.score.right_by_noise["other_currency"]
        assert played.of > 0
        assert placed.of == 0


def test_the_rules_are_right_more_often_than_a_script_that_books_always(measured: dict[str, Measured]) -> None:
    for found in measured.values():
        naive = found.baselines["naive"].shares["payments_as_named"].percent
        assert found.score.shares["payments_as_named"].percent > naive

"""How the seeds of scenarios are read: the order of steps and of choices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from assets.policy.seeds import Policy, Row

# What a choice may ask of an open invoice and its customer; an empty cell asks nothing.
CONDITIONS = ("segment", "payer_profile", "risk_class", "country", "is_natural_person", "currency", "minimum_amount")


def ordered_steps(steps: Iterable[Row]) -> list[Row]:
    """The steps of a scenario as they are taken."""
    return sorted(steps, key=lambda row: (row.number("stage_no") or 0, row.line))


def ordered_choices(policy: Policy, day: date) -> list[Row]:
    """The choices of a day as they are tried: the lowest rank that fits is taken."""
    return sorted(policy["scenario_choices"].in_force(day), key=lambda row: (row.number("rank") or 0, row.line))


def is_for_everybody(choice: Row) -> bool:
    """Whether a choice asks nothing, so that whoever comes to it takes it."""
    return not any(choice.get(column) for column in CONDITIONS)

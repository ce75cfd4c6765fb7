"""A scenario as a person would draw it: what happens when, counted from the due date, on an example invoice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from assets.policy.scenarios import CONDITIONS, is_for_everybody, ordered_choices, ordered_steps
from assets.policy.seeds import Policy, Row
from assets.problem import UsageProblem

PAYMENT_TERM_DAYS = 30  # of the example: the term in law where none was agreed (Directive 2011/7/EU art. 3(3)(b))


@dataclass(frozen=True, slots=True)
class Moment:
    """One day on the line. Stage is None for the days that are no step (invoice date, due date, grace)."""

    on: date
    stage_no: int | None
    kind: str
    words: str
    policy_id: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """A scenario on an example invoice, at its earliest: every task done and every message sent on its first day."""

    scenario_id: str
    description: str
    followed_by: tuple[str, ...]
    issued_on: date
    due_on: date
    moments: tuple[Moment, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "scenario_id": self.scenario_id,
            "description": self.description,
            "followed_by": list(self.followed_by),
            "issued_on": self.issued_on.isoformat(),
            "due_on": self.due_on.isoformat(),
            "moments": [
                {
                    "on": moment.on.isoformat(),
                    "days_from_due": (moment.on - self.due_on).days,
                    "stage_no": moment.stage_no,
                    "kind": moment.kind,
                    "words": moment.words,
                    "policy_id": moment.policy_id,
                }
                for moment in self.moments
            ],
        }


def timeline(policy: Policy, scenario_id: str, day: date, due_on: date) -> Timeline:
    """The scenario as it counts on `day`, for an invoice that is due on `due_on`.

    Raises UsageProblem when there is no such scenario that day; the ones there are are named.
    """
    scenarios = {row["scenario_id"]: row for row in policy["scenarios"].in_force(day)}
    if scenario_id not in scenarios:
        raise UsageProblem(
            f"there is no scenario {scenario_id!r} on {day}",
            where="scenarios.csv",
            remedy=f"name one of {', '.join(sorted(scenarios))}",
        )
    steps = ordered_steps(row for row in policy["scenario_steps"].in_force(day) if row["scenario_id"] == scenario_id)
    grace_days = max((row.number("grace_days") or 0 for row in policy["dunning_policy"].in_force(day)), default=0)
    closed_days = {date.fromisoformat(row["holiday_on"]) for row in policy["target_holidays"].rows}
    issued_on = due_on - timedelta(days=PAYMENT_TERM_DAYS)
    fixed = [
        Moment(issued_on, None, "invoice", "invoice date", ""),
        Moment(due_on, None, "due", "due date", ""),
        Moment(
            due_on + timedelta(days=grace_days), None, "grace", "last day of grace: until here nothing is asked", ""
        ),
    ]
    moments = [*fixed, *_steps_on_days(steps, issued_on, due_on, grace_days, closed_days)]
    return Timeline(
        scenario_id=scenario_id,
        description=scenarios[scenario_id]["description"],
        followed_by=tuple(_who(row) for row in ordered_choices(policy, day) if row["scenario_id"] == scenario_id),
        issued_on=issued_on,
        due_on=due_on,
        moments=tuple(
            sorted(moments, key=lambda moment: (moment.on, -1 if moment.stage_no is None else moment.stage_no))
        ),
    )


def _steps_on_days(
    steps: Sequence[Row], issued_on: date, due_on: date, grace_days: int, closed_days: Collection[date]
) -> list[Moment]:
    moments: list[Moment] = []
    previous: date | None = None
    for row in steps:
        stage = row.number("stage_no") or 0
        base = {
            "invoice_date": issued_on,
            "due_date": due_on + timedelta(days=grace_days + 1 if stage else 0),
            "previous_step": previous or due_on,
        }.get(row["base"], due_on)
        on = _days_after(base, row.number("offset_days") or 0, row["day_kind"], closed_days)
        if stage and previous is not None:
            on = max(on, previous)
        moments.append(Moment(on, stage, row["message_kind"] or row["task_kind"], _words(row), row["policy_id"]))
        previous = on
    return moments


def _days_after(base: date, offset: int, day_kind: str, closed_days: Collection[date]) -> date:
    if day_kind != "bank":
        return base + timedelta(days=offset)
    day, step = base, timedelta(days=1 if offset >= 0 else -1)
    for _ in range(abs(offset)):
        day += step
        while day.isoweekday() > 5 or day in closed_days:
            day += step
    return day


def _words(row: Row) -> str:
    if row["step_kind"] == "task":
        parts = [f"task for {row.get('owner_role') or 'the relation'}: {row['task_kind'].replace('_', ' ')}"]
        if row.get("expires_after_days"):
            parts.append(f"the track goes on {row['expires_after_days']} days later without it")
    else:
        channels = row["channels"].replace(";", ", else ").replace("_", " ")
        parts = [f"{row['message_kind'].replace('_', ' ')}, {row['tone']}, by {channels}"]
        if row.number("pay_by_bank_days"):
            parts.append(f"{row['pay_by_bank_days']} bank days to pay")
        if row["requires_release"] == "true":
            parts.append("a person releases it")
    claims = [word for word in ("interest", "costs") if row.get(f"claims_{word}") == "true"]
    if claims:
        parts.append(f"claims {' and '.join(claims)}")
    share = row.number("minimum_share_basis_points")
    if share:
        parts.append(f"only from {share // 100}.{share % 100:02d} % of all that is open")
    if row["base"] in ("promise", "instalment"):
        parts.append(f"counted from the {row['base']}")
    return "; ".join(parts)


def _who(choice: Row) -> str:
    """For whom a choice is, in words."""
    if is_for_everybody(choice):
        return "everybody whom no choice before this fits"
    asked = [
        f"{column.replace('_', ' ')} {choice[column]}"
        for column in CONDITIONS
        if choice.get(column) and column not in ("currency", "minimum_amount")
    ]
    if choice.get("minimum_amount"):
        asked.append(f"from {choice['minimum_amount']} {choice['currency']}")
    elif choice.get("currency"):
        asked.append(f"in {choice['currency']}")
    return ", ".join(asked)

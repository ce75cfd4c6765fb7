"""What must hold of the policy before a day runs with it: periods, scenarios, templates, and what the law allows.

dbt's own tests find a gap or an overlap when the day is built; these find it when the change is reviewed, and see what no
single row shows: a step that is never reached, a choice that is never made, wording that does not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from assets.policy.findings import Finding, error, warning
from assets.policy.scenarios import CONDITIONS, is_for_everybody, ordered_choices, ordered_steps
from assets.policy.seeds import FIRST_DAY, LAST_DAY, Policy, Row, Seed

CHANNELS = ("email", "letter", "registered_letter", "sms")
STEP_KINDS = ("message", "task")
CLASSES = ("friendly", "formal")
BASES = ("invoice_date", "due_date", "previous_step", "promise", "instalment")
DAY_KINDS = ("calendar", "bank")
PROVISIONAL_WARNING_DAYS = 31  # how long before the last known half-year ends somebody should look for the next rate


@dataclass(frozen=True, slots=True)
class Wording:
    """The templates there are: ids `<channel>/<language>/<message_kind>`, and the languages every message needs."""

    template_ids: Collection[str]
    languages: Sequence[str]


def check_policy(policy: Policy, wording: Wording, today: date) -> list[Finding]:
    """Everything that is wrong with the seeds, worst first, then in the order of files and lines.

    Scenarios are looked at on every day on which a row of theirs begins, the past included: a past day is computed again
    under the policy it had.
    """
    findings = {
        finding: None  # a step that is wrong on several days is said once
        for check in (_periods, _values)
        for finding in check(policy)
    }
    for day in _days_of_change(policy):
        findings |= dict.fromkeys(_on_day(policy, wording, day))
    findings |= dict.fromkeys(_rates(policy, today))
    return sorted(findings, key=lambda each: (each.severity, each.seed, each.line or 0, each.what))


# -- periods ------------------------------------------------------------------------------------------------------------


def _periods(policy: Policy) -> Iterator[Finding]:
    """For each key the periods follow one another without a gap or an overlap, from the first day to the last."""
    for seed in policy.values():
        for row in seed.rows if seed.is_dated else ():
            if row.valid_to < row.valid_from:
                yield error(seed, row, f"the row ends on {row.valid_to}, before it begins", "exchange the two days")
        if seed.key is None:
            continue
        by_key: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        for row in seed.rows:
            by_key[tuple(row.get(column) for column in seed.key)].append(row)
        for key, rows in by_key.items():
            yield from _periods_of_key(seed, " ".join(filter(None, key)) or "the one row", rows)


def _periods_of_key(seed: Seed, name: str, rows: list[Row]) -> Iterator[Finding]:
    ordered = sorted(rows, key=lambda row: (row.valid_from, row.line))
    first, last = ordered[0], ordered[-1]
    if first.valid_from > FIRST_DAY:
        yield error(
            seed, first, f"{name} begins on {first.valid_from}: before that no row answers",
            f"let it begin on {FIRST_DAY} or earlier; a past day is computed again",
        )  # fmt: skip
    for earlier, later in pairwise(ordered):
        follows_on = earlier.valid_to + timedelta(days=1) if earlier.valid_to < LAST_DAY else None
        if follows_on is None or later.valid_from < follows_on:
            yield error(
                seed, later, f"{name} counts twice from {later.valid_from}: line {earlier.line} lasts until {earlier.valid_to}",
                f"end line {earlier.line} on {later.valid_from - timedelta(days=1)}",
            )  # fmt: skip
        elif later.valid_from > follows_on:
            yield error(
                seed, later, f"no row says anything of {name} from {follows_on} to {later.valid_from - timedelta(days=1)}",
                f"let it begin on {follows_on}, or add the period between",
            )  # fmt: skip
    if last.valid_to < LAST_DAY:
        yield warning(
            seed, last, f"{name} ends on {last.valid_to} and nothing follows it", "add its successor, or say in review that it ends"
        )  # fmt: skip


# -- cells --------------------------------------------------------------------------------------------------------------

_ALLOWED = {
    ("scenario_steps", "step_kind"): STEP_KINDS,
    ("scenario_steps", "base"): BASES,
    ("scenario_steps", "day_kind"): DAY_KINDS,
    ("message_minimums", "class"): CLASSES,
}
_WHOLE_NUMBERS = (
    ("scenario_steps", "stage_no"), ("scenario_steps", "offset_days"), ("scenario_steps", "expires_after_days"),
    ("scenario_steps", "pay_by_bank_days"), ("scenario_steps", "minimum_share_basis_points"), ("scenario_choices", "rank"),
)  # fmt: skip


def _values(policy: Policy) -> Iterator[Finding]:
    for (name, column), words in _ALLOWED.items():
        seed = policy[name]
        for row in seed.rows:
            if row.get(column) not in words:
                yield error(seed, row, f"{column} is {row.get(column)!r}", f"write one of {', '.join(words)}")
    for name, column in _WHOLE_NUMBERS:
        seed = policy[name]
        for row in seed.rows:
            if row.get(column) and not row.get(column).lstrip("-").isdigit():
                yield error(seed, row, f"{column} is {row.get(column)!r}", "write a whole number")


# -- scenarios on one day -----------------------------------------------------------------------------------------------


def _days_of_change(policy: Policy) -> list[date]:
    """Every day from which something of the track is different."""
    names = (
        "scenarios", "scenario_steps", "scenario_choices", "task_kinds", "message_minimums", "dunning_policy", "reason_order",
        "legal_limits",
    )  # fmt: skip
    return sorted({max(row.valid_from, FIRST_DAY) for name in names for row in policy[name].rows})


def _on_day(policy: Policy, wording: Wording, day: date) -> Iterator[Finding]:
    if any(finding.severity == "error" for finding in _values(policy)):
        return  # what cannot be read cannot be judged
    steps: dict[str, list[Row]] = defaultdict(list)
    for row in policy["scenario_steps"].in_force(day):
        steps[row["scenario_id"]].append(row)
    scenarios = {row["scenario_id"]: row for row in policy["scenarios"].in_force(day)}
    for scenario_id, rows in steps.items():
        ordered = ordered_steps(rows)
        if scenario_id not in scenarios:
            yield error(
                policy["scenario_steps"], ordered[0], f"there is no scenario {scenario_id} on {day}",
                "add it to scenarios.csv for the same days",
            )  # fmt: skip
        yield from _sequence(policy["scenario_steps"], scenario_id, ordered)
        for row in ordered:
            yield from _step(policy, wording, row, day)
        yield from _spacing(policy, scenario_id, ordered, day)
    yield from _choices(policy, scenarios, day)
    yield from _law(policy, steps, day)
    yield from _minimums(policy, day)
    yield from _ranks(policy["reason_order"], day)


def _sequence(seed: Seed, scenario_id: str, steps: Sequence[Row]) -> Iterator[Finding]:
    """Stages are taken one by one: behind a hole nothing is reached, behind a task without an end perhaps nothing."""
    numbers = [row.number("stage_no") or 0 for row in steps]
    expected = range(min(numbers[0], 1), min(numbers[0], 1) + len(numbers))
    for row, number, wanted in zip(steps, numbers, expected, strict=True):
        if number != wanted:
            yield error(
                seed, row, f"{scenario_id} has no stage {wanted}: stage {number} and what follows is never reached",
                "number the stages 0 (before the due date), 1, 2, 3 without a hole",
            )  # fmt: skip
            break
    for row in steps:
        if row["step_kind"] == "task" and row.number("expires_after_days") is None and row is not steps[-1]:
            yield error(
                seed, row, f"{scenario_id} waits at stage {row['stage_no']} for ever when nobody does the task",
                "give expires_after_days: the days after which the track goes on without it",
            )  # fmt: skip


def _step(policy: Policy, wording: Wording, row: Row, day: date) -> Iterator[Finding]:
    seed = policy["scenario_steps"]
    stage, offset = row.number("stage_no") or 0, row.number("offset_days") or 0
    share = row.number("minimum_share_basis_points") or 0
    if row["base"] == "due_date" and stage > 0 and offset < 0:
        yield error(
            seed, row, f"stage {stage} would come {-offset} days before the due date", "write days after it as a positive number"
        )  # fmt: skip
    if stage == 0 and row["base"] == "due_date" and offset >= 0:
        yield error(
            seed, row, "stage 0 is before the due date, and this comes on or after it", "write days before it as a negative number"
        )  # fmt: skip
    if row["base"] == "previous_step" and (stage == 0 or offset < 0):
        yield error(
            seed, row, f"stage {stage} counts {offset} days from a step that is not before it", "count from the due date, or forward"
        )  # fmt: skip
    if not 0 <= share <= 10_000:
        yield error(seed, row, f"minimum_share_basis_points is {share}", "write 0 to 10000 (1000 is 10 %)")
    if row["step_kind"] == "task":
        yield from _task_step(policy, row, day)
    else:
        yield from _message_step(seed, wording, row)


def _task_step(policy: Policy, row: Row, day: date) -> Iterator[Finding]:
    kinds = {kind["task_kind"] for kind in policy["task_kinds"].in_force(day)}
    if row.get("task_kind") not in kinds:
        yield error(
            policy["scenario_steps"], row, f"task_kind is {row.get('task_kind')!r}, which task_kinds.csv does not have on {day}",
            "add the kind there: its owner, its days, its next step",
        )  # fmt: skip
    if row.get("message_kind") or row.get("channels"):
        yield warning(policy["scenario_steps"], row, "a task has a message kind or channels", "leave them empty")


def _message_step(seed: Seed, wording: Wording, row: Row) -> Iterator[Finding]:
    kind = row["message_kind"]
    channels = [channel for channel in row["channels"].split(";") if channel]
    if not kind or not channels:
        yield error(seed, row, f"stage {row['stage_no']} is a message without a kind or a channel", "give both")
    if row["class"] not in CLASSES:
        yield error(seed, row, f"class is {row['class']!r}", f"write one of {', '.join(CLASSES)}")
    for channel in channels:
        if channel not in CHANNELS:
            yield error(seed, row, f"there is no channel {channel!r}", f"write some of {', '.join(CHANNELS)}")
            continue
        for language in wording.languages:
            template_id = f"{channel}/{language}/{kind}"
            if kind and template_id not in wording.template_ids:
                yield error(
                    seed, row, f"there is no template {template_id}", "write it, or name another channel or kind"
                )
    if row["class"] == "formal" and row["requires_release"] != "true":
        yield error(
            seed, row, f"the formal step {kind} would leave without a person having released it", "set requires_release to true"
        )  # fmt: skip
    if row["class"] == "formal" and "registered_letter" not in channels:
        yield warning(
            seed, row, f"the formal step {kind} does not go by registered letter", "a notice of default must be proved to have arrived"
        )  # fmt: skip
    if row.number("pay_by_bank_days") is None:
        yield error(seed, row, f"{kind} gives no term to pay in", "give pay_by_bank_days; 0 before the due date")


def _spacing(policy: Policy, scenario_id: str, steps: Sequence[Row], day: date) -> Iterator[Finding]:
    """Two messages closer together than the gap between messages: the gap decides, and the timeline would lie."""
    gap = max((row.number("min_gap_days") or 0 for row in policy["dunning_policy"].in_force(day)), default=0)
    for earlier, later in pairwise(steps):
        offset = later.number("offset_days") or 0
        both_messages = earlier["step_kind"] == later["step_kind"] == "message"
        if both_messages and later["base"] == "previous_step" and offset < gap:
            yield warning(
                policy["scenario_steps"], later,
                f"{scenario_id} stage {later['stage_no']} comes {offset} days after a message, and {gap} must lie between two",
                f"give at least {gap} days, or change min_gap_days",
            )  # fmt: skip


# -- which scenario is chosen -------------------------------------------------------------------------------------------


def _choices(policy: Policy, scenarios: Collection[str], day: date) -> Iterator[Finding]:
    seed = policy["scenario_choices"]
    choices = ordered_choices(policy, day)
    for row in choices:
        if row["scenario_id"] not in scenarios:
            yield error(seed, row, f"there is no scenario {row['scenario_id']} on {day}", "add it to scenarios.csv")
        if row.get("minimum_amount") and not row.get("currency"):
            yield error(
                seed, row, "minimum_amount has no currency", "name one; amounts of two currencies are not compared"
            )
    for later_at, later in enumerate(choices):
        for earlier in choices[:later_at]:
            if _covers(earlier, later):
                yield error(
                    seed, later, f"the choice of {later['scenario_id']} is never made: line {earlier.line} answers before it",
                    "rank the narrower choice first",
                )  # fmt: skip
                break
    if not any(is_for_everybody(row) for row in choices):
        yield error(
            seed, None, f"on {day} no choice is left for who fits none of them", "end with a choice whose conditions are all empty"
        )  # fmt: skip
    chosen = {row["scenario_id"] for row in choices}
    for row in policy["scenarios"].in_force(day):
        if row["scenario_id"] not in chosen:
            yield warning(
                policy["scenarios"], row, f"no choice leads to {row['scenario_id']}: only a customer or invoice that names it follows it",
                "add a choice, or say in its description that it is for people to choose",
            )  # fmt: skip


def _covers(wider: Row, narrower: Row) -> bool:
    """Whether everything the narrower choice is for fits the wider one too."""
    for column in CONDITIONS:
        if not wider.get(column) or wider.get(column) == narrower.get(column):
            continue
        if column == "minimum_amount" and narrower.get(column):
            return Decimal(wider[column]) <= Decimal(narrower[column])
        return False
    return True


# -- the law ------------------------------------------------------------------------------------------------------------


def _law(policy: Policy, steps: dict[str, list[Row]], day: date) -> Iterator[Finding]:
    seed = policy["scenario_steps"]
    for row in (row for rows in steps.values() for row in rows):
        claims = [column for column in ("claims_interest", "claims_costs") if row.get(column) == "true"]
        if claims and (row.number("stage_no") == 0 or row["base"] == "invoice_date"):
            yield error(
                seed, row, f"stage {row['stage_no']} has {' and '.join(claims)} while nothing may be due yet",
                "interest and costs begin with default (Directive 2011/7/EU art. 3 and 6)",
            )  # fmt: skip
    for limit in policy["legal_limits"].in_force(day):
        for scenario_id in _scenarios_of(policy, limit, day):
            yield from _costs_wait(seed, scenario_id, steps.get(scenario_id, []), limit)


def _scenarios_of(policy: Policy, limit: Row, day: date) -> list[str]:
    """The scenarios a debtor of this country and kind may come to follow without anybody choosing it for him."""
    is_person = "true" if limit["debtor_kind"] == "consumer" else "false"
    found: dict[str, None] = {}
    for row in ordered_choices(policy, day):
        fits = row.get("country") in ("", limit["country"]) and row.get("is_natural_person") in ("", is_person)
        if fits:
            found.setdefault(row["scenario_id"])
        conditions = {column for column in CONDITIONS if row.get(column)}
        if fits and conditions <= {"country", "is_natural_person"}:
            break  # everybody of this kind is answered here
    return list(found)


def _costs_wait(seed: Seed, scenario_id: str, steps: Sequence[Row], limit: Row) -> Iterator[Finding]:
    """Costs may be claimed only so many messages and days after the first letter."""
    days_since_first: int | None = None
    messages = 0
    for row in ordered_steps(steps):
        if row.number("stage_no") == 0:
            continue
        if days_since_first is not None and row["base"] == "previous_step":
            days_since_first += row.number("offset_days") or 0
        waits = days_since_first if days_since_first is not None else -1
        free, wanted = limit.number("free_messages") or 0, limit.number("costs_wait_days") or 0
        if row.get("claims_costs") == "true" and (messages < free or waits < wanted):
            yield error(
                seed, row,
                f"{scenario_id} claims costs at stage {row['stage_no']}; in {limit['country']} a {limit['debtor_kind']} has {free} free "
                f"message(s) and {wanted} days after it ({limit['source']})",
                "claim them at a later step, or choose another scenario for these debtors",
            )  # fmt: skip
        if row["step_kind"] == "message":
            messages += 1
            days_since_first = 0 if days_since_first is None else days_since_first


def _rates(policy: Policy, today: date) -> Iterator[Finding]:
    seed = policy["interest_rates"]
    last: dict[tuple[str, str], Row] = {}
    for row in seed.rows:
        key = row["country"], row["debtor_kind"]
        if key not in last or row.valid_to > last[key].valid_to:
            last[key] = row
    for (country, kind), row in last.items():
        if row.valid_to < today + timedelta(days=PROVISIONAL_WARNING_DAYS):
            yield warning(
                seed, row, f"the interest of {country} ({kind}) is known until {row.valid_to}; after it every calculation is provisional",
                "add the published rate of the next half-year, with its source",
            )  # fmt: skip


# -- the rest -----------------------------------------------------------------------------------------------------------


def _minimums(policy: Policy, day: date) -> Iterator[Finding]:
    seed = policy["message_minimums"]
    covered = {row["class"] for row in seed.in_force(day) if row["currency"] == "*"}
    for name in CLASSES:
        if name not in covered:
            yield error(
                seed, None, f"on {day} the class {name} has no minimum for currencies without a row", "add one with currency *"
            )  # fmt: skip


def _ranks(seed: Seed, day: date) -> Iterator[Finding]:
    by_rank: dict[str, Row] = {}
    for row in seed.in_force(day):
        if row["rank"] in by_rank:
            yield error(
                seed, row, f"{row['reason_code']} and {by_rank[row['rank']]['reason_code']} have the same rank {row['rank']}",
                "give each its own: the lowest leads",
            )  # fmt: skip
        by_rank.setdefault(row["rank"], row)

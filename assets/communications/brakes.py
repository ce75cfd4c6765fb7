"""Brakes: signs that something upstream went wrong, read before the first message of a plan leaves.

In live each brake holds the whole plan until a person releases it; in rehearsal brakes are only reported. Medians,
because one bad day must not move the yardstick.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median_high

from sqlalchemy import Connection, func, select

from assets.communications.frozen import FrozenMessage
from assets.operations.control import Control
from assets.operations.runs import RunRef
from assets.operations.tables import communication, run

# Left the house, or may have.
_LEFT = ("sent", "delivered", "bounced", "complained", "in_doubt", "closed_unknown")


@dataclass(frozen=True)
class BrakePolicy:
    """The yardstick: `factor` times the median of the last `window` days run, but never below `least_volume` messages."""

    least_volume: int = 20
    factor: int = 3
    window: int = 20
    least_history: int = 5


@dataclass(frozen=True)
class Brake:
    """A brake that tripped: its code, what was seen, what would have passed, and a sentence for people."""

    code: str
    observed: str
    limit: str
    message: str


@dataclass(frozen=True)
class _Day:
    messages: int
    money: Mapping[str, int]


def evaluate(
    connection: Connection, run_ref: RunRef, messages: Sequence[FrozenMessage], state: Control, policy: BrakePolicy
) -> tuple[Brake, ...]:
    """The brakes this plan trips. An empty plan trips none."""
    if not messages:
        return ()
    history = _history(connection, run_ref.as_of_date, state, policy.window)
    tripped = [*_volume(messages, history, policy), *_money(messages, history, policy)]
    if state.mode == "live":
        tripped += _newness(connection, run_ref, state, len(history), policy)
    return tuple(tripped)


def _volume(messages: Sequence[FrozenMessage], history: Sequence[_Day], policy: BrakePolicy) -> list[Brake]:
    usual = median_high([day.messages for day in history]) if history else 0
    limit = max(policy.least_volume, policy.factor * usual)
    # A rehearsal that has only begun has no usual day to compare with; a live one is held by short_history then.
    if len(history) < policy.least_history or len(messages) <= limit:
        return []
    return [
        Brake("volume", str(len(messages)), str(limit), f"{len(messages)} messages where a usual day has {usual}"),
    ]


def _money(messages: Sequence[FrozenMessage], history: Sequence[_Day], policy: BrakePolicy) -> list[Brake]:
    claimed: dict[str, int] = defaultdict(int)
    for message in messages:
        claimed[message.currency] += message.total_minor
    tripped = []
    for currency, total in sorted(claimed.items()):
        # Only days on which this currency was claimed at all: else a rare currency has a median of nothing.
        days = [day.money[currency] for day in history if day.money.get(currency)]
        if len(days) < policy.least_history:
            continue
        limit = policy.factor * median_high(days)
        if total > limit:
            seen, allowed = f"{_decimal(total)} {currency}", f"{_decimal(limit)} {currency}"
            tripped.append(Brake("money", seen, allowed, f"{seen} is claimed today, more than {allowed}"))
    return tripped


def _newness(connection: Connection, run_ref: RunRef, state: Control, days: int, policy: BrakePolicy) -> list[Brake]:
    if days == 0:
        return [Brake("first_live_day", "0", "1", "this is the first live day: a person looks before anything leaves")]
    tripped = []
    if days < policy.least_history:
        need = str(policy.least_history)
        tripped.append(Brake("short_history", str(days), need, f"only {days} live days to compare with"))
    before: str | None = connection.execute(
        select(run.c.policy_version)
        .where(run.c.as_of_date < run_ref.as_of_date, run.c.as_of_date >= state.live_since_on)
        .order_by(run.c.as_of_date.desc(), run.c.started_at.desc())
        .limit(1)
    ).scalar_one_or_none()
    if before is not None and before != run_ref.policy_version:
        tripped.append(
            Brake("new_policy", run_ref.policy_version, before, "the policy changed since the last live day")
        )
    return tripped


def _history(connection: Connection, as_of_date: date, state: Control, window: int) -> list[_Day]:
    days_run = select(run.c.as_of_date).where(run.c.as_of_date < as_of_date).distinct()
    if state.mode == "live":
        days_run = days_run.where(run.c.as_of_date >= state.live_since_on)
    days: Sequence[date] = connection.execute(days_run.order_by(run.c.as_of_date.desc()).limit(window)).scalars().all()
    messages: dict[date, int] = dict.fromkeys(days, 0)
    money: dict[date, dict[str, int]] = {day: {} for day in days}
    left = connection.execute(
        select(
            communication.c.as_of_date,
            communication.c.currency,
            func.count().label("messages"),
            func.sum(communication.c.total_minor).label("money"),
        )
        .where(
            communication.c.as_of_date.in_(days),
            communication.c.state.in_(_LEFT),
            communication.c.is_rehearsal == (state.mode == "rehearsal"),
        )
        .group_by(communication.c.as_of_date, communication.c.currency)
    )
    for row in left:
        messages[row.as_of_date] += row.messages
        money[row.as_of_date][row.currency] = int(row.money)
    return [_Day(messages[day], money[day]) for day in days]


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"

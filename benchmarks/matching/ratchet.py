"""What the rules must keep to: floors and ceilings on small worlds of seeds of their own, raised when the rules get better.

`.venv/bin/python -m benchmarks.matching --ratchet` measures and tightens the committed file; it never loosens one. Who means
to give something up edits the file by hand and says why.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.matching.measure import Measured, measure
from benchmarks.matching.worlds import PORTFOLIOS

FILE = Path(__file__).with_name("ratchet.json")
SEEDS = (101,)
CUSTOMERS = 130

# Shares that may not fall, with the percentage points a change elsewhere may cost without anybody having meant it.
FLOORS = {
    "automatic": 0.5,
    "payments_as_named": 0.1,
    "customers": 0.05,
    "customers_found": 0.5,
    "customers_held": 0.5,
    "reached": 0.3,
    "three_proposals": 5.0,  # of what the rules leave: the better they are, the harder that is
    "returns": 0.0,
}

Limits = dict[str, dict[str, float]]


def measured_small(folder: Path) -> dict[str, Measured]:
    """The worlds of the ratchet through the real rules, up to who would be reminded."""
    return measure(folder, PORTFOLIOS, SEEDS, reminders=True, customers=CUSTOMERS)


def figures(found: Measured) -> dict[str, float]:
    """What is held against the limits: percentages, and counts that may not rise (`most_...`)."""
    assert found.reminders is not None
    shares = found.score.shares
    return {name: shares[name].percent for name in FLOORS} | {
        "most_wrong_customers": float(shares["customers"].of - shares["customers"].hits),
        "most_across_currencies": float(sum("other_currency" in line for line in found.score.wrong)),
        "most_wrongly_reminded": float(found.reminders.wrong_customers),
        "most_wrong_reminders": float(found.reminders.wrong_messages),
    }


def tightened(old: Limits, measured: Mapping[str, Measured]) -> Limits:
    """The limits after a measurement: floors only rise, ceilings only fall."""
    limits: Limits = {}
    for portfolio, found in measured.items():
        before = old.get(portfolio, {})
        limits[portfolio] = {}
        for name, value in figures(found).items():
            if name in FLOORS:
                floor = round(max(value - FLOORS[name], 0.0), 2)
                limits[portfolio][name] = max(before.get(name, 0.0), floor)
            else:
                limits[portfolio][name] = min(before.get(name, value), value)
    return limits


def fallen_short(limits: Limits, measured: Mapping[str, Measured]) -> list[str]:
    """A line for every figure on the wrong side of its limit."""
    lines = []
    for portfolio, found in measured.items():
        for name, value in figures(found).items():
            limit = limits[portfolio][name]
            if value < limit if name in FLOORS else value > limit:
                lines.append(f"{portfolio}: {name} is {value:.2f}, the limit is {limit:.2f}")
    return lines


def read_limits() -> Limits:
    limits: Limits = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    return limits


def write_limits(limits: Limits) -> None:
    FILE.write_text(json.dumps(limits, indent=2, sort_keys=True) + "\n", encoding="utf-8")

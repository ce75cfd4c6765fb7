"""What the rules made of the receipts, against the truth: at the level of payments, allocations and customers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt

from benchmarks.matching.worlds import Receipt, World

Z = 1.959964  # 95 %


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % Wilson bounds of a share, as fractions; (0, 1) when there is nothing to judge by."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = share + Z * Z / (2 * of)
    spread = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return (middle - spread) / (1 + Z * Z / of), (middle + spread) / (1 + Z * Z / of)


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, by count and by money."""

    hits: int = 0
    of: int = 0
    hit_cents: int = 0
    of_cents: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(
            self.hits + other.hits, self.of + other.of, self.hit_cents + other.hit_cents, self.of_cents + other.of_cents
        )

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.of if self.of else 0.0

    @property
    def percent_of_money(self) -> float:
        return 100 * self.hit_cents / self.of_cents if self.of_cents else 0.0

    def __str__(self) -> str:
        low, high = wilson(self.hits, self.of)
        return f"{self.percent:.2f} % ({100 * low:.2f}-{100 * high:.2f}; {self.of} seen; money {self.percent_of_money:.2f} %)"


@dataclass(slots=True)
class Outcome:
    """What a matcher said of one receipt: invoice -> cents, its proposals best first, and whose money it says it is."""

    placed: dict[str, int] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """`automatic`: receipts placed wholly without a person. The three precisions are of what was placed at all."""

    automatic: Share
    payments: Share
    allocations: Share
    customers: Share
    first_proposal: Share
    three_proposals: Share
    wrong: tuple[str, ...]


def judged(world: World, receipts: Iterable[tuple[Receipt, Outcome]]) -> Score:
    """Scores the receipts of a world. Money that pays nothing is right when nothing was placed of it."""
    owner = {key: document.customer.customer_id for key, document in world.documents.items()}
    shares: dict[str, Share] = defaultdict(Share)
    wrong: list[str] = []
    for receipt, outcome in receipts:
        if receipt.is_return:
            continue
        truth, money = dict(receipt.pays), receipt.cents
        is_whole = bool(truth) and outcome.placed == truth
        shares["automatic"] += Share(is_placed := int(bool(outcome.placed)), 1, money * is_placed, money)
        if outcome.placed:
            is_right = is_whole or (
                set(outcome.placed) <= set(truth) and all(cents <= truth[key] for key, cents in outcome.placed.items())
            )
            shares["payments"] += Share(int(is_right), 1, money * is_right, money)
            for key, cents in outcome.placed.items():
                hit = key in truth and abs(cents) <= abs(truth[key])
                shares["allocations"] += Share(int(hit), 1, abs(cents) * hit, abs(cents))
                owners = {owner[each] for each in truth} or {receipt.customer_id}
                same = owner[key] in owners
                shares["customers"] += Share(int(same), 1, abs(cents) * same, abs(cents))
            if not is_right:
                wrong.append(
                    f"{receipt.noise}: {receipt.text!r} {receipt.structured or ''} {receipt.cents}: "
                    f"placed {outcome.placed}, truth {truth}"
                )
        elif receipt.is_knowable and truth:
            biggest = max(truth, key=lambda key: truth[key])
            first = int(biggest in outcome.proposed[:1])
            three = int(biggest in outcome.proposed[:3])
            shares["first_proposal"] += Share(first, 1, money * first, money)
            shares["three_proposals"] += Share(three, 1, money * three, money)
    names = ("automatic", "payments", "allocations", "customers", "first_proposal", "three_proposals")
    return Score(*(shares[name] for name in names), tuple(wrong))


def cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def outcomes_of(
    allocations: Iterable[tuple[str, str, Decimal]],
    proposals: Iterable[tuple[str, str, int]],
    known: Mapping[str, Receipt],
) -> dict[str, Outcome]:
    """Rows of `payment_allocations` and `match_proposals` as outcomes by entry key.

    A credit note an invoice has taken is no payment of anything: only positive placements count as what was paid.
    """
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    for entry_key, invoice_id, amount in allocations:
        if entry_key in known:
            placed = outcomes[entry_key].placed
            placed[invoice_id] = placed.get(invoice_id, 0) + cents(amount)
    for entry_key, invoice_id, _ in sorted(proposals, key=lambda row: (row[0], row[2])):
        if entry_key in known:
            outcomes[entry_key].proposed.append(invoice_id)
    return outcomes

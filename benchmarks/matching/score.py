"""What a matcher made of the receipts, against the truth: at the level of payments, allocations and customers."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt

from benchmarks.matching.worlds import ORDINARY_NOISE, Receipt, World

Z = 1.959964  # 95 %


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % Wilson bounds of a share, as fractions; (0, 1) when there is nothing to judge by."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = share + Z * Z / (2 * of)
    spread = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(middle - spread, 0) / (1 + Z * Z / of), min((middle + spread) / (1 + Z * Z / of), 1)


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


def one(hit: bool, cents: int) -> Share:
    """One more that hit or not, of so much money."""
    return Share(int(hit), 1, abs(cents) * hit, abs(cents))


@dataclass(slots=True)
class Outcome:
    """What a matcher said of one receipt: invoice -> cents, its proposals best first, and, of what it did not place whole,
    whose money it says it is."""

    placed: dict[str, int] = field(default_factory=dict)
    proposed: list[str] = field(default_factory=list)
    customer_id: str | None = None
    rules: dict[str, str] = field(default_factory=dict)


MEASURES = {
    "automatic": "placed without a person, of all receipts of the ordinary noise",
    "payments": "payments placed on nothing but what the payer meant, of those placed",
    "payments_as_named": "the same, where naming one other open invoice of one's own in full counts as meaning it",
    "allocations": "allocations to an invoice the payer meant, of all allocations",
    "customers": "allocations to the right customer, of all allocations",
    "payments_found": "payments placed wholly as meant, of all that pay something",
    "allocations_found": "what the payers meant that is placed in full, of all they meant",
    "customers_found": "money placed on, or held for, the customer it is of, of all money of one customer",
    "customers_held": "money not placed but said to be of a customer: rightly so",
    "first_proposal": "the first proposal is the (largest) invoice meant, of what is knowable and not placed",
    "three_proposals": "one of the first three proposals is, of the same",
    "reached": "placed rightly, or among the first three proposals, of all that is knowable",
    "returns": "returns and refunds placed on what they take back, of those placed at all",
}


@dataclass(slots=True)
class Score:
    """The shares of `MEASURES`; beside them every wrong receipt, and per rule and per noise what was placed and rightly."""

    shares: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    by_rule: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    placed_by_noise: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    right_by_noise: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        total = Score(wrong=self.wrong + other.wrong)
        for name in ("shares", "by_rule", "placed_by_noise", "right_by_noise"):
            mine, theirs, sums = getattr(self, name), getattr(other, name), getattr(total, name)
            for key in [*mine, *(key for key in theirs if key not in mine)]:
                sums[key] = mine.get(key, Share()) + theirs.get(key, Share())
        return total


def plain(text: str) -> str:
    return re.sub("[^A-Z0-9]", "", text.upper())


def is_right(outcome: Outcome, receipt: Receipt) -> bool:
    """Nothing placed but on documents that were meant, and on none of them more than was meant. Leaving some of the money
    open is no error, and neither is netting a credit note off the invoice instead of showing it apart."""
    truth = dict(receipt.pays)
    return (
        not receipt.is_other_currency
        and set(outcome.placed) <= set(truth)
        and all(abs(cents) <= abs(truth[key]) for key, cents in outcome.placed.items())
    )


def is_whole(outcome: Outcome, receipt: Receipt) -> bool:
    """All of the receipt is placed, or all of it that pays anything."""
    settles = sum(cents for _, cents in receipt.pays)
    return bool(outcome.placed) and sum(outcome.placed.values()) >= min(receipt.cents, settles or receipt.cents)


def is_designated(world: World, receipt: Receipt, outcome: Outcome) -> bool:
    """Every document it was placed on stands in the text (or the reference) in full and is of the customer that paid:
    the payer's own designation (BW 6:43), whatever was meant."""
    said = plain(receipt.text) + " " + plain(receipt.structured or "")
    documents = [world.documents[key] for key in outcome.placed]
    return all(
        (plain(document.number) in said or (document.reference and document.reference in said))
        and document.customer.customer_id == receipt.customer_id
        for document in documents
    )


def judged(world: World, receipts: Iterable[tuple[Receipt, Outcome]]) -> Score:
    """Scores the receipts of a world. Money that pays nothing is right when nothing was placed of it."""
    owner = {key: document.customer.customer_id for key, document in world.documents.items()}
    score = Score()
    shares = score.shares

    def note(name: str, hit: bool, money: int) -> None:
        shares[name] += one(hit, money)

    for receipt, outcome in receipts:
        truth, money = dict(receipt.pays), receipt.cents
        right = is_right(outcome, receipt)
        if money < 0:
            if outcome.placed:
                note("returns", right, money)
                if not right:
                    score.wrong.append(told(world, receipt, outcome, "outgoing"))
            continue
        score.placed_by_noise[receipt.noise] += one(is_whole(outcome, receipt), money)
        if receipt.noise in ORDINARY_NOISE:
            note("automatic", is_whole(outcome, receipt), money)
        owners: set[str | None] = {owner[each] for each in truth} or {receipt.customer_id}
        if outcome.placed:
            note("payments", right, money)
            score.right_by_noise[receipt.noise] += one(right, money)
            designated = right or is_designated(world, receipt, outcome)
            note("payments_as_named", designated, money)
            for key, cents in outcome.placed.items():
                hit = key in truth and abs(cents) <= abs(truth[key]) and not receipt.is_other_currency
                note("allocations", hit, cents)
                score.by_rule[outcome.rules.get(key, "")] += one(hit, cents)
                note("customers", owner[key] in owners, cents)
            if not right:
                is_same = all(owner[key] in owners for key in outcome.placed)
                kind = "as named" if designated else "same customer" if is_same else "OTHER CUSTOMER"
                score.wrong.append(told(world, receipt, outcome, kind))
        if truth and not receipt.is_other_currency:
            note("payments_found", outcome.placed == truth, money)
            for key, cents in truth.items():
                note("allocations_found", outcome.placed.get(key) == cents, cents)
        if len(owners) == 1:
            said = {each for each in (outcome.customer_id,) if each}
            placed_with = {owner[key] for key in outcome.placed} | said
            note("customers_found", placed_with == owners, money)
            if not outcome.placed and outcome.customer_id:
                note("customers_held", outcome.customer_id in owners, money)
        if not (receipt.is_knowable and truth):
            continue
        biggest = max(truth, key=lambda key: truth[key])
        note("reached", right if outcome.placed else biggest in outcome.proposed[:3], money)
        if not outcome.placed:
            note("first_proposal", biggest in outcome.proposed[:1], money)
            note("three_proposals", biggest in outcome.proposed[:3], money)
    return score


def told(world: World, receipt: Receipt, outcome: Outcome, kind: str) -> str:
    """One line a person can check: what the payer wrote, what it was placed on, what was meant."""

    def documents(pays: Iterable[tuple[str, int]]) -> str:
        return ", ".join(
            f"{world.documents[key].number} of {world.documents[key].customer.customer_id} {money / 100:.2f}"
            for key, money in pays
        )

    rules = ", ".join(sorted(set(outcome.rules.values())))
    return (
        f"[{kind}] {receipt.noise}, {receipt.booked_on}, {receipt.cents / 100:.2f}, "
        f"{receipt.text or receipt.structured or ''!r}: placed on {documents(outcome.placed.items())} ({rules}); "
        f"meant {documents(receipt.pays) or 'nothing open'}"
    )


def cents(amount: Decimal) -> int:
    return int(amount.scaleb(2))


def outcomes_of(
    allocations: Iterable[tuple[str, str, Decimal, str]],
    proposals: Iterable[tuple[str, str, int]],
    unapplied: Iterable[tuple[str, str | None]],
    known: Mapping[str, Receipt],
) -> dict[str, Outcome]:
    """Rows of `payment_allocations`, `match_proposals` and `unapplied_payments` as outcomes by entry key."""
    outcomes: dict[str, Outcome] = {key: Outcome() for key in known}
    for entry_key, invoice_id, amount, rule_id in allocations:
        if entry_key in known:
            outcome = outcomes[entry_key]
            outcome.placed[invoice_id] = outcome.placed.get(invoice_id, 0) + cents(amount)
            outcome.rules[invoice_id] = rule_id
    for entry_key, invoice_id, _ in sorted(proposals, key=lambda row: (row[0], row[2])):
        if entry_key in known:
            outcomes[entry_key].proposed.append(invoice_id)
    for entry_key, customer_id in unapplied:
        if entry_key in known:
            outcomes[entry_key].customer_id = customer_id
    return outcomes

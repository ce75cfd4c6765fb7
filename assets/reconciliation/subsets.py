"""Which open items of a customer add up to a payment, and whether that says anything.

A subset that fits is no evidence by itself: at thirty open items almost one wrong amount in five has exactly one. So a
subset counts only when no other fits, and when a payment of anything else would hardly ever have found one. How many
would is estimated as

    lambda = (subsets of at most k items) / (range of the sums / greatest common divisor of the amounts)

with k the items a subset may have. With k = 4 and sums over a range of 5,000.00 to the cent, 8 open items give
162 / 500,000 = 0.00032, 10 give 385 / 500,000 = 0.00077 and 12 give 793 / 500,000 = 0.0016. Round or equal prices fail by
themselves: of prices that are multiples of 5.00, five hundred sums fall on one. And since sums crowd together, those that
lie about the amount are counted too.

Work is bounded by steps, not by seconds: on a slower computer the same day would be decided otherwise, and a replay
would prove nothing. One step is one sum made, and how many an entry takes follows from the number of its items alone. Of
what does not fit the budget nothing is said.

Nothing here reads a warehouse or a clock. Amounts are integer cents, credit notes negative.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb, gcd

CERTAIN = "certain"
TOO_MANY_ITEMS = "too_many_items"  # more items than a clerk would believe without asking
COULD_BE_CHANCE = "could_be_chance"  # lambda is too high
CLAIMED_TWICE = "claimed_twice"  # another payment of that day has one of the items too


@dataclass(frozen=True, slots=True)
class Limits:
    """What is certain enough, and how much work may be spent on finding out."""

    items: int  # in a subset that is placed by itself, beside those the text names
    accidents: int  # lambda must stay below one in so many
    entry_steps: int
    run_steps: int


@dataclass(frozen=True, slots=True)
class Item:
    """An open invoice or, with negative cents, credit note of the payer; `is_named` by the text of the payment."""

    invoice_id: str
    cents: int
    is_named: bool = False


@dataclass(frozen=True, slots=True)
class Payment:
    """Money surely of one customer. `account` is whatever has one set of items: company, customer, currency."""

    entry_key: str
    account: tuple[str, ...]
    booked_on: int
    cents: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The only subset of a payment's items that makes its amount, in the order of the invoice ids."""

    payment: Payment
    invoice_ids: tuple[str, ...]
    open_items: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What is left to choose: `possible` and `choice` are amounts, of items that are in any sum at all and of those of
    them that are not in every sum that fits; `needed` and `free` are places, of those that are and of those that are
    not; `rest` is what the free ones have to make."""

    possible: tuple[int, ...]
    choice: tuple[int, ...]
    needed: tuple[int, ...]
    free: tuple[int, ...]
    rest: int


def find_subsets(payments: Iterable[Payment], limits: Limits) -> list[Found]:
    """The only fitting subset of each payment that has one, with a verdict, in the order of the entry keys.

    Payments of one account are taken day by day, so that all days at once and day after day come to the same: what a
    certain payment took is no longer there the day after. Within a day nobody is first: payments that share an item
    are `claimed_twice`. The order of payments and of items makes no difference.
    """
    asked = affordable(payments, limits)
    asked.sort(key=lambda payment: (payment.account, payment.booked_on, payment.entry_key))
    found: list[Found] = []
    for _, of_account in groupby(asked, key=lambda payment: payment.account):
        taken: set[str] = set()
        for _, of_day in groupby(of_account, key=lambda payment: payment.booked_on):
            answers = [answer for payment in of_day if (answer := answered(payment, taken, limits))]
            of_day_found = list(without_contested(answers))
            taken.update(key for answer in of_day_found if answer.verdict == CERTAIN for key in answer.invoice_ids)
            found += of_day_found
    return sorted(found, key=lambda answer: answer.payment.entry_key)


def affordable(payments: Iterable[Payment], limits: Limits) -> list[Payment]:
    """The payments that fit the budget of a run, the cheapest first: the dearest say least."""
    priced = []
    for payment in payments:
        target, amounts = unnamed(payment, payment.items)
        narrowed = narrow(target, amounts)
        if narrowed and (price := steps(len(narrowed.free))) <= limits.entry_steps:
            priced.append((price, payment.entry_key, payment))
    afforded, spent = [], 0
    for price, _, payment in sorted(priced, key=lambda each: each[:2]):
        spent += price
        if spent > limits.run_steps:
            break
        afforded.append(payment)
    return afforded


def steps(items: int) -> int:
    """Sums made to count the subsets of so many items: those of either half."""
    half = items // 2
    return (1 << half) + (1 << (items - half))


def unnamed(payment: Payment, items: Iterable[Item]) -> tuple[int, list[int]]:
    """What the items that the text does not name have to make, and their amounts."""
    items = list(items)
    return (
        payment.cents - sum(item.cents for item in items if item.is_named),
        [item.cents for item in items if not item.is_named],
    )


def answered(payment: Payment, taken: set[str], limits: Limits) -> Found | None:
    """The verdict on one payment; none when no subset, or more than one, makes its amount.

    A single item is left to the rule of the single amount, and what the text names in full to the rules of numbers.
    """
    items = sorted(
        (item for item in payment.items if item.invoice_id not in taken), key=lambda item: (item.cents, item.invoice_id)
    )
    if any(item.is_named and item.invoice_id in taken for item in payment.items):
        return None
    target, amounts = unnamed(payment, items)
    narrowed = narrow(target, amounts)
    places = only_subset(narrowed, amounts) if narrowed else None
    if not narrowed or not places:
        return None
    others = [item for item in items if not item.is_named]
    chosen = [item for item in items if item.is_named] + [others[place] for place in places]
    if len(chosen) < 2:
        return None
    if len(places) > limits.items:
        verdict = TOO_MANY_ITEMS
    elif could_be_chance(narrowed, target, [item.cents for item in items], [item.cents for item in chosen], limits):
        verdict = COULD_BE_CHANCE
    else:
        verdict = CERTAIN
    return Found(payment, tuple(sorted(item.invoice_id for item in chosen)), len(items), verdict)


def without_contested(answers: Sequence[Found]) -> Iterator[Found]:
    """The answers of one day; those that share an item are certain no more, whichever of them was."""
    claims: dict[str, int] = {}
    for answer in answers:
        for key in answer.invoice_ids:
            claims[key] = claims.get(key, 0) + 1
    for answer in answers:
        is_alone = all(claims[key] == 1 for key in answer.invoice_ids)
        yield answer if is_alone else Found(answer.payment, answer.invoice_ids, answer.open_items, CLAIMED_TWICE)


def narrow(target: int, amounts: Sequence[int]) -> Narrowed | None:
    """Leaves out what is in no sum that makes the target and sets apart what is in all; none if no sum can.

    An item is in none when even all that is of the other sign does not bring the sum back to the target, and in all
    when everything else together does not reach it. Exact: no subset that fits is lost, and none is made.
    """
    free, rest = list(range(len(amounts))), target
    needed: list[int] = []
    possible: tuple[int, ...] | None = None
    while True:
        most = sum(amounts[place] for place in free if amounts[place] > 0)
        least = sum(amounts[place] for place in free if amounts[place] < 0)
        if not least <= rest <= most:
            return None
        within = [
            place
            for place in free
            if (amounts[place] + least <= rest if amounts[place] > 0 else amounts[place] + most >= rest)
        ]
        if len(within) < len(free):
            free = within
            continue
        if possible is None:
            possible = tuple(amounts[place] for place in free)
        forced = [
            place
            for place in free
            if (most - amounts[place] < rest if amounts[place] > 0 else least - amounts[place] > rest)
        ]
        if not forced:
            choice = tuple(amounts[place] for place in free)
            return Narrowed(possible, choice, tuple(needed), tuple(free), rest)
        needed += forced
        rest -= sum(amounts[place] for place in forced)
        free = [place for place in free if place not in forced]


def only_subset(narrowed: Narrowed, amounts: Sequence[int]) -> tuple[int, ...] | None:
    """The places of the only subset that makes the target, or none: a full count of all sizes that stops at two.

    Every sum of one half of the free items is looked up among those of the other half.
    """
    half = len(narrowed.free) // 2
    near, far = narrowed.free[:half], narrowed.free[half:]
    masks: dict[int, int] = {}
    repeated: set[int] = set()
    for mask, made in enumerate(all_sums([amounts[place] for place in near])):
        if made in masks:
            repeated.add(made)
        else:
            masks[made] = mask
    fitting: tuple[int, int] | None = None
    for mask, made in enumerate(all_sums([amounts[place] for place in far])):
        missing = narrowed.rest - made
        if missing in masks:
            if fitting or missing in repeated:
                return None
            fitting = masks[missing], mask
    if fitting is None:
        return None
    of_near = (place for bit, place in enumerate(near) if fitting[0] >> bit & 1)
    of_far = (place for bit, place in enumerate(far) if fitting[1] >> bit & 1)
    return tuple(sorted((*narrowed.needed, *of_near, *of_far)))


def all_sums(amounts: Sequence[int]) -> list[int]:
    """The sums of all subsets; bit i of a place says whether amount i is in its sum."""
    sums = [0]
    for amount in amounts:
        sums += [made + amount for made in sums]
    return sums


def could_be_chance(
    narrowed: Narrowed, target: int, amounts: Sequence[int], members: Sequence[int], limits: Limits
) -> bool:
    """Whether another amount would too often have found a subset as well.

    `amounts` are of all open items, `members` of those found. Weighed several ways, because one large or one odd amount
    among the open items widens the range without making the sums that matter any rarer: all possible items, those there
    was a choice of, those that are as round as the subset, and the sums that really lie about the target.
    """
    divisor, divisor_of_members = gcd(*amounts), gcd(*members)
    as_round = [amount for amount in narrowed.possible if amount % divisor_of_members == 0]
    return (
        is_dense(narrowed.possible, divisor, limits)
        or is_dense(narrowed.choice, divisor, limits)
        or is_dense(as_round, divisor_of_members, limits)
        or is_crowded(target, narrowed.possible, divisor, limits)
    )


def is_dense(amounts: Sequence[int], divisor: int, limits: Limits) -> bool:
    """Whether lambda is one in `accidents` or more, in integers: floats round differently near the limit.

    `divisor`: of it all sums are multiples. Without amounts there is nothing to be wrong about.
    """
    subsets = sum(comb(len(amounts), size) for size in range(1, limits.items + 1))
    return bool(amounts) and subsets * limits.accidents * divisor >= sum(map(abs, amounts))


def is_crowded(target: int, amounts: Sequence[int], divisor: int, limits: Limits) -> bool:
    """Whether so many sums lie within a tenth of the target that lambda, of those alone, is one in `accidents` or more.

    Sums are not spread evenly over their range: of twelve ordinary invoices most lie where a payment of three would be.
    Amounts of which it would take too many steps to count them have too many sums in any case.
    """
    if steps(len(amounts)) > limits.entry_steps:
        return True
    half = len(amounts) // 2
    near: list[list[int]] = [[] for _ in range(limits.items + 1)]  # sums by the number of items in them
    for mask, made in enumerate(all_sums(amounts[:half])):
        if mask.bit_count() <= limits.items:
            near[mask.bit_count()].append(10 * made)
    for sums in near:
        sums.sort()
    low, high = sorted((9 * target, 11 * target))
    about = 0
    for mask, made in enumerate(all_sums(amounts[half:])):
        for sums in near[: max(limits.items - mask.bit_count() + 1, 0)]:
            about += bisect_right(sums, high - 10 * made) - bisect_left(sums, low - 10 * made)
    return 5 * about * limits.accidents * divisor >= abs(target)

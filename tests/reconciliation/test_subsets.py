"""Sums of open items: what is planted is found, what has a second reading is not, and no order or scale matters."""

import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.reconciliation.subsets import (
    CERTAIN,
    CLAIMED_TWICE,
    COULD_BE_CHANCE,
    TOO_MANY_ITEMS,
    Found,
    Item,
    Limits,
    Payment,
    affordable,
    find_subsets,
    is_dense,
    narrow,
    only_subset,
    steps,
)

LIMITS = Limits(items=4, accidents=1000, entry_steps=50_000, run_steps=5_000_000)
ACCOUNT = ("C", "K", "EUR")

# Credit notes among them, and few enough different amounts that sums coincide.
CENTS = st.one_of(st.integers(1, 30), st.integers(1, 500_000), st.integers(-20_000, -1))


def payment(cents: int, amounts: Sequence[int], named: Sequence[int] = (), key: str = "E", day: int = 1) -> Payment:
    items = tuple(Item(f"I{place:02d}", each, place in named) for place, each in enumerate(amounts))
    return Payment(key, ACCOUNT, day, cents, items)


def said(found: Sequence[Found]) -> list[tuple[str, tuple[str, ...], str]]:
    return [(answer.payment.entry_key, answer.invoice_ids, answer.verdict) for answer in found]


def counted(target: int, amounts: Sequence[int]) -> list[tuple[int, ...]]:
    """Every subset that makes the target, the plain way."""
    return [
        places
        for size in range(len(amounts) + 1)
        for places in combinations(range(len(amounts)), size)
        if sum(amounts[place] for place in places) == target
    ]


@settings(max_examples=400, deadline=None)
@given(st.lists(CENTS, min_size=1, max_size=10), st.data())
def test_a_subset_is_found_exactly_when_it_is_the_only_one_of_any_size(amounts: list[int], data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, len(amounts) - 1), min_size=1))
    target = sum(amounts[place] for place in chosen) + data.draw(st.sampled_from((0, 0, 0, 1, -7)))
    fitting = counted(target, amounts)
    narrowed = narrow(target, amounts)
    if not fitting:
        assert narrowed is None or only_subset(narrowed, amounts) is None
    elif len(fitting) == 1:
        assert narrowed is not None
        assert only_subset(narrowed, amounts) == fitting[0]
    else:
        assert narrowed is not None
        assert only_subset(narrowed, amounts) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(CENTS, min_size=2, max_size=12), st.randoms(use_true_random=False), st.sampled_from((7, 100)))
def test_neither_the_order_of_items_nor_the_scale_of_amounts_matters(
    amounts: list[int], shuffled: random.Random, factor: int
) -> None:
    chosen = shuffled.sample(range(len(amounts)), min(3, len(amounts)))
    asked = payment(sum(amounts[place] for place in chosen), amounts)
    told = said(find_subsets([asked], LIMITS))
    items = list(asked.items)
    shuffled.shuffle(items)
    assert said(find_subsets([replace(asked, items=tuple(items))], LIMITS)) == told
    scaled = replace(
        asked, cents=asked.cents * factor, items=tuple(replace(item, cents=item.cents * factor) for item in items)
    )
    assert said(find_subsets([scaled], LIMITS)) == told


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 255)), min_size=2, max_size=6), st.randoms())
def test_the_order_of_payments_does_not_matter(asked: list[tuple[int, int]], shuffled: random.Random) -> None:
    amounts = (81_240, 12_317, 9_001, 70_777, 33_333, 4_209, 151_018, 23_456)
    payments = [
        payment(
            sum(each for bit, each in enumerate(amounts) if mask >> bit & 1), amounts, key=f"E{number}", day=booked_on
        )
        for number, (booked_on, mask) in enumerate(asked)
    ]
    told = said(find_subsets(payments, LIMITS))
    shuffled.shuffle(payments)
    assert said(find_subsets(payments, LIMITS)) == told


def test_what_is_planted_among_ordinary_amounts_is_found_and_is_certain() -> None:
    """Up to eight open items almost every sum of two to four is the only one."""
    made = random.Random(4)
    certain = 0
    for number in range(300):
        amounts = [int(made.lognormvariate(6.2, 1.1) * 100) + 500 for _ in range(made.randint(4, 8))]
        chosen = sorted(made.sample(range(len(amounts)), made.randint(2, 4)))
        (answer,) = find_subsets([payment(sum(amounts[place] for place in chosen), amounts)], LIMITS)
        assert answer.invoice_ids == tuple(f"I{place:02d}" for place in chosen), number
        certain += answer.verdict == CERTAIN
    assert certain >= 290


def test_amounts_that_nobody_paid_are_almost_never_certain() -> None:
    """What lambda promises, where it is hardest: a few cents beside a true sum of two to four items."""
    made = random.Random(5)
    certain = 0
    for _ in range(5000):
        amounts = [int(made.lognormvariate(6.2, 1.1) * 100) + 500 for _ in range(made.randint(4, 12))]
        target = sum(made.sample(amounts, made.randint(2, 4))) + made.choice((-300, -55, -17, 3, 21, 110))
        certain += any(answer.verdict == CERTAIN for answer in find_subsets([payment(target, amounts)], LIMITS))
    assert certain < 5


@pytest.mark.parametrize(
    ("amounts", "cents"),
    [
        ((100_00, 200_00, 300_00, 57_31), 300_00),  # one alone, or two together
        ((49_95, 49_95, 49_95), 99_90),  # equal prices: which two?
        ((100_00, -100_00, 250_13, 80_11), 330_24),  # with or without an invoice and its credit note
    ],
)
def test_two_readings_are_none(amounts: tuple[int, ...], cents: int) -> None:
    assert find_subsets([payment(cents, amounts)], LIMITS) == []


def test_a_single_item_is_no_sum() -> None:
    assert find_subsets([payment(200_17, (200_17, 310_44))], LIMITS) == []


def test_a_credit_note_is_taken_off() -> None:
    found = find_subsets([payment(812_40 - 55_17, (812_40, 310_44, -55_17, 77_03))], LIMITS)
    assert said(found) == [("E", ("I00", "I02"), CERTAIN)]


def test_four_items_are_certain_and_five_are_for_a_person() -> None:
    amounts = (812_41, 310_43, 1555_17, 77_03, 2199_09, 451_33)
    assert said(find_subsets([payment(sum(amounts[:4]), amounts)], LIMITS))[0][2] == CERTAIN
    assert said(find_subsets([payment(sum(amounts[:5]), amounts)], LIMITS))[0][2] == TOO_MANY_ITEMS


def test_what_the_text_names_is_in_it_and_does_not_count_against_the_four() -> None:
    """A list cut off: the first is named, four others follow."""
    amounts = (812_41, 310_43, 1555_17, 77_03, 2199_09, 451_33)
    assert said(find_subsets([payment(sum(amounts[:5]), amounts, named=(0,))], LIMITS)) == [
        ("E", ("I00", "I01", "I02", "I03", "I04"), CERTAIN)
    ]
    # The only sum of this amount does without the named one: the text and the amount contradict each other.
    assert find_subsets([payment(310_43 + 77_03, amounts, named=(0,))], LIMITS) == []
    # The named ones alone are no sum to be found.
    assert find_subsets([payment(812_41 + 310_43, amounts, named=(0, 1))], LIMITS) == []


def test_lambda_is_as_the_design_says() -> None:
    """k = 4 and a range of 5,000.00: eight and ten open items pass, twelve do not."""
    for items, subsets, passes in ((8, 162, True), (10, 385, True), (12, 793, False)):
        assert sum(comb(items, size) for size in range(1, 5)) == subsets
        amounts = [500_000 // items - 1] * (items - 1)
        amounts.append(500_000 - sum(amounts))
        assert is_dense(amounts, 1, LIMITS) is not passes


def test_lambda_is_judged_to_the_cent() -> None:
    """Three items are seven subsets: over a range of 70.00 that is one payment in a thousand, over 70.01 less."""
    assert is_dense((10_01, 20_02, 39_97), 1, LIMITS)
    assert not is_dense((10_01, 20_02, 39_98), 1, LIMITS)
    assert said(find_subsets([payment(30_03, (10_01, 20_02, 39_97))], LIMITS))[0][2] == COULD_BE_CHANCE


def test_round_prices_are_never_certain() -> None:
    """Multiples of 5.00: the sums have five hundred times as few places to fall on."""
    amounts = (135_00, 220_00, 415_00, 705_00, 990_00)
    assert said(find_subsets([payment(555_00, (*amounts[:1], 420_00, *amounts[2:]))], LIMITS))[0][2] == COULD_BE_CHANCE
    # One odd amount beside them makes their own sums no rarer.
    odd = (135_00, 420_00, 415_00, 705_00, 990_00, 1234_56)
    assert said(find_subsets([payment(555_00, odd)], LIMITS))[0][2] == COULD_BE_CHANCE


def test_a_large_item_beside_small_ones_makes_their_sums_no_rarer() -> None:
    made = random.Random(6)
    small = [made.randrange(300_00, 500_00) for _ in range(12)]
    amounts = [1_000_000_03, *small]
    found = find_subsets([payment(1_000_000_03 + small[0] + small[1], amounts)], LIMITS)
    assert [answer.verdict for answer in found] in ([], [COULD_BE_CHANCE])


def test_two_payments_of_a_day_that_share_an_item_are_both_for_a_person() -> None:
    amounts = (812_41, 310_43, 1555_17, 77_03)
    first = payment(812_41 + 310_43, amounts, key="A")
    second = payment(310_43 + 77_03, amounts, key="B")
    assert said(find_subsets([first, second], LIMITS)) == [
        ("A", ("I00", "I01"), CLAIMED_TWICE),
        ("B", ("I01", "I03"), CLAIMED_TWICE),
    ]
    # A day later the first has its items, and the second finds nothing.
    assert said(find_subsets([first, replace(second, booked_on=2)], LIMITS)) == [("A", ("I00", "I01"), CERTAIN)]


def test_what_another_customer_has_open_is_of_no_account() -> None:
    amounts = (812_41, 310_43, 1555_17, 77_03)
    first = payment(812_41 + 310_43, amounts, key="A")
    other = replace(payment(812_41 + 310_43, amounts, key="B"), account=("C", "L", "EUR"))
    assert [verdict for _, _, verdict in said(find_subsets([first, other], LIMITS))] == [CERTAIN, CERTAIN]


def test_all_days_at_once_and_day_after_day_are_the_same() -> None:
    amounts = (812_41, 310_43, 1555_17, 77_03, 2199_09, 451_33)
    first = payment(812_41 + 310_43, amounts, key="A", day=1)
    second = payment(1555_17 + 77_03, amounts, key="B", day=2)
    together = said(find_subsets([second, first], LIMITS))
    left = replace(second, items=second.items[2:])
    assert together == said(find_subsets([first], LIMITS)) + said(find_subsets([left], LIMITS))


def test_beyond_the_steps_of_one_payment_nothing_is_said() -> None:
    """Thirty items that are all to be chosen among are 65,536 sums."""
    assert (steps(29), steps(30)) == (49_152, 65_536)
    amounts = [10_001 + 37 * place * place for place in range(30)]
    asked = payment(sum(amounts[5:15]), amounts)
    assert affordable([asked], LIMITS) == []
    assert find_subsets([asked], LIMITS) == []
    assert affordable([replace(asked, items=asked.items[:29])], LIMITS) != []


def test_the_budget_of_a_run_goes_to_the_cheapest_first() -> None:
    amounts = (812_41, 310_43, 455_17, 277_03, 451_33, 398_12, 600_09)
    dear = payment(812_41 + 451_33, amounts, key="A")
    cheap = replace(payment(77_03 + 310_43, (77_03, 310_43, 120_00), key="B"), account=("C", "L", "EUR"))
    prices = {"A": steps(7), "B": steps(0)}
    for budget in range(sum(prices.values()) + 1):
        kept = [each.entry_key for each in affordable([dear, cheap], replace(LIMITS, run_steps=budget))]
        assert kept == [] if budget < prices["B"] else kept[:1] == ["B"]
        assert ("A" in kept) is (budget == sum(prices.values()))

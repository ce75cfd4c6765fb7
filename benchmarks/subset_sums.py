"""What it costs to find the only sum, and how often there is one, by the number of open items and the kind of amounts.

    .venv/bin/python benchmarks/subset_sums.py [--payments 2000]

`right`: payments of two to four of the open items. `other`: payments of anything else, one to a few cents beside such a
sum. Rates are payments a CPU second, the payments of one kind in one call.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from assets.reconciliation.subsets import CERTAIN, Item, Limits, Payment, find_subsets

LIMITS = Limits(items=4, accidents=1000, entry_steps=50_000, run_steps=10**12)
SEED = 4

AMOUNTS: dict[str, Callable[[random.Random], int]] = {
    "diverse": lambda made: int(made.lognormvariate(6.2, 1.1) * 100) + 500,
    "multiples of 5": lambda made: made.randrange(10, 400) * 500,
    "subscription prices": lambda made: made.choice((24_95, 49_95, 99_00, 149_00)),
}


def payments(items: int, amount: Callable[[random.Random], int], count: int, beside: Sequence[int]) -> list[Payment]:
    """Payments of different customers, each a sum of two to four of its customer's items and a few cents beside it."""
    made = random.Random(f"{SEED}/{items}")
    asked = []
    for number in range(count):
        amounts = [amount(made) for _ in range(items)]
        chosen = made.sample(amounts, made.randint(2, min(4, items - 1)))
        key = f"{number:06d}"
        asked.append(
            Payment(
                entry_key=key,
                account=("C", key, "EUR"),
                booked_on=1,
                cents=sum(chosen) + made.choice(beside),
                items=tuple(Item(f"I{place:02d}", cents) for place, cents in enumerate(amounts)),
            )
        )
    return asked


def main() -> None:
    """Prints the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--payments", type=int, default=2000)
    count = parser.parse_args().payments
    print("| amounts | open items | payments a CPU second | right: only sum | certain | other: only sum | certain |")
    print("|---|---|---|---|---|---|---|")
    for kind, amount in AMOUNTS.items():
        for items in (4, 8, 12, 20, 40):
            shares = []
            begun = time.process_time()
            for beside in ((0,), (-300, -55, -17, 3, 21, 110)):
                verdicts = Counter(
                    found.verdict for found in find_subsets(payments(items, amount, count, beside), LIMITS)
                )
                shares += [verdicts.total(), verdicts[CERTAIN]]
            rate = 2 * count / (time.process_time() - begun)
            told = " | ".join(f"{100 * share / count:.1f} %" for share in shares)
            print(f"| {kind} | {items} | {rate:,.0f} | {told} |")


if __name__ == "__main__":
    main()

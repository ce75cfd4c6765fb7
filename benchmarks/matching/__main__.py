"""Measures the matching rules on worlds whose truth is known.

.venv/bin/python -m benchmarks.matching [--seeds 1 2] [--portfolios diverse ...] [--wrong] [--by-noise]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from assets.landing.warehouse import reading
from benchmarks.matching.score import Outcome, Share, judged, outcomes_of
from benchmarks.matching.warehouse import build
from benchmarks.matching.worlds import PORTFOLIOS, Receipt, World, make_world


def main() -> None:
    """Builds the worlds and prints the figures in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--portfolios", nargs="+", default=[portfolio.name for portfolio in PORTFOLIOS])
    parser.add_argument("--wrong", action="store_true", help="show every receipt that was placed wrongly")
    parser.add_argument("--by-noise", action="store_true", help="show the share placed of each kind of noise")
    parser.add_argument("--keep", type=Path, help="keep the warehouse in this folder")
    arguments = parser.parse_args()
    chosen = [portfolio for portfolio in PORTFOLIOS if portfolio.name in arguments.portfolios]
    worlds = [make_world(portfolio, seed) for portfolio in chosen for seed in arguments.seeds]
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        receipts = build(folder, worlds)
        outcomes = read_outcomes(folder / "warehouse.duckdb", receipts)
    report(worlds, receipts, outcomes, arguments)


def read_outcomes(warehouse: Path, receipts: dict[str, Receipt]) -> dict[str, Outcome]:
    """What the rules said of each receipt."""
    with reading(warehouse) as connection:
        allocations = connection.execute(
            "select entry_key, invoice_id, amount from reconciliation.payment_allocations"
        ).fetchall()
        proposals = connection.execute(
            "select entry_key, invoice_id, rank from reconciliation.match_proposals"
        ).fetchall()
    return outcomes_of(allocations, proposals, receipts)


def report(
    worlds: list[World], receipts: dict[str, Receipt], outcomes: dict[str, Outcome], arguments: argparse.Namespace
) -> None:
    by_world: dict[int, list[tuple[Receipt, Outcome]]] = defaultdict(list)
    places = {id(receipt): number for number, world in enumerate(worlds) for receipt in world.receipts}
    for key, receipt in receipts.items():
        by_world[places[id(receipt)]].append((receipt, outcomes.get(key, Outcome())))
    for number, world in enumerate(worlds):
        score = judged(world, by_world[number])
        print(f"\n## {world.company_id}\n")
        for name in ("automatic", "payments", "allocations", "customers", "first_proposal", "three_proposals"):
            print(f"- {name}: {getattr(score, name)}")
        if arguments.wrong:
            print("\n".join(f"  - {line}" for line in score.wrong))
        if arguments.by_noise:
            kinds: dict[str, Share] = defaultdict(Share)
            for receipt, outcome in by_world[number]:
                kinds[receipt.noise] += Share(int(bool(outcome.placed)), 1)
            print("  placed: " + ", ".join(f"{kind} {share.hits}/{share.of}" for kind, share in sorted(kinds.items())))


if __name__ == "__main__":
    main()

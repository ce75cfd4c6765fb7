"""Measures the matching rules on worlds whose truth is known, beside two matchers to compare with.

.venv/bin/python -m benchmarks.matching [--seeds 1 2 3] [--portfolios diverse ...] [--wrong] [--by-noise] [--reminders]
.venv/bin/python -m benchmarks.matching --report       writes REPORT.md, on seeds that are never used in development
.venv/bin/python -m benchmarks.matching --ratchet      tightens ratchet.json, the limits that the tests hold the rules to
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.matching.measure import Measured, measure
from benchmarks.matching.ratchet import FILE, measured_small, read_limits, tightened, write_limits
from benchmarks.matching.report import REPORT, SEEDS, written
from benchmarks.matching.score import MEASURES, Score
from benchmarks.matching.worlds import PORTFOLIOS


def main() -> None:
    """Builds the worlds and prints the figures, or writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--portfolios", nargs="+", default=[portfolio.name for portfolio in PORTFOLIOS])
    parser.add_argument("--wrong", action="store_true", help="show every receipt that was placed wrongly")
    parser.add_argument("--by-noise", action="store_true", help="show the share placed of each kind of noise and rule")
    parser.add_argument("--reminders", action="store_true", help="build up to dunning and look for wrong reminders")
    parser.add_argument("--baselines", action="store_true", help="show the two matchers to compare with")
    parser.add_argument("--keep", type=Path, help="keep the warehouse in this folder")
    parser.add_argument("--report", action="store_true", help=f"write {REPORT.name} on the seeds of the report")
    parser.add_argument("--ratchet", action="store_true", help=f"tighten {FILE.name} by what is measured now")
    arguments = parser.parse_args()
    chosen = [portfolio for portfolio in PORTFOLIOS if portfolio.name in arguments.portfolios]
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.ratchet:
            write_limits(tightened(read_limits(), measured_small(folder)))
            print(FILE.read_text(encoding="utf-8"))
            return
        seeds = SEEDS if arguments.report else arguments.seeds
        measured = measure(folder, chosen, seeds, reminders=arguments.reminders or arguments.report)
    if arguments.report:
        REPORT.write_text(written(measured), encoding="utf-8")
        print(f"Written: {REPORT}")
    else:
        show(measured, arguments)


def show(measured: dict[str, Measured], arguments: argparse.Namespace) -> None:
    for name, found in measured.items():
        print(f"\n## {name}\n")
        show_score(found.score)
        if found.reminders is not None:
            late = found.fortnight.shares
            print(f"- last fortnight: automatic {late['automatic']}; customers {late['customers']}")
            print(f"- reminders: {found.reminders}")
            print("\n".join(f"  - {line}" for line in found.reminders.wrong))
        if arguments.baselines:
            for baseline, score in found.baselines.items():
                print(f"\n{baseline}:")
                show_score(score)
        if arguments.by_noise:
            kinds = sorted(found.score.placed_by_noise.items())
            print("  placed: " + ", ".join(f"{kind} {share.hits}/{share.of}" for kind, share in kinds))
            rules = sorted(found.score.by_rule.items())
            print("  right: " + ", ".join(f"{rule} {share.hits}/{share.of}" for rule, share in rules))
        if arguments.wrong:
            print("\n".join(f"  - {line}" for line in found.score.wrong))


def show_score(score: Score) -> None:
    for name in MEASURES:
        print(f"- {name}: {score.shares[name]}")


if __name__ == "__main__":
    main()

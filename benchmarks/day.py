"""What a day costs, by step: the demonstration's days, and a day on which almost nothing happens.

    .venv/bin/python benchmarks/day.py [--home DIR]

Wall seconds by step come from the home's own Dagster event log; the whole is the command as a user waits for it. Run it on a
machine that does nothing else, and quote medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from orchestration.home import Home

TIJDIG = Path(sys.executable).with_name("tijdig")
REPEATS = 3


def main() -> None:
    """Times both and prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--until", default="2026-11-20", help="Last day of the simulated company")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        busy, empty = Path(folder) / "demonstration", Path(folder) / "empty"
        whole = timed("demo", "--home", str(busy), "--until", arguments.until, "--quiet")
        print(f"Making the demonstration and its three days: {whole:.1f} s\n")
        again = [timed("run", "--home", str(busy), "--date", arguments.until, "--quiet") for _ in range(REPEATS)]
        timed("init", "--home", str(empty))
        timed("run", "--home", str(empty), "--date", arguments.until, "--quiet")
        nothing = [timed("run", "--home", str(empty), "--date", arguments.until, "--quiet") for _ in range(REPEATS)]
        print("| | demonstration day, again | day without anything |\n|---|---|---|")
        print(f"| **whole command** | **{statistics.median(again):.1f}** | **{statistics.median(nothing):.1f}** |")
        busy_steps, empty_steps = steps(Home(busy)), steps(Home(empty))
        for step in busy_steps:
            print(f"| {step} | {busy_steps[step]:.1f} | {empty_steps.get(step, 0):.1f} |")
        for name, home, wall in (("demonstration", busy_steps, again), ("empty", empty_steps, nothing)):
            rest = statistics.median(wall) - sum(home.values())
            print(f"\nOutside the steps ({name}): {rest:.1f} s of imports, Dagster's own work and the summary.")


def timed(*arguments: str) -> float:
    """Wall seconds of one command; it must succeed."""
    began = time.monotonic()
    subprocess.run([str(TIJDIG), *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def steps(home: Home) -> dict[str, float]:
    """Median wall seconds of each step over the last runs of a home, in the order they ran."""
    os.environ["DAGSTER_HOME"] = str(home.dagster)
    import dagster as dg

    seconds: dict[str, list[float]] = defaultdict(list)
    with dg.DagsterInstance.get() as instance:
        for run in reversed(instance.get_runs(limit=2 * REPEATS)):
            began: dict[str, float] = {}
            for record in instance.all_logs(run.run_id):
                event = record.dagster_event
                if event is None or event.step_key is None:
                    continue
                if event.event_type_value == "STEP_START":
                    began[event.step_key] = record.timestamp
                elif event.event_type_value == "STEP_SUCCESS":
                    seconds[event.step_key].append(record.timestamp - began[event.step_key])
    return {step: statistics.median(values) for step, values in seconds.items()}


if __name__ == "__main__":
    main()

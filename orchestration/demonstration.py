"""The demonstration: a home in rehearsal with a simulated company in it, and its last three bank days."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

from assets.operations.clock import SystemClock, calendar_date
from assets.problem import UsageProblem
from orchestration.day import run_day
from orchestration.home import Home, create_home, find_home, write_private
from orchestration.installation import open_installation
from orchestration.summary import Summary
from simulation.erp import ERP_QUERIES
from simulation.world import build_world
from simulation.writing import WrittenWorld, write_day, write_world

# Beside the inboxes, never in them: the ERP's own database and the truth about every payment.
WORLD_FOLDER = "simulation"
STAMP_FILE = "demonstration.json"

# Enough for every role to be played, few enough for a first look.
CUSTOMERS = 220


def demonstrate(
    root: Path,
    *,
    until: date | None,
    seed: int,
    shows_progress: bool,
    say: Callable[[str], None],
    customers: int = CUSTOMERS,
) -> tuple[Home, list[Summary]]:
    """Makes a demonstration home and runs its days; on a home that has them already, runs its last day again.

    Raises UsageProblem when there is another home at `root`.
    """
    if Home(root.resolve()).settings_file.exists():
        return _again(find_home(root), shows_progress=shows_progress, say=say)
    home = create_home(root)
    installation = open_installation(home)
    installation.store.dispose()
    until = until or calendar_date(SystemClock(), installation.timezone)
    say(f"Making a company that never was, up to {until} ...")
    world = build_world(seed, until, customer_count=customers)
    first, *later = world.demonstration_days
    folder = home.root / WORLD_FOLDER
    written = write_world(world, folder, until=first, months_in_one_file=True)
    write_private(home.settings_file, settings_text(home.settings_file.read_text(encoding="utf-8"), written.erp_url))
    _hand_in(home, written)
    summaries = [run_day(home, first, shows_progress=shows_progress)]
    for day in later:
        _hand_in(home, write_day(world, folder, day))
        summaries.append(run_day(home, day, shows_progress=shows_progress))
    stamp = {"seed": seed, "until": until.isoformat(), "last_day": world.demonstration_days[-1].isoformat()}
    write_private(folder / STAMP_FILE, json.dumps(stamp) + "\n")
    return home, summaries


def _again(home: Home, *, shows_progress: bool, say: Callable[[str], None]) -> tuple[Home, list[Summary]]:
    stamp = home.root / WORLD_FOLDER / STAMP_FILE
    if not stamp.is_file():
        raise UsageProblem(
            "there is a home here, and it is no finished demonstration",
            where=str(home.root),
            remedy="give another --home; to begin a demonstration anew, delete that folder first",
        )
    last_day = date.fromisoformat(json.loads(stamp.read_text(encoding="utf-8"))["last_day"])
    say(f"The demonstration is there already; its last day, {last_day}, is run again: nothing is sent twice.")
    return home, [run_day(home, last_day, shows_progress=shows_progress)]


def _hand_in(home: Home, written: WrittenWorld) -> None:
    """Moves what the outside world delivered into the inboxes."""
    for files, inbox in ((written.bank_files, home.bank_inbox), (written.register_files, home.register_inbox)):
        for path in files:
            shutil.move(path, inbox / path.name)


def settings_text(template: str, erp_url: str) -> str:
    """The settings of a demonstration: the template with the ERP's address and a query per table."""
    queries = "\n".join(f"{name} = '''\n{query.strip()}\n'''" for name, query in ERP_QUERIES.items())
    before, heading, after = template.partition("[billing]\n")
    billing = f'{heading}url = "{erp_url}"\nmode = "full"\n\n[billing.queries]\n{queries}\n'
    rest = after[after.index("[operations]") :]
    return f"{before}{billing}\n{rest}"

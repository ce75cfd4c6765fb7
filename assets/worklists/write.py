"""Writes a day's worklists and call sheets into a folder of that day, whole or not at all."""

import hashlib
import os
import re
import shutil
import unicodedata
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

from assets.worklists.books import worklist_csv, worklist_xlsx
from assets.worklists.sheets import labels_of, open_press, render_sheet
from assets.worklists.tables import call_sheets, open_tasks

# They hold names, telephone numbers and debts: what a day was, the register and the decisions keep.
KEPT_DAYS = 31
_DAY_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Written:
    """How many worklists, tasks and call sheets the day has."""

    worklists: int
    tasks: int
    call_sheets: int


def write_day(warehouse: Path, folder: Path, templates: Path, as_of: date) -> Written:
    """Writes `<folder>/<as_of>/<owner>.xlsx`, `.csv` and `call-sheets/<task_id>.html`, in place of those of an earlier run.

    A run of the same day replaces the folder in one step, so nobody opens half a day.
    """
    press = open_press(templates)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder / f".{as_of.isoformat()}.tmp"
    shutil.rmtree(aside, ignore_errors=True)
    for each in (aside, aside / "call-sheets"):
        each.mkdir(mode=0o700)
    tasks = open_tasks(warehouse, as_of)
    owners = 0
    for owner, group in groupby(tasks, key=lambda task: task.owner):
        own = list(group)
        name = file_name(owner)
        _write(aside / f"{name}.csv", worklist_csv(own))
        _write(aside / f"{name}.xlsx", worklist_xlsx(own, labels_of(press, own[0].language)))
        owners += 1
    sheets = 0
    for row in call_sheets(warehouse, as_of):
        _write(aside / "call-sheets" / f"{row['task_id']}.html", render_sheet(press, row).encode("utf-8"))
        sheets += 1
    _put_in_place(aside, folder / as_of.isoformat())
    _forget_old_days(folder)
    return Written(owners, len(tasks), sheets)


def file_name(owner: str) -> str:
    """A name any system takes, and no two owners share: `M. Visser` is `m-visser-` and six digits of its hash."""
    plain = unicodedata.normalize("NFKD", owner).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "owner"
    return f"{slug}-{hashlib.sha256(owner.encode('utf-8')).hexdigest()[:6]}"


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def _put_in_place(aside: Path, target: Path) -> None:
    if target.exists():
        before = target.with_name(f".{target.name}.before")
        shutil.rmtree(before, ignore_errors=True)
        os.replace(target, before)
        os.replace(aside, target)
        shutil.rmtree(before)
    else:
        os.replace(aside, target)


def _forget_old_days(folder: Path) -> None:
    days = sorted(path for path in folder.iterdir() if _DAY_FOLDER.fullmatch(path.name))
    for path in days[:-KEPT_DAYS]:
        shutil.rmtree(path)

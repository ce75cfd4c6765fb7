"""Where the golden call sheets lie, and how they are made again: `python -m tests.worklists.golden_files`."""

from pathlib import Path

from assets.worklists.sheets import open_press, render_sheet
from tests.worklists.cases import CASES

FOLDER = Path(__file__).parent / "golden"
TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "worklists"


def rendered(name: str) -> str:
    return render_sheet(open_press(TEMPLATES), CASES[name])


if __name__ == "__main__":
    for case in CASES:
        (FOLDER / f"{case}.html").write_text(rendered(case), encoding="utf-8")

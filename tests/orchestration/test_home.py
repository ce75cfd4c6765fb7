"""The home folder: made once, for its owner only, and written by one command at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from assets.problem import UsageProblem
from orchestration.home import FOLDERS, create_home, find_home, locked, write_private


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_home_has_every_folder_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        home = create_home(tmp_path / "nieuw" / "thuis")
    finally:
        os.umask(before)
    for folder in (*FOLDERS, "inbox", "."):
        assert mode(home.root / folder) == 0o700, folder
    assert mode(home.settings_file) == 0o600
    assert mode(home.dagster / "dagster.yaml") == 0o600


def test_a_home_is_made_once(tmp_path: Path) -> None:
    home = create_home(tmp_path)
    home.settings_file.write_text("[home]\n", encoding="utf-8")
    with pytest.raises(UsageProblem, match="there is a home here already") as refusal:
        create_home(tmp_path)
    assert refusal.value.where == str(tmp_path)
    assert home.settings_file.read_text(encoding="utf-8") == "[home]\n", "nobody's settings are written over"


def test_a_folder_that_has_other_files_may_become_a_home(tmp_path: Path) -> None:
    (tmp_path / "notities.txt").write_text("x", encoding="utf-8")
    create_home(tmp_path)
    assert (tmp_path / "notities.txt").exists()


@pytest.mark.parametrize("where", ["bestand", "bestand/thuis", "bestand/diep/thuis"])
def test_a_home_in_the_place_of_a_file_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "bestand").write_text("x", encoding="utf-8")
    with pytest.raises(UsageProblem, match="the home cannot be made") as refusal:
        create_home(tmp_path / where)
    assert "may be written to" in refusal.value.what_to_do


def test_a_home_where_nothing_may_be_written_is_refused() -> None:
    with pytest.raises(UsageProblem, match="the home cannot be made"):
        create_home(Path("/proc/tijdig"))


@pytest.mark.parametrize("where", [".", "nergens", "bestand", "bestand/x"])
def test_where_there_is_no_home_the_refusal_says_how_to_make_one(tmp_path: Path, where: str) -> None:
    (tmp_path / "bestand").write_text("x", encoding="utf-8")
    with pytest.raises(UsageProblem, match="there is no home here") as refusal:
        find_home(tmp_path / where)
    assert "tijdig init" in refusal.value.what_to_do
    assert refusal.value.where == str((tmp_path / where).resolve())


def test_only_one_holds_the_lock_and_it_is_free_afterwards(tmp_path: Path) -> None:
    home = create_home(tmp_path)
    with locked(home):
        assert mode(home.root / "lock") == 0o600
        with pytest.raises(UsageProblem, match="another command is writing"), locked(home):
            pass
    with locked(home):
        pass


def test_the_lock_dies_with_its_process(tmp_path: Path) -> None:
    home = create_home(tmp_path)
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom orchestration.home import find_home, locked\n"
        "with locked(find_home(Path(sys.argv[1]))):\n    print('locked', flush=True)\n    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    with pytest.raises(UsageProblem, match="another command is writing"), locked(home):
        pass
    holder.kill()
    holder.wait(timeout=20)
    holder.stdout.close()
    with locked(home):
        pass


def test_a_home_that_cannot_be_locked_is_named(tmp_path: Path) -> None:
    home = create_home(tmp_path)
    (home.root / "lock").mkdir()
    with pytest.raises(UsageProblem, match="cannot be locked"), locked(home):
        pass


def test_private_files_stay_private_when_written_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_private(path, "een lange tekst")
    write_private(path, "kort")
    assert (path.read_text(encoding="utf-8"), mode(path)) == ("kort", 0o600)

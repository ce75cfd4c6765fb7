"""One simulated company, its three days run once; each test that changes something gets a copy of that home."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from orchestration.cli import cli
from orchestration.demonstration import demonstrate
from orchestration.home import Home
from orchestration.summary import Summary

UNTIL = date(2026, 11, 20)


@dataclass(frozen=True)
class Demonstration:
    """A home whose three days were run, with what each day reported."""

    home: Home
    summaries: list[Summary]


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Demonstration:
    root = tmp_path_factory.mktemp("demonstration") / "home"
    home, summaries = demonstrate(root, until=UNTIL, seed=7, customers=100, shows_progress=False, say=lambda _: None)
    return Demonstration(home, summaries)


@pytest.fixture
def copied(demonstration: Demonstration, tmp_path: Path) -> Home:
    """A copy of the demonstration that may be changed. Its ERP lies in the copy too."""
    root = tmp_path / "home"
    shutil.copytree(demonstration.home.root, root)
    settings = root / "tijdig.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace(str(demonstration.home.root), str(root)), encoding="utf-8"
    )
    return Home(root)


@pytest.fixture
def tijdig(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command as a user calls it, in this process; the home is given with every call."""
    monkeypatch.delenv("TIJDIG_HOME", raising=False)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)

    def call(*arguments: str, home: Home) -> Result:
        monkeypatch.delenv("DAGSTER_HOME", raising=False)
        return CliRunner().invoke(cli, [*arguments, "--home", str(home.root)], catch_exceptions=False)

    return call


def answer(result: Result) -> dict[str, object]:
    """The one JSON document of a command called with --json."""
    document = json.loads(result.stdout)
    assert isinstance(document, dict)
    return document

"""The weeks, lived through once: every story of this folder is told before they begin."""

import importlib
from pathlib import Path

import pytest

from tests.scenarios.town import Weeks


@pytest.fixture(scope="session")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Weeks:
    """All stories, also when only some of their tests are asked for: they share the weeks."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.scenarios.{path.stem}")
    lived = Weeks(tmp_path_factory.mktemp("weeks") / "home")
    lived.live()
    return lived

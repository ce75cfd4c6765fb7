"""The dbt project, parsed once and built empty once: what the rule tests stand on."""

import json
from pathlib import Path
from typing import Any

import pytest

from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, ensure_manifest


@pytest.fixture(scope="session")
def dbt_home(tmp_path_factory: pytest.TempPathFactory) -> DbtHome:
    """A warehouse with the raw tables and nothing in them."""
    folder: Path = tmp_path_factory.mktemp("rules")
    home = DbtHome(folder / "warehouse.duckdb", folder / "target")
    with writing(home.warehouse):
        pass
    return home


@pytest.fixture(scope="session")
def manifest(dbt_home: DbtHome) -> dict[str, Any]:
    """The manifest of the project as dbt sees it."""
    document = json.loads(ensure_manifest(dbt_home).read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document

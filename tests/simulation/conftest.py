"""One default world and one staged delivery, shared by the tests of this folder: both are read-only here."""

from datetime import date
from pathlib import Path

import pytest

from simulation.model import World
from simulation.world import build_world
from simulation.writing import WrittenWorld, write_world

UNTIL = date(2026, 11, 20)


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(20_261, UNTIL)


@pytest.fixture(scope="session")
def written(world: World, tmp_path_factory: pytest.TempPathFactory) -> WrittenWorld:
    """The world as it stands on the first demonstration day."""
    directory: Path = tmp_path_factory.mktemp("world")
    return write_world(world, directory, until=world.demonstration_days[0])

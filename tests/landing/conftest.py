"""One landing room a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.landing.rooms import Rooms, open_rooms
from tests.operations.stores import tmp_path  # noqa: F401


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:  # noqa: F811
    opened = open_rooms(tmp_path)
    yield opened
    opened.store.dispose()

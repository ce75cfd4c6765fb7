"""One landing room a test: what billing lands, it lands there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.billing.erps import Erp, open_erp
from tests.landing.rooms import Rooms, open_rooms
from tests.operations.stores import postgresql_url, tmp_path  # noqa: F401


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:  # noqa: F811
    opened = open_rooms(tmp_path)
    yield opened
    opened.store.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def erp(request: pytest.FixtureRequest, rooms: Rooms) -> Erp:
    return open_erp(request.param, rooms.root, request)

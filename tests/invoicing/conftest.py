"""One landing room a test, with a company and its customers in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.invoicing.rooms import Mailbox, open_mailbox
from tests.operations.stores import tmp_path  # noqa: F401


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:  # noqa: F811
    opened = open_mailbox(tmp_path)
    yield opened
    opened.rooms.store.dispose()

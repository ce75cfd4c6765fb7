"""One environment for all rendering tests: compiling templates and fonts once is enough."""

import pytest

from assets.communications.render import RenderEnvironment, open_environment
from tests.communications.golden_cases import TEMPLATES


@pytest.fixture(scope="session")
def environment() -> RenderEnvironment:
    return open_environment(TEMPLATES)

"""Every message, word for word as its receiver gets it. Regenerate: python -m tests.communications.golden_files"""

from collections.abc import Mapping
from typing import Any

import pytest

from assets.communications.render import RenderEnvironment
from tests.communications.golden_cases import GOLDEN, golden_rows
from tests.communications.golden_files import readings


@pytest.mark.parametrize(("name", "row"), golden_rows().items(), ids=golden_rows().keys())
def test_message_reads_as_it_was_approved(name: str, row: Mapping[str, Any], environment: RenderEnvironment) -> None:
    for suffix, text in readings(row, environment).items():
        assert text == (GOLDEN / f"{name}.{suffix}").read_text(encoding="utf-8"), f"{name}.{suffix}"


def test_no_golden_file_is_left_over() -> None:
    names = {path.name for path in GOLDEN.iterdir()}
    email = {"headers.txt", "text.txt", "html", "qr.txt"}
    letter = {"letter.txt", "qr.txt"}
    assert names == {
        f"{name}.{suffix}" for name in golden_rows() for suffix in (email if name.startswith("email") else letter)
    }

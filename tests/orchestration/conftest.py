"""Homes are made on the quick disk: a test waits for none."""

from tests.operations.stores import tmp_path  # noqa: F401

"""Fixtures of the operations store, for the folder."""

from tests.operations.stores import clock, sqlite_engine, sqlite_url, tmp_path

__all__ = ["clock", "sqlite_engine", "sqlite_url", "tmp_path"]

"""Where the exact bytes of messages are kept, by their own hash."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Protocol

from assets.operations.canonical import sha256_hex
from assets.operations.refusal import Refusal


class BodyArchive(Protocol):
    """Content-addressed storage. `get` returns exactly what `put` was given, or raises."""

    def put(self, content: bytes) -> str:
        """Keep `content` durably and return its SHA-256."""
        ...

    def get(self, sha256: str) -> bytes:
        """The content with that hash. Raises Refusal when it is missing or damaged."""
        ...


class DirectoryBodyArchive:
    """A folder of read-only files named by hash, two levels deep."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep `content` durably (temp, fsync, rename) and return its SHA-256. Content already kept is left alone."""
        sha256 = sha256_hex(content)
        target = self._path(sha256)
        if target.exists():
            return sha256
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".put-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o400)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(target.parent)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The content with that hash. Raises Refusal when it is missing or damaged."""
        path = self._path(sha256)
        if not path.is_file():
            raise Refusal(f"The body {sha256} is not in the archive", str(path), "Run the day again: it renders anew")
        content = path.read_bytes()
        if sha256_hex(content) != sha256:
            raise Refusal(f"The body {sha256} is damaged", str(path), "Restore the archive from its backup")
        return content

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable: a renamed file survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

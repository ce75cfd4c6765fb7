"""The archive: every file ever taken in, and every data set a run keeps, found by the SHA-256 of its bytes."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from assets.problem import DataProblem


@dataclass(frozen=True, slots=True)
class Archive:
    """Content-addressed, read-only storage: the same bytes are kept once and never overwritten."""

    root: Path

    def path_of(self, sha256: str) -> Path:
        """Where the content with this hash lies, or would lie."""
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        return self.path_of(sha256).is_file()

    def put(self, content: bytes) -> str:
        """Keeps `content` and returns its SHA-256. Keeping the same content again changes nothing."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self.path_of(sha256)
        if target.exists():
            return sha256
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A crash must leave either the whole content under its name or nothing: write aside, sync, rename.
        descriptor, aside = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(aside, 0o400)
        os.replace(aside, target)
        # The inbox forgets the file next; a power cut must not be able to undo the one and keep the other.
        sync_folder(target.parent)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The content with this hash. Raises DataProblem when it is gone or no longer what it was."""
        path = self.path_of(sha256)
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise DataProblem(
                "an archived file is missing", where=str(path), remedy="restore the archive from its backup"
            ) from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise DataProblem(
                "an archived file was changed", where=str(path), remedy="restore the archive from its backup"
            )
        return content


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: a renamed file survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

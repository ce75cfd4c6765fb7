"""The archive: every file ever taken in, and every data set a run keeps, found by the SHA-256 of its bytes."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assets.landing.inbox import PIECE_BYTES, FileChanged, InboxFile
from assets.problem import DataProblem

INCOMING = ".incoming"


@dataclass(frozen=True, slots=True)
class Received:
    """Our own copy of a file, which nobody else can change: durable, but not in the archive yet."""

    path: Path
    sha256: str
    size: int


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
        if not self.has(sha256):
            self.keep(self._written([content]))
        return sha256

    def receive(self, file: InboxFile) -> Received | None:
        """Copies a file of an inbox in pieces; None when it changed or went away meanwhile, and waits for the next run.

        What is read, judged and kept is the copy: the file itself may be anything by then. `keep` or `drop` it.
        """
        try:
            return self._written(file.pieces())
        except FileChanged:
            return None

    def put_file(self, path: Path) -> str:
        """Keeps a copy of a file of our own making, taken in pieces, and returns its SHA-256."""
        with path.open("rb") as source:
            received = self._written(iter(lambda: source.read(PIECE_BYTES), b""))
        self.keep(received)
        return received.sha256

    def keep(self, received: Received) -> Path:
        """Makes a received file part of the archive, for good."""
        target = self.path_of(received.sha256)
        if target.exists():
            self.drop(received)
            return target
        if not target.parent.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync_folder(self.root)
        os.replace(received.path, target)
        # The inbox forgets the file next; a power cut must not be able to undo the one and keep the other.
        sync_folder(target.parent)
        return target

    def drop(self, received: Received) -> None:
        """Forgets a received file: a duplicate, or one that lies in quarantine."""
        received.path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Removes what a run that died had received and not kept; the files themselves are still in their inbox."""
        for left_over in (self.root / INCOMING).glob("*"):
            left_over.unlink()

    def _written(self, pieces: Iterable[bytes]) -> Received:
        """Writes pieces aside, hashed on the way. A crash must leave either the whole content under its name or nothing."""
        folder = self.root / INCOMING
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        size = 0
        descriptor, aside = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as target:
                for piece in pieces:
                    digest.update(piece)
                    size += target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            os.chmod(aside, 0o400)
        except BaseException:
            os.unlink(aside)
            raise
        return Received(Path(aside), digest.hexdigest(), size)

    def get(self, sha256: str) -> bytes:
        """The content with this hash. Raises DataProblem when it is gone or no longer what it was."""
        return self.verified(sha256).read_bytes()

    def verified(self, sha256: str) -> Path:
        """Where the content with this hash lies, for reading in pieces. Raises DataProblem as `get` does."""
        path = self.path_of(sha256)
        digest = hashlib.sha256()
        try:
            with path.open("rb") as source:
                while piece := source.read(PIECE_BYTES):
                    digest.update(piece)
        except FileNotFoundError as error:
            raise DataProblem(
                "an archived file is missing", where=str(path), remedy="restore the archive from its backup"
            ) from error
        if digest.hexdigest() != sha256:
            raise DataProblem(
                "an archived file was changed", where=str(path), remedy="restore the archive from its backup"
            )
        return path


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable: a renamed file survives a power cut only after this."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Taking files out of an inbox: only whole ones, and never through a link."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.problem import DataProblem

# What programs call a file they are still writing.
UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".filepart", ".crdownload")

# No statement, invoice or worklist is larger; beyond this a file is an accident or an attack.
LARGEST_FILE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A complete file of an inbox with its content. `refusal` is set when it must not be read (a link, too large)."""

    path: Path
    content: bytes
    refusal: str = ""

    @property
    def name(self) -> str:
        """The file's name as text; bytes in it that are no text are shown as such, since no store could hold them."""
        return os.fsencode(self.path.name).decode("utf-8", "backslashreplace")


def complete_files(inbox: Path) -> Iterator[InboxFile]:
    """The complete files of `inbox` in name order. A file that changes while it is read is left for the next run.

    Raises DataProblem for a file that may not be read: to go on without a bank file is to remind people who have paid.
    """
    if not inbox.is_dir():
        return
    for path in sorted(inbox.iterdir(), key=lambda path: path.name):
        if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED_SUFFIXES):
            continue
        try:
            before = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISLNK(before.st_mode):
            yield InboxFile(path, b"", refusal="it is a symbolic link")
            continue
        if not stat.S_ISREG(before.st_mode):
            continue
        if before.st_size > LARGEST_FILE_BYTES:
            yield InboxFile(path, b"", refusal=f"it is larger than {LARGEST_FILE_BYTES} bytes")
            continue
        try:
            content = path.read_bytes()
            after = path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataProblem(
                f"a file in the inbox cannot be read: {error.strerror}",
                where=str(path),
                remedy="let the user this runs as read it, or take it out of the inbox",
            ) from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != after.st_size:
            continue
        yield InboxFile(path, content)


def take_away(file: InboxFile) -> None:
    """Removes a file from its inbox, once it lies in the archive or in quarantine."""
    os.unlink(file.path)

"""Taking files out of an inbox: only whole, plain ones, and never through a link.

Whoever may write into an inbox may put anything there and change it at any moment. So a file is opened without following
links and without waiting for a writer, what is opened is what is judged, and what was looked at is compared again after it
was read and before it is removed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from assets.problem import DataProblem

# What programs call a file they are still writing.
UNFINISHED_SUFFIXES = (".part", ".partial", ".tmp", ".filepart", ".crdownload")

# What is read into memory whole: no invoice, extract or worklist is larger; beyond this a file is an accident or an attack.
LARGEST_FILE_BYTES = 1_000_000_000
# What is read piece by piece: some ten million entries of the wordiest format.
LARGEST_STREAMED_BYTES = 16_000_000_000

PIECE_BYTES = 1 << 20

_KINDS = (
    (stat.S_ISLNK, "it is a symbolic link"),
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
)


class Seen(NamedTuple):
    """What tells a file from another one, and from itself before it was written to."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, facts: os.stat_result) -> Seen:
        return cls(facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


class FileChanged(DataProblem):
    """The file is not what it was when it was looked at: somebody is still writing it. It waits for the next run."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "a file in the inbox changed while it was read",
            where=str(path),
            remedy="run again when it is complete; write files under another name first, such as .part, and rename them",
        )


@dataclass(frozen=True, slots=True)
class InboxFile:
    """A file of an inbox as it was `seen`. `refusal` is set when it must not be read: a link, a folder, too large."""

    path: Path
    seen: Seen
    refusal: str = ""
    held: bytes | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The file's name as text. Bytes that are no text, and characters that would break a line or turn the reading
        direction of a report, are shown as escapes."""
        text = os.fsencode(self.path.name).decode("utf-8", "backslashreplace")
        if text.isprintable():
            return text
        return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)

    @property
    def content(self) -> bytes:
        """The whole content; nothing of a file that must not be read.

        Raises FileChanged, and DataProblem when it cannot be read.
        """
        if self.refusal:
            return b""
        if self.held is not None:
            return self.held
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes]:
        """The content, a megabyte at a time. All of it may be used when the iterator has ended, none of it before.

        Raises FileChanged when the file is not, or no longer, what was seen; DataProblem when it may not be read: to go on
        without a bank file is to remind people who have paid.
        """
        try:
            # A pipe put in the file's place would make a plain open wait for ever.
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(error) from error
        with os.fdopen(descriptor, "rb", buffering=0) as source:
            self._must_be(os.fstat(descriptor))
            while piece := self._read(source):
                yield piece
            self._must_be(os.fstat(descriptor))
        try:
            self._must_be(self.path.lstat())
        except OSError as error:
            raise self._unreadable(error) from error

    def _must_be(self, facts: os.stat_result) -> None:
        if Seen.of(facts) != self.seen:
            raise FileChanged(self.path)

    def _read(self, source: io.FileIO) -> bytes:
        try:
            return source.read(PIECE_BYTES) or b""
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> DataProblem:
        # Gone, or a link or socket in its place: somebody is at work here.
        if isinstance(error, FileNotFoundError) or error.errno in (errno.ELOOP, errno.ENXIO):
            return FileChanged(self.path)
        return DataProblem(
            f"a file in the inbox cannot be read: {error.strerror}",
            where=str(self.path),
            remedy="let the user this runs as read it, or take it out of the inbox",
        )


def waiting_files(inbox: Path, *, largest: int = LARGEST_STREAMED_BYTES) -> Iterator[InboxFile]:
    """What lies in `inbox`, in name order, unread; hidden files and those still being written are left out.

    Whatever is no plain file, or larger than `largest` bytes, comes with a `refusal`, so that somebody hears of it.
    Raises DataProblem for an inbox that is itself a link.
    """
    try:
        found = inbox.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise DataProblem(
            "the inbox is a symbolic link" if stat.S_ISLNK(found.st_mode) else "the inbox is no folder",
            where=str(inbox),
            remedy="make it a folder of its own; where the files come from elsewhere, mount that place there",
        )
    for path in sorted(inbox.iterdir(), key=lambda path: path.name):
        if path.name.startswith(".") or path.name.lower().endswith(UNFINISHED_SUFFIXES):
            continue
        try:
            facts = path.lstat()
        except FileNotFoundError:
            continue
        yield InboxFile(path, Seen.of(facts), _refusal(facts, largest))


def _refusal(facts: os.stat_result, largest: int) -> str:
    if not stat.S_ISREG(facts.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(facts.st_mode)), "it is a device")
        return f"{kind}; put plain files into the inbox"
    return f"it is larger than {largest} bytes; deliver it in parts" if facts.st_size > largest else ""


def complete_files(inbox: Path) -> Iterator[InboxFile]:
    """The complete files of `inbox` in name order, held in memory. One that changes while it is read waits for the next run.

    Raises DataProblem for a file that may not be read.
    """
    for file in waiting_files(inbox, largest=LARGEST_FILE_BYTES):
        try:
            yield file if file.refusal else replace(file, held=file.content)
        except FileChanged:
            continue


def take_away(file: InboxFile) -> None:
    """Removes a file from its inbox, once it lies in the archive or in quarantine.

    What was put under its name since stays, for the next run; so does a folder, since nothing keeps what it holds.
    """
    try:
        facts = file.path.lstat()
    except FileNotFoundError:
        return
    if Seen.of(facts) == file.seen and not stat.S_ISDIR(facts.st_mode):
        os.unlink(file.path)


# How archives begin, with the offset.
_PACKED = (
    (0, b"PK\x03\x04", "a zip archive or an office document"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"PK\x07\x08", "a zip archive in parts"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x1f\x9d", "a compressed archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\x00", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!\x1a\x07", "a rar archive"),
    (257, b"ustar", "a tar archive"),
)
PACKED_BYTES = 512


def packed_as(head: bytes) -> str | None:
    """What kind of archive begins with these bytes (the first `PACKED_BYTES` of a file), or None. The name says nothing."""
    return next((words for offset, mark, words in _PACKED if head[offset : offset + len(mark)] == mark), None)

"""Quarantine: refused files, each beside a text that says why."""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.landing.archive import sync_folder
from assets.landing.batches import NumberedSource
from assets.landing.inbox import PIECE_BYTES, InboxFile


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file was refused: a stable code, a sentence for a person, and where in the file."""

    code: str
    message: str
    position: str = ""
    account_iban: str | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and where in the file, for the record and for the person who reads the day's report."""
        return f"{self.message} ({self.position})" if self.position else self.message


def quarantine(folder: Path, file: InboxFile, refused: Refused, copy: Path | None = None) -> str:
    """Keeps a refused file as `<sha256>` with `<sha256>.reason.json` beside it, and returns the hash.

    `copy` is our own copy of it, where there is one. A link is never followed: what is kept of it is the text of its
    target; of a folder, a pipe and the like, what it is. A file too large to have been read is copied in pieces: the inbox
    loses it afterwards, and it must not be lost. Raises FileChanged when it is still being written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sha256 = _keep(folder, file, copy)
    reason = {
        "file": file.name,
        "sha256": sha256,
        "code": refused.code,
        "message": refused.message,
        "position": refused.position,
        "account_iban": refused.account_iban,
    }
    path = folder / f"{sha256}.reason.json"
    text = json.dumps(reason | _earlier(path, reason), indent=2, ensure_ascii=False) + "\n"
    aside = folder / ".reason"
    _write(aside, [text.encode()])
    os.replace(aside, path)
    return sha256


def _earlier(path: Path, reason: dict[str, str | None]) -> dict[str, object]:
    """What the same bytes were refused for before, under another name or in another inbox: nothing said is lost."""
    if not path.exists():
        return {}
    written = json.loads(path.read_text(encoding="utf-8"))
    before = written.pop("earlier", [])
    kept = [*before, *([written] if written != reason and written not in before else [])]
    return {"earlier": kept} if kept else {}


def _keep(folder: Path, file: InboxFile, copy: Path | None) -> str:
    """Copies the content of `file` under its hash."""
    aside = folder / ".incoming"
    sha256 = _write(aside, _pieces(file, copy))
    os.replace(aside, folder / sha256)
    return sha256


def _pieces(file: InboxFile, copy: Path | None) -> Iterator[bytes]:
    if copy is not None:
        with copy.open("rb") as source:
            while piece := source.read(PIECE_BYTES):
                yield piece
    elif file.held is not None:
        yield file.held
    else:
        mode = file.path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield os.readlink(os.fsencode(file.path))
        elif stat.S_ISREG(mode):
            yield from file.pieces()
        else:
            yield f"{file.name}: {file.refusal}\n".encode()


def _write(path: Path, pieces: Iterable[bytes]) -> str:
    """Writes a file only its owner can read; returns the hash of what was written."""
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        for piece in pieces:
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    sync_folder(path.parent)
    return digest.hexdigest()


def quarantined_row(numbered: NumberedSource) -> tuple[object, ...]:
    """A refused file as a row of raw.quarantined_files."""
    source = numbered.source
    return (
        numbered.batch_id,
        source.sha256,
        source.inbox,
        source.account_iban,
        source.code,
        source.message,
        None,
        source.original_name,
    )

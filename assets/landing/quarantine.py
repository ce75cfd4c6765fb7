"""Quarantine: refused files, each beside a text that says why."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from assets.landing.batches import NumberedSource
from assets.landing.inbox import InboxFile


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a file was refused: a stable code, a sentence for a person, and where in the file."""

    code: str
    message: str
    position: str = ""
    account_iban: str | None = None


def quarantine(folder: Path, file: InboxFile, refused: Refused) -> str:
    """Keeps a refused file as `<sha256>` with `<sha256>.reason.json` beside it, and returns the hash.

    A link is never followed: what is kept of it is the text of its target.
    """
    content = os.readlink(file.path).encode() if file.path.is_symlink() else file.content
    sha256 = hashlib.sha256(content).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    reason = {
        "file": file.name,
        "sha256": sha256,
        "code": refused.code,
        "message": refused.message,
        "position": refused.position,
        "account_iban": refused.account_iban,
    }
    (folder / sha256).write_bytes(content)
    (folder / f"{sha256}.reason.json").write_text(
        json.dumps(reason, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return sha256


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

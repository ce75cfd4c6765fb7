"""The files beside a dossier: invoices and messages, byte for byte, named so that a person finds them and no name escapes.

What cannot be enclosed is said in the dossier, with the reason: an agency must not find out by itself that a letter is missing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from assets.landing.archive import Archive
from assets.problem import DataProblem

# A larger file is no invoice; it would be read into memory.
MAX_DOCUMENT_BYTES = 25 * 1024 * 1024


@dataclass(frozen=True)
class Enclosure:
    """A file of the dossier's folder, whose bytes are in the archive."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Enclosed:
    """What was enclosed, and what the dossier says of each: by invoice_id and by communication_id."""

    files: tuple[Enclosure, ...]
    of_invoices: dict[str, list[dict[str, str]]]
    of_messages: dict[str, dict[str, str]]


def enclose(
    invoices: Sequence[dict[str, Any]],
    documents: Sequence[dict[str, Any]],
    messages: Sequence[dict[str, Any]],
    archive: Archive,
    documents_folder: Path | None,
) -> Enclosed:
    """Gathers the documents of the invoices and the bodies of the messages into the archive and names them."""
    files: dict[str, str] = {}
    of_invoices: dict[str, list[dict[str, str]]] = {}
    for number, invoice in enumerate(invoices, start=1):
        said: list[dict[str, str]] = []
        stem = f"documents/{number:03d}-{safe(str(invoice['invoice_number']))}"
        for row in documents:
            if row["invoice_number"] == invoice["invoice_number"]:
                said.append(_from_archive(archive, str(row["source_sha256"]), stem, len(said)))
        if invoice.get("document_path"):
            said.append(_from_folder(archive, documents_folder, str(invoice["document_path"]), stem, len(said)))
        of_invoices[str(invoice["invoice_id"])] = said
        files.update((each["file"], each["sha256"]) for each in said if "file" in each)
    of_messages: dict[str, dict[str, str]] = {}
    for message in messages:
        sent_on: date = message["sent_on"]
        name = f"messages/{sent_on}-{safe(message['message_kind'])}-{safe(message['communication_id'])}.{safe(message['extension'])}"
        sha256 = message["body_sha256"]
        said_of_body = _missing_or(archive, sha256, name)
        of_messages[message["communication_id"]] = said_of_body
        if "file" in said_of_body:
            files[name] = sha256
    return Enclosed(tuple(Enclosure(name, files[name]) for name in sorted(files)), of_invoices, of_messages)


def safe(text: str) -> str:
    """A text as part of a file name: letters, digits, dot, hyphen and underscore, at most sixty, never a leading dot."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:60].lstrip(".") or "_"


def _from_archive(archive: Archive, sha256: str, stem: str, already: int) -> dict[str, str]:
    if not archive.has(sha256):
        return {"missing": "its file is no longer in the archive", "sha256": sha256}
    return _missing_or(archive, sha256, f"{_numbered(stem, already)}.{_extension(archive.get(sha256))}")


def _missing_or(archive: Archive, sha256: str, name: str) -> dict[str, str]:
    try:
        archive.verified(sha256)
    except DataProblem as problem:
        return {"missing": problem.what, "sha256": sha256}
    return {"file": name, "sha256": sha256}


def _from_folder(archive: Archive, folder: Path | None, named: str, stem: str, already: int) -> dict[str, str]:
    """The document the ERP names, from the one folder documents may come from: a path from outside opens nothing else."""
    if folder is None:
        return {"named": named, "missing": "no folder of documents is configured ([handover] documents)"}
    root = folder.resolve()
    path = (root / named).resolve()
    if not path.is_relative_to(root):
        return {"named": named, "missing": "it lies outside the folder of documents"}
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        return {"named": named, "missing": (error.strerror or "it cannot be read").lower()}
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_DOCUMENT_BYTES:
        os.close(descriptor)
        is_plain = stat.S_ISREG(status.st_mode)
        why = f"it is larger than {MAX_DOCUMENT_BYTES} bytes" if is_plain else "it is no plain file"
        return {"named": named, "missing": why}
    with os.fdopen(descriptor, "rb") as file:
        content = file.read()
    sha256 = archive.put(content)
    return {"named": named, "file": f"{_numbered(stem, already)}.{_extension(content, path.suffix)}", "sha256": sha256}


def _numbered(stem: str, already: int) -> str:
    return stem if already == 0 else f"{stem}-{already + 1}"


def _extension(content: bytes, given: str = "") -> str:
    if content.startswith(b"%PDF-"):
        return "pdf"
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "xml"
    return safe(given.lstrip(".").lower()) if given.strip(".") else "bin"

"""Golden documents: files of our own making, each beside what reading it must give."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from assets.invoicing.documents import UnreadableDocument
from assets.invoicing.read import read_document

FOLDER = Path(__file__).parent / "golden"
DOCUMENT_FILES = sorted(path for path in FOLDER.iterdir() if path.suffix == ".xml")


def expected_path(path: Path) -> Path:
    """Where the expectation of a golden file lies."""
    return path.with_suffix(".xml.json")


def described(content: bytes) -> str:
    """What reading gives, as text that is easy to review: fields that say nothing are left out."""
    try:
        read: dict[str, object] = asdict(read_document(content))
    except UnreadableDocument as refusal:
        read = {"code": refusal.code, "message": refusal.message, "position": refusal.position}
    return json.dumps(_said(read), indent=2, ensure_ascii=False, default=_written) + "\n"


def _said(value: object) -> object:
    if isinstance(value, dict):
        return {name: _said(each) for name, each in value.items() if each not in (None, "", (), [])}
    return [_said(each) for each in value] if isinstance(value, (list, tuple)) else value


def _written(value: object) -> str:
    if isinstance(value, (date, Decimal)):
        return str(value)
    raise TypeError(type(value).__name__)

"""Canonical JSON, so that equal facts have equal bytes and therefore equal hashes (RFC 8785 on NFC text).

RFC 8785 leaves three holes that matter here: it does not normalise Unicode (a composed and a decomposed e-acute
differ), it refuses integers beyond 2^53, and its numbers are doubles. So text is made NFC first, and money, identifiers
and counts travel as strings; a float is a programming error and is refused.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import rfc8785


def plain(value: object) -> object:
    """`value` as JSON of strings, booleans, nulls, lists and objects only. Raises TypeError on a float or another type."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {unicodedata.normalize("NFC", str(key)): plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [plain(inner) for inner in value]
    raise TypeError(f"{value!r} cannot enter canonical JSON: use text, a Decimal, a date or an integer")


def canonical_bytes(value: object) -> bytes:
    """The canonical JSON bytes of `value`."""
    return rfc8785.dumps(plain(value))  # type: ignore[arg-type]


def canonical_text(value: object) -> str:
    """The canonical JSON of `value` as text."""
    return canonical_bytes(value).decode("utf-8")


def sha256_hex(data: bytes) -> str:
    """Lower-case hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def timestamp(moment: datetime) -> str:
    """A moment as fixed-width UTC text, `2026-11-22T09:34:07.000001Z`. Raises ValueError on a naive moment."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

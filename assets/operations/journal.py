"""The audit journal: a hash chain over salted commitments.

Entry: header {v, seq, at_utc, actor, type, subject_refs, run_id, prev, payload_commit}, `payload_commit` =
sha256(salt || JCS(payload)), `hash` = sha256(prev || JCS(header)). Payload and salt live in a side table: deleting both
erases what was said about a person while the chain still verifies, because a salted commitment cannot be guessed back.
So nothing personal belongs in `subject_refs` or `type`; ids only.

An entry is appended inside the caller's transaction: no act without its record, and no room for the record means no
act.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from assets.operations.canonical import canonical_bytes, canonical_text, timestamp
from assets.operations.refusal import Refusal
from assets.operations.tables import audit_event, audit_payload

VERSION = 1
GENESIS = "0" * 64
PAYLOADS_ERASED = "payloads_erased"


@dataclass(frozen=True)
class Entry:
    """Something worth remembering for good. `subjects` are ids, such as `communication:1f0c...`; payload may be
    personal.
    """

    at: datetime
    actor: str
    type: str
    subjects: tuple[str, ...] = ()
    payload: Mapping[str, object] = field(default_factory=dict)
    run_id: str | None = None


@dataclass(frozen=True)
class Head:
    """The end of the chain: number of the last entry and its hash. An empty chain is (0, GENESIS)."""

    seq: int
    hash: str


def head(connection: Connection) -> Head:
    """The end of the chain as this transaction sees it."""
    last = connection.execute(
        select(audit_event.c.seq, audit_event.c.hash).order_by(audit_event.c.seq.desc()).limit(1)
    ).first()
    return Head(0, GENESIS) if last is None else Head(int(last.seq), last.hash)


def append(
    connection: Connection,
    at: datetime,
    actor: str,
    type: str,
    subject_refs: Sequence[str] = (),
    payload: Mapping[str, object] | None = None,
    run_id: str | None = None,
) -> int:
    """Append one entry inside the caller's write transaction and return its sequence number."""
    entry = Entry(at, actor, type, tuple(subject_refs), payload or {}, run_id)
    return append_all(connection, [entry])


def append_all(connection: Connection, entries: Iterable[Entry]) -> int:
    """Append entries in order inside the caller's write transaction; returns the last sequence number."""
    last = head(connection)
    seq, previous = last.seq, last.hash
    events: list[dict[str, object]] = []
    payloads: list[dict[str, object]] = []
    for entry in entries:
        seq += 1
        salt = secrets.token_bytes(16)
        body = canonical_bytes(entry.payload)
        header: dict[str, object] = {
            "v": VERSION,
            "seq": seq,
            "at_utc": timestamp(entry.at),
            "actor": entry.actor,
            "type": entry.type,
            "subject_refs": list(entry.subjects),
            "run_id": entry.run_id,
            "prev": previous,
            "payload_commit": commitment(salt, body),
        }
        previous = link(previous, header)
        events.append({**header, "subject_refs": canonical_text(list(entry.subjects)), "hash": previous})
        payloads.append({"seq": seq, "salt": salt, "payload": body.decode("utf-8")})
    if events:
        connection.execute(insert(audit_event), events)
        connection.execute(insert(audit_payload), payloads)
    return seq


def commitment(salt: bytes, payload: bytes) -> str:
    """What an entry reveals of its payload: nothing, until payload and salt are shown."""
    return hashlib.sha256(salt + payload).hexdigest()


def link(previous: str, header: Mapping[str, object]) -> str:
    """The hash of an entry: over the hash of its predecessor and its own header."""
    return hashlib.sha256(bytes.fromhex(previous) + canonical_bytes(header)).hexdigest()


def erase_payloads(connection: Connection, at: datetime, actor: str, seqs: Sequence[int], reason: str) -> int:
    """Erase what entries said (retention term over), keeping that they were; returns how many payloads went.

    The erasure is itself an entry, so that `verify` can tell an erased payload from one that was torn out.
    """
    if not reason.strip():
        raise Refusal("An erasure needs a reason", "reason", "Name the retention rule under which the payloads go")
    present: Sequence[int] = (
        connection.execute(select(audit_payload.c.seq).where(audit_payload.c.seq.in_(list(seqs)))).scalars().all()
    )
    if not present:
        return 0
    append(
        connection,
        at,
        actor,
        PAYLOADS_ERASED,
        [f"audit:{seq}" for seq in sorted(present)],
        {"reason": reason, "count": len(present)},
    )
    connection.execute(delete(audit_payload).where(audit_payload.c.seq.in_(present)))
    return len(present)

"""Proving that the journal was not changed, and saying where it was.

The chain alone detects edits, insertions, deletions in the middle and swaps. A cut-off tail, or a chain rewritten
whole, shows only against an anchor: number and hash of the last entry, kept where the owner of the store cannot rewrite
it.

It proves that nothing was altered after anchoring; not that what was written was true, nor that everything was written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select

from assets.operations import journal
from assets.operations.canonical import plain
from assets.operations.clock import Clock
from assets.operations.store import reading
from assets.operations.tables import (
    audit_event,
    audit_payload,
    communication,
    communication_event,
    communication_item,
    register_event,
)

OK = 0
BROKEN = 1
ANCHOR_MISMATCH = 2
GAP_TO_ANCHOR = 3


@dataclass(frozen=True)
class Anchor:
    """The end of the chain at some moment. `totals`: row counts of the logs that the chain vouches for."""

    seq: int
    head: str
    count: int
    totals: Mapping[str, int]

    def as_json(self) -> str:
        """One line, to be kept outside."""
        return json.dumps(
            {"seq": self.seq, "head": self.head, "count": self.count, "totals": dict(self.totals)}, sort_keys=True
        )


@dataclass(frozen=True)
class Verification:
    """exit_code: 0 whole, 1 broken at `first_bad_seq`, 2 contradicts the anchor, 3 ends before the anchor.

    `entries` were read, of which `erased` no longer have their payload; `head` is the hash at the end reached.
    """

    exit_code: int
    entries: int
    erased: int
    head: str
    first_bad_seq: int | None
    message: str


def read_anchor(text: str) -> Anchor:
    """An anchor from its line. Raises ValueError when it is not one."""
    try:
        value = json.loads(text)
        return Anchor(int(value["seq"]), str(value["head"]), int(value["count"]), dict(value["totals"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an anchor: {error}") from None


def make_anchor(connection: Connection, clock: Clock, actor: str) -> Anchor:
    """The present end of the chain, and an entry after it saying that it was anchored."""
    end = journal.head(connection)
    totals = {table.name: _count(connection, table) for table in (register_event, communication_event)}
    anchor = Anchor(end.seq, end.hash, _count(connection, audit_event), totals)
    journal.append(connection, clock.now(), actor, "anchored", [f"audit:{end.seq}"], {"head": end.hash})
    return anchor


def verify(engine: Engine, anchor: Anchor | None = None) -> Verification:
    """Walk the whole chain, and compare it with `anchor` if given.

    Also compares the register and the message log with it: each of their rows must be the one that its entry committed
    to, and each such entry must have its row.
    """
    with reading(engine) as connection:
        return _Walk(connection, anchor).carry_out()


class _Walk:
    def __init__(self, connection: Connection, anchor: Anchor | None) -> None:
        self._connection = connection
        self._anchor = anchor
        self._seq = 0
        self._head = journal.GENESIS
        self._missing: set[int] = set()
        self._excused: set[int] = set()
        self._anchor_agrees = anchor is None or (anchor.seq == 0 and anchor.head == journal.GENESIS)

    def carry_out(self) -> Verification:
        for row in self._rows():
            fault = self._fault(row)
            if fault is not None:
                return self._verdict(BROKEN, self._seq + 1, fault)
            self._seq, self._head = row.seq, row.hash
            if self._anchor is not None and row.seq == self._anchor.seq:
                self._anchor_agrees = row.hash == self._anchor.head
        torn = sorted(self._missing - self._excused)
        if torn:
            return self._verdict(
                BROKEN, torn[0], f"the payload of entry {torn[0]} is gone, and no entry says it was erased"
            )
        mirrored = self._mirror_fault() or self._state_fault()
        if mirrored is not None:
            return self._verdict(BROKEN, *mirrored)
        if self._anchor is not None and self._anchor.seq > self._seq:
            return self._verdict(
                GAP_TO_ANCHOR,
                None,
                f"the chain ends at {self._seq}, the anchor saw {self._anchor.seq}: the tail is gone",
            )
        if self._anchor is not None and not self._anchor_agrees:
            return self._verdict(
                ANCHOR_MISMATCH,
                None,
                f"entry {self._anchor.seq} is not the one that was anchored: the chain was rewritten",
            )
        return self._verdict(OK, None, f"{self._seq} entries, unbroken")

    def _rows(self) -> Iterator[Row[Any]]:
        joined = (
            select(audit_event, audit_payload.c.salt, audit_payload.c.payload)
            .outerjoin(audit_payload, audit_payload.c.seq == audit_event.c.seq)
            .order_by(audit_event.c.seq)
        )
        yield from self._connection.execute(joined.execution_options(yield_per=2000))

    def _fault(self, row: Row[Any]) -> str | None:
        expected = self._seq + 1
        if row.seq != expected:
            return f"entry {expected} is missing"
        if row.prev != self._head:
            return f"entry {expected} does not follow entry {self._seq}"
        try:
            subjects = json.loads(row.subject_refs)
        except ValueError:
            return f"entry {expected} was changed"
        header = {
            "v": row.v,
            "seq": row.seq,
            "at_utc": row.at_utc,
            "actor": row.actor,
            "type": row.type,
            "subject_refs": subjects,
            "run_id": row.run_id,
            "prev": row.prev,
            "payload_commit": row.payload_commit,
        }
        if journal.link(row.prev, header) != row.hash:
            return f"entry {expected} was changed"
        if row.salt is None:
            self._missing.add(row.seq)
        elif journal.commitment(bytes(row.salt), row.payload.encode("utf-8")) != row.payload_commit:
            return f"the payload of entry {expected} was changed"
        if row.type == journal.PAYLOADS_ERASED:
            self._excused.update(int(reference.removeprefix("audit:")) for reference in subjects)
        return None

    def _mirror_fault(self) -> tuple[int, str] | None:
        """The register and the message log against what the chain says about them."""
        for kind, table in (("register", register_event), ("communication_event", communication_event)):
            vouched = self._vouched(kind)
            for row in self._connection.execute(select(table).order_by(table.c.seq).execution_options(yield_per=2000)):
                if row.seq not in vouched:
                    return self._seq, f"{table.name} {row.seq} stands in no entry of the journal"
                audit_seq, said = vouched.pop(row.seq)
                if said is not None and not _agrees(kind, row, said):
                    return audit_seq, f"{table.name} {row.seq} is not what entry {audit_seq} says it was"
            if vouched:
                lost, (audit_seq, _) = min(vouched.items())
                return audit_seq, f"{table.name} {lost} is gone, entry {audit_seq} says it was there"
        return None

    def _state_fault(self) -> tuple[int, str] | None:
        """Where each message stands against the last thing its log says; and its items against the row they came from."""
        last = (
            select(communication_event.c.communication_id, func.max(communication_event.c.seq).label("seq"))
            .group_by(communication_event.c.communication_id)
            .subquery()
        )
        query = (
            select(
                communication.c.communication_id,
                communication.c.state,
                communication.c.row_json,
                communication_event.c.to_state,
            )
            .outerjoin(last, last.c.communication_id == communication.c.communication_id)
            .outerjoin(communication_event, communication_event.c.seq == last.c.seq)
            .order_by(communication.c.communication_id)
        )
        items = self._items()
        for row in self._connection.execute(query):
            if row.state != row.to_state:
                return self._seq, f"message {row.communication_id} says it is {row.state}, its log says {row.to_state}"
            if items.get(row.communication_id, {}) != _frozen_items(row.row_json):
                return self._seq, f"the items of message {row.communication_id} are not those of its frozen row"
        return None

    def _items(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        item = communication_item.c
        for row in self._connection.execute(select(item.communication_id, item.invoice_id, item.open_minor)):
            found.setdefault(row.communication_id, {})[row.invoice_id] = row.open_minor
        return found

    def _vouched(self, kind: str) -> dict[int, tuple[int, dict[str, Any] | None]]:
        found: dict[int, tuple[int, dict[str, Any] | None]] = {}
        rows = self._connection.execute(
            select(audit_event.c.seq, audit_event.c.type, audit_event.c.subject_refs, audit_payload.c.payload)
            .outerjoin(audit_payload, audit_payload.c.seq == audit_event.c.seq)
            .where(audit_event.c.subject_refs.contains(f'"{kind}:'))
            .execution_options(yield_per=2000)
        )
        for row in rows:
            for reference in json.loads(row.subject_refs):
                if reference.startswith(kind + ":"):
                    said = None if row.payload is None else json.loads(row.payload)
                    if said is not None and kind == "communication_event":
                        said = {**said, "to_state": row.type.removeprefix("communication_")}
                    found[int(reference.removeprefix(kind + ":"))] = (row.seq, said)
        return found

    def _verdict(self, exit_code: int, first_bad_seq: int | None, message: str) -> Verification:
        return Verification(exit_code, self._seq, len(self._missing), self._head, first_bad_seq, message)


def _frozen_items(row_json: str) -> dict[str, int]:
    """Open amount in minor units by invoice, as the message was frozen when it was planned."""
    items = json.loads(row_json)["items"]
    listed = json.loads(items) if isinstance(items, str) else items
    return {str(item["invoice_id"]): int(Decimal(str(item["open_amount"])).scaleb(2)) for item in listed}


def _agrees(kind: str, row: Row[Any], said: Mapping[str, Any]) -> bool:
    if kind == "register":
        names = ("company_id", "effective_on", "recorded_by", "kind", "payload", "external_id")
        written = {name: getattr(row, name) for name in names}
    else:
        written = {"from": row.from_state, "to_state": row.to_state, "reason": row.reason, "token": row.token}
    return all(said.get(name) == plain(value) for name, value in written.items())


def _count(connection: Connection, table: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())

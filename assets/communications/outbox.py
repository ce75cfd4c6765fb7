"""The outbox: what a run wants to say today, written down once, before anything can leave.

Planning is idempotent. The same message (communication_id) planned again stays what it is; what the new plan no longer
wants is superseded; what an earlier day did not send has expired, since nothing is ever sent late: it is decided again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from assets.communications.brakes import Brake, BrakePolicy, evaluate
from assets.communications.frozen import FrozenMessage, UnusableMessage, freeze
from assets.communications.messages import RenderedMessage
from assets.communications.transitions import Author, Step, give_up, take, write_events
from assets.landing.archive import Archive
from assets.operations import journal
from assets.operations.canonical import sha256_hex
from assets.operations.clock import Clock
from assets.operations.control import Control, control
from assets.operations.refusal import Refusal
from assets.operations.runs import RunRef
from assets.operations.store import writing
from assets.operations.tables import (
    FREED_STATES,
    UNSENT_STATES,
    communication,
    communication_item,
    run,
)

AWAITING_RELEASE = "awaiting_release"
BRAKE = "brake"
DISPROVED = "disproved"

# A new plan does not lift these: a brake and a doubt are settled by a person.
_KEPT_HOLDS = (BRAKE, DISPROVED)

# What a message occupies: (company, invoice, stage, cycle) of an item it acts on, or (company, customer, currency, kind,
# occasion).
_Key = tuple[str, str, int, int] | tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Occupied:
    """A message left out, since one of its invoices was already acted on at that stage and cycle, or its occasion was met."""

    communication_id: str
    invoice_id: str | None
    occasion: str | None
    by_communication_id: str
    by_state: str


@dataclass(frozen=True)
class PlanResult:
    """What planning did, by communication_id.

    planned: entered the outbox now. renewed: was there, unsent, and says something new. unchanged: was there and stays.
    superseded: of this day, no longer wanted. expired: of earlier days, never sent. carried_over: inherits yesterday's
    release. occupied: left out. approved, held: how every unsent message of this plan now stands. brakes: what tripped;
    they hold the plan only if `is_held_by_brake`.
    """

    planned: tuple[str, ...]
    renewed: tuple[str, ...]
    unchanged: tuple[str, ...]
    superseded: tuple[str, ...]
    expired: tuple[str, ...]
    carried_over: tuple[str, ...]
    occupied: tuple[Occupied, ...]
    approved: tuple[str, ...]
    held: tuple[str, ...]
    brakes: tuple[Brake, ...]
    is_held_by_brake: bool


@dataclass(frozen=True)
class _Release:
    """A person's yes to exactly these bytes, or to yesterday's message that claimed the same."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class _Standing:
    """How a message is to stand: state, why it is held, and the release it has."""

    state: str
    held_reason: str | None
    release: _Release | None


def plan(
    engine: Engine,
    clock: Clock,
    run_ref: RunRef,
    messages: Sequence[RenderedMessage],
    *,
    body_archive: Archive,
    brake_policy: BrakePolicy | None = None,
    actor: str = "tijdig",
) -> PlanResult:
    """Make the outbox of the run's day hold exactly `messages`, as far as nothing of it has left already.

    All in one transaction; the bodies are archived before it, so a row never names a body that is not there.

    Raises UnusableMessage when a message contradicts itself or the run, Refusal when the run's day is not the home's
    day.
    """
    frozen = [freeze(message) for message in messages]
    _check_plan(run_ref, frozen)
    for message in frozen:
        body_archive.put(message.content)
    with writing(engine) as connection:
        state = control(connection)
        if state.last_as_of_date != run_ref.as_of_date:
            raise Refusal(
                f"The plan is for {run_ref.as_of_date}, but this home is at {state.last_as_of_date}",
                f"run {run_ref.run_id}",
                "Plan the day that was begun last; look at other days with tijdig replay",
            )
        author = Author(clock.now(), actor, run_ref.run_id)
        planning = _Planning(connection, author, run_ref, state, brake_policy or BrakePolicy())
        return planning.carry_out(frozen)


def expire_before(connection: Connection, author: Author, today: date) -> tuple[str, ...]:
    """Let every unsent message of a day before `today` expire; returns their ids."""
    stale: Sequence[str] = (
        connection.execute(
            select(communication.c.communication_id)
            .where(communication.c.state.in_(UNSENT_STATES), communication.c.expires_on < today)
            .order_by(communication.c.communication_id)
        )
        .scalars()
        .all()
    )
    return tuple(give_up(connection, author, stale, "expired", "its day is over"))


def _check_plan(run_ref: RunRef, messages: Sequence[FrozenMessage]) -> None:
    if len({message.communication_id for message in messages}) != len(messages):
        raise UnusableMessage(f"run {run_ref.run_id}: a communication_id comes twice")
    for message in messages:
        if message.as_of_date != run_ref.as_of_date:
            raise UnusableMessage(f"{message.communication_id}: is for {message.as_of_date}, not {run_ref.as_of_date}")


class _Planning:
    """One planning transaction."""

    def __init__(
        self, connection: Connection, author: Author, run_ref: RunRef, state: Control, brake_policy: BrakePolicy
    ) -> None:
        self._connection = connection
        self._author = author
        self._run = run_ref
        self._control = state
        self._brake_policy = brake_policy
        self._brake_reason: str | None = None
        self._result: dict[str, list[str]] = {name: [] for name in ("planned", "renewed", "unchanged", "carried_over")}

    def carry_out(self, messages: Sequence[FrozenMessage]) -> PlanResult:
        connection, author = self._connection, self._author
        self._take_back_claims()
        expired = expire_before(connection, author, self._run.as_of_date)
        existing = self._existing()
        wanted = {message.communication_id for message in messages}
        unwanted = [key for key, row in existing.items() if key not in wanted and row.state in UNSENT_STATES]
        superseded = give_up(connection, author, sorted(unwanted), "superseded", "not in the new plan")
        brakes = evaluate(connection, self._run, messages, self._control, self._brake_policy)
        is_held = bool(brakes) and self._control.mode == "live"
        if is_held:
            self._brake_reason = f"{BRAKE}:" + ",".join(brake.code for brake in brakes)
        occupied = self._place(messages, existing)
        standing = self._existing()
        now_in = {message.communication_id for message in messages if message.communication_id in standing}
        result = PlanResult(
            planned=tuple(self._result["planned"]),
            renewed=tuple(self._result["renewed"]),
            unchanged=tuple(self._result["unchanged"]),
            superseded=tuple(superseded),
            expired=expired,
            carried_over=tuple(self._result["carried_over"]),
            occupied=occupied,
            approved=tuple(sorted(key for key in now_in if standing[key].state == "approved")),
            held=tuple(sorted(key for key in now_in if standing[key].state == "held")),
            brakes=brakes,
            is_held_by_brake=is_held,
        )
        journal.append(
            connection,
            author.at,
            author.actor,
            "outbox_planned",
            [f"run:{self._run.run_id}"],
            {
                "as_of_date": self._run.as_of_date,
                **{name: len(getattr(result, name)) for name in ("planned", "renewed", "unchanged", "occupied")},
                **{name: len(getattr(result, name)) for name in ("superseded", "expired", "approved", "held")},
                "brakes": [vars(brake) for brake in brakes],
            },
            self._run.run_id,
        )
        return result

    def _take_back_claims(self) -> None:
        """What is claimed has not left: the new plan decides about it. Its claimer, if alive, finds its token gone."""
        rows = self._connection.execute(select(communication).where(communication.c.state == "claimed"))
        for row in rows.all():
            values = {"token": row.token + 1, "lease_until": None}
            step = Step(row.communication_id, "claimed", "approved", row.token, "planned anew", values)
            take(self._connection, self._author, step)

    def _existing(self) -> dict[str, Row[Any]]:
        rows = self._connection.execute(select(communication).where(communication.c.as_of_date == self._run.as_of_date))
        return {row.communication_id: row for row in rows}

    def _place(self, messages: Sequence[FrozenMessage], existing: Mapping[str, Row[Any]]) -> tuple[Occupied, ...]:
        holders = self._holders(messages)
        inherited = self._inherited_releases(messages)
        occupied: list[Occupied] = []
        fresh: list[tuple[FrozenMessage, _Standing]] = []
        for message in messages:
            row = existing.get(message.communication_id)
            if row is not None and row.state in UNSENT_STATES and _says_the_same(message, row):
                self._keep(message, row)
                continue
            if row is not None and not self._may_renew(row):
                # It left, is leaving, failed, or a person cancelled it. The outbox never argues with that.
                self._result["unchanged"].append(message.communication_id)
                continue
            taken = _first_taken(message, holders)
            if taken is not None:
                occupied.append(taken)
                give_up(self._connection, self._author, [message.communication_id], "superseded", "occupied")
                continue
            for key in _keys(message):
                holders[key] = (message.communication_id, "planned")
            if row is not None:
                self._renew(message, row)
                continue
            release = inherited.get(message.fingerprint)
            if release is not None:
                self._result["carried_over"].append(message.communication_id)
            fresh.append((message, self._standing(message, release)))
            self._result["planned"].append(message.communication_id)
        self._insert(fresh)
        return tuple(occupied)

    def _standing(self, message: FrozenMessage, release: _Release | None) -> _Standing:
        if self._brake_reason is not None:
            return _Standing("held", self._brake_reason, release)
        if message.requires_release and release is None:
            return _Standing("held", AWAITING_RELEASE, None)
        return _Standing("approved", None, release)

    def _may_renew(self, row: Row[Any]) -> bool:
        is_left_by_rehearsal = row.state == "cancelled" and row.is_rehearsal and self._control.mode == "live"
        return row.state in (*UNSENT_STATES, "superseded") or is_left_by_rehearsal

    def _keep(self, message: FrozenMessage, row: Row[Any]) -> None:
        """It says what it said. Only its standing may change, with a brake or with newer knowledge."""
        self._result["unchanged"].append(message.communication_id)
        release = _release_of(row)
        standing = self._standing(message, release)
        if row.state == "approved" and release is not None:
            standing = _Standing("approved", None, release)  # a person has looked: no brake takes that back
        if row.state == "held" and (row.held_reason or "").startswith(_KEPT_HOLDS):
            standing = _Standing("held", row.held_reason, release)
        if standing.state == row.state:
            self._connection.execute(
                update(communication)
                .where(communication.c.communication_id == message.communication_id)
                .values(held_reason=standing.held_reason, **self._knowledge())
            )
        else:
            self._step(message, row, row.state, standing.state, self._knowledge() | _standing_values(message, standing))

    def _renew(self, message: FrozenMessage, row: Row[Any]) -> None:
        """It says something new, or is wanted again after all. A release covers only the bytes that were released."""
        self._result["renewed"].append(message.communication_id)
        release = _release_of(row) if _says_the_same(message, row) and row.state == "superseded" else None
        standing = self._standing(message, release)
        content = _content(message) | self._knowledge() | {"is_rehearsal": self._control.mode == "rehearsal"}
        if row.state in ("superseded", "cancelled"):
            # The attempts of a rehearsal are not those of the real thing.
            fresh = {"attempts": 0, "provider_ref": None} if row.state == "cancelled" else {}
            self._step(message, row, row.state, "planned", content | fresh)
            self._step(message, row, "planned", "rendered", {})
        else:
            self._step(message, row, row.state, "rendered", content)
        self._connection.execute(
            delete(communication_item).where(communication_item.c.communication_id == message.communication_id)
        )
        if message.items:
            self._connection.execute(insert(communication_item), _item_rows(message, "rendered"))
        self._step(message, row, "rendered", standing.state, _standing_values(message, standing))

    def _step(
        self, message: FrozenMessage, row: Row[Any], from_state: str, to_state: str, values: Mapping[str, object]
    ) -> None:
        reason = values.get("held_reason")
        why = None if reason is None else str(reason)
        step = Step(message.communication_id, from_state, to_state, row.token, why, values)
        if not take(self._connection, self._author, step):
            raise RuntimeError(f"{message.communication_id} changed inside the only write transaction")

    def _knowledge(self) -> dict[str, object]:
        return {
            "run_id": self._run.run_id,
            "register_seq": self._run.register_seq,
            "policy_version": self._run.policy_version,
            "code_version": self._run.code_version,
        }

    def _insert(self, fresh: Sequence[tuple[FrozenMessage, _Standing]]) -> None:
        if not fresh:
            return
        communications: list[dict[str, object]] = []
        items: list[dict[str, object]] = []
        steps: list[tuple[Step, int]] = []
        for message, standing in fresh:
            key = message.communication_id
            communications.append(
                _identity(message)
                | _content(message)
                | self._knowledge()
                | _standing_values(message, standing)
                | {
                    "communication_id": key,
                    "is_rehearsal": self._control.mode == "rehearsal",
                    "state": standing.state,
                    "token": 0,
                    "attempts": 0,
                    "expires_on": message.as_of_date,
                }
            )
            items += _item_rows(message, standing.state)
            steps.append((Step(key, "", "planned", 0), 0))
            steps.append((Step(key, "planned", "rendered", 0, values={"body_sha256": message.body_sha256}), 0))
            steps.append((Step(key, "rendered", standing.state, 0, standing.held_reason), 0))
        self._connection.execute(insert(communication), communications)
        if items:
            self._connection.execute(insert(communication_item), items)
        write_events(self._connection, self._author, steps)

    def _holders(self, messages: Sequence[FrozenMessage]) -> dict[_Key, tuple[str, str]]:
        """Who occupies which (company, invoice, stage, cycle) of this plan's invoices, and which of its occasions."""
        holders: dict[_Key, tuple[str, str]] = {}
        item = communication_item.c
        for invoices in _chunks(sorted({item.invoice_id for message in messages for item in message.items}), 500):
            rows = self._connection.execute(
                select(
                    item.company_id, item.invoice_id, item.stage_no, item.cycle, item.communication_id, item.state
                ).where(item.invoice_id.in_(invoices), item.is_acted, item.state.not_in(FREED_STATES))
            )
            for row in rows:
                holders[(row.company_id, row.invoice_id, row.stage_no, row.cycle)] = (row.communication_id, row.state)
        whole = communication.c
        for occasions in _chunks(sorted({message.occasion for message in messages if message.occasion}), 500):
            rows = self._connection.execute(
                select(
                    whole.company_id, whole.customer_id, whole.currency, whole.message_kind, whole.occasion,
                    whole.communication_id, whole.state,
                ).where(whole.occasion.in_(occasions), whole.state.not_in(FREED_STATES))
            )  # fmt: skip
            for row in rows:
                key = (row.company_id, row.customer_id, row.currency, row.message_kind, row.occasion)
                holders[key] = (row.communication_id, row.state)
        return holders

    def _inherited_releases(self, messages: Sequence[FrozenMessage]) -> dict[str, _Release]:
        """Releases of the day run before, of messages that then did not leave, by fingerprint."""
        day_before: date | None = self._connection.execute(
            select(func.max(run.c.as_of_date)).where(run.c.as_of_date < self._run.as_of_date)
        ).scalar_one()
        if day_before is None:
            return {}
        rows = self._connection.execute(
            select(communication).where(
                communication.c.as_of_date == day_before,
                communication.c.is_released,
                communication.c.state == "expired",
                communication.c.is_rehearsal == (self._control.mode == "rehearsal"),
            )
        )
        inherited: dict[str, _Release] = {}
        for row in rows:
            release = _release_of(row)
            if release is not None:
                inherited[row.fingerprint] = replace(release, reason=_carried(row.communication_id, release.reason))
        return inherited


def _carried(communication_id: str, reason: str) -> str:
    # The first release is the one that counts; a chain of days keeps naming it.
    return reason if reason.startswith("carried over from ") else f"carried over from {communication_id}: {reason}"


def _says_the_same(message: FrozenMessage, row: Row[Any]) -> bool:
    return (message.row_hash, message.body_sha256, message.recipient, message.requires_release) == (
        row.row_hash,
        row.body_sha256,
        row.recipient,
        row.requires_release,
    )


def _release_of(row: Row[Any]) -> _Release | None:
    return _Release(row.released_by, row.released_at, row.release_reason) if row.is_released else None


def _first_taken(message: FrozenMessage, holders: Mapping[_Key, tuple[str, str]]) -> Occupied | None:
    for key in _keys(message):
        by_id, by_state = holders.get(key, (message.communication_id, ""))
        if by_id != message.communication_id:
            invoice_id = None if message.occasion is not None else key[1]
            return Occupied(message.communication_id, invoice_id, message.occasion, by_id, by_state)
    return None


def _keys(message: FrozenMessage) -> Iterator[_Key]:
    for item in message.items:
        if item.is_acted:
            yield (message.company_id, item.invoice_id, item.stage_no, item.cycle)
    if message.occasion is not None:
        yield (message.company_id, message.customer_id, message.currency, message.message_kind, message.occasion)


def _identity(message: FrozenMessage) -> dict[str, object]:
    return {
        "as_of_date": message.as_of_date,
        "company_id": message.company_id,
        "customer_id": message.customer_id,
        "channel": message.channel,
        "class_": message.message_class,
        "message_kind": message.message_kind,
        "stage_no": message.stage_no,
        "cycle": message.cycle,
        "currency": message.currency,
        "occasion": message.occasion,
    }


def _content(message: FrozenMessage) -> dict[str, object]:
    return {
        "total_minor": message.total_minor,
        "fingerprint": message.fingerprint,
        "row_json": message.row_json,
        "row_hash": message.row_hash,
        "body_sha256": message.body_sha256,
        "extension": message.extension,
        "recipient": message.recipient,
        "recipient_hash": sha256_hex(message.recipient.encode("utf-8")),
        "requires_release": message.requires_release,
        "policy_id": message.policy_id,
        "template_id": message.template_id,
        "template_hash": message.template_hash,
    }


def _standing_values(message: FrozenMessage, standing: _Standing) -> dict[str, object]:
    release = standing.release
    return {
        "held_reason": standing.held_reason,
        "is_released": release is not None,
        "released_by": release.by if release else None,
        "released_at": release.at if release else None,
        "release_reason": release.reason if release else None,
        "approved_sha256": message.body_sha256 if standing.state == "approved" else None,
        "not_before": None,
    }


def _item_rows(message: FrozenMessage, state: str) -> list[dict[str, object]]:
    return [
        {
            "communication_id": message.communication_id,
            "company_id": message.company_id,
            "customer_id": message.customer_id,
            "state": state,
            **vars(item),
        }
        for item in message.items
    ]


def _chunks(values: Iterable[str], size: int) -> Iterator[list[str]]:
    remaining = iter(values)
    while chunk := list(islice(remaining, size)):
        yield chunk

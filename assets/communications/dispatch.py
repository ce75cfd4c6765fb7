"""Dispatch: makes approved messages of today leave, each once, and can be killed at any instruction.

Per message: claim (approved -> claimed, the token rises) | prepare all that can be undone | check and commit the intent
in one transaction (claimed -> sending) | the one act that cannot be undone | write down the answer (sending -> sent).

A crash before the intent is harmless: recovery approves the message again. A crash after it is known about: recovery
asks the channel whether the message left. If nobody can tell, a formal message rests `in_doubt` for a person, a
friendly one is `closed_unknown`. Nothing is ever sent again to a customer on a mere suspicion that it had not arrived.

A process that was frozen and wakes up late holds an old token, so its next step fails: before the act it stops, after
the act its answer goes to `delivery_observation`, where it settles the doubt.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Row, func, or_, select

from assets.communications import preflight
from assets.communications.channels import (
    Ambiguous,
    Channel,
    Outgoing,
    PermanentFailure,
    Prepared,
    Presence,
    TransientFailure,
    Transport,
    Unreachable,
)
from assets.communications.observations import observe_within
from assets.communications.outbox import expire_before
from assets.communications.transitions import Author, Step, take
from assets.landing.archive import Archive
from assets.operations.clock import Clock
from assets.operations.control import business_today, control
from assets.operations.refusal import Refusal
from assets.operations.store import reading, writing
from assets.operations.tables import communication

# What arrives the moment it is sent. A letter that is made at night is still brought by day.
IMMEDIATE_CHANNELS = ("email", "sms")


@dataclass(frozen=True)
class SendingHours:
    """From when until when, by the clock on the wall in the home's time zone, something may arrive at a customer's: `opens` belongs to
    it, `closes` does not. Nights in which the clock is put forward or back need no care, since the wall is what is read.
    """

    opens: time
    closes: time

    def admit(self, moment: datetime, timezone: ZoneInfo) -> bool:
        """Whether a message may arrive at this moment."""
        return self.opens <= moment.astimezone(timezone).time() < self.closes


@dataclass(frozen=True)
class DispatchPolicy:
    """Attempts, waits and leases, in seconds. `hours` counts in live only: a rehearsal's day is not the clock's.

    The sending lease must exceed the longest wait for an answer (600 s after the final dot), or a rescuer would come
    too early. `unreachable_limit`: after so many failed connections in a row the channel is left alone for this pass.
    """

    max_attempts: int = 4
    backoff_seconds: int = 30
    claim_lease_seconds: int = 120
    sending_lease_seconds: int = 900
    claim_size: int = 20
    unreachable_limit: int = 3
    allow_list: frozenset[str] | None = None
    hours: SendingHours | None = None


@dataclass(frozen=True)
class DispatchResult:
    """What one pass did, by communication_id. `waiting`: approved messages of today still to be tried again. `is_quiet`: some of them
    wait for the hours in which they may be sent; those that get none today are decided again tomorrow.
    """

    sent: tuple[str, ...]
    held: tuple[str, ...]
    failed: tuple[str, ...]
    in_doubt: tuple[str, ...]
    closed_unknown: tuple[str, ...]
    expired: tuple[str, ...]
    lost_claims: tuple[str, ...]
    waiting: int
    is_stopped: bool
    is_quiet: bool
    unreachable: tuple[str, ...]


@dataclass(frozen=True)
class RecoveryResult:
    """What recovery found, by communication_id: messages cut short earlier, and how each stands now."""

    approved: tuple[str, ...]
    sent: tuple[str, ...]
    in_doubt: tuple[str, ...]
    closed_unknown: tuple[str, ...]
    failed: tuple[str, ...]
    expired: tuple[str, ...]


@dataclass
class _Tally:
    """Where messages ended up, by outcome, in order."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def add(self, outcome: str, communication_id: str) -> None:
        self.ids.setdefault(outcome, []).append(communication_id)

    def get(self, *outcomes: str) -> tuple[str, ...]:
        return tuple(key for outcome in outcomes for key in self.ids.get(outcome, []))


class _Stopped(Exception):
    """The kill switch was pulled: hand back what is claimed."""


def dispatch(
    engine: Engine,
    clock: Clock,
    transport: Transport,
    bodies: Archive,
    *,
    timezone: ZoneInfo,
    policy: DispatchPolicy | None = None,
    actor: str = "tijdig",
    run_id: str | None = None,
    sleep: Callable[[float], None] | None = None,
    progress: Callable[[str, str], None] | None = None,
) -> DispatchResult:
    """Send what is approved for today.

    With `sleep`, messages refused for the moment are tried again after their wait until each has ended; without it they
    stay approved for a later pass and expire with the day. `progress` is told each (communication_id, outcome).

    Raises Refusal when the transport is of another mode than the home.
    """
    pass_ = _Pass(engine, clock, transport, bodies, timezone, policy or DispatchPolicy(), actor, run_id, progress)
    return pass_.carry_out(sleep)


def recover(
    engine: Engine,
    clock: Clock,
    transport: Transport,
    *,
    timezone: ZoneInfo,
    policy: DispatchPolicy | None = None,
    actor: str = "tijdig",
    run_id: str | None = None,
    holds_home_lock: bool = False,
) -> RecoveryResult:
    """Settle what earlier dispatchers left claimed or sending.

    Without `holds_home_lock` only rows whose lease is over; with it every one, since its owner can no longer be alive.
    """
    policy = policy or DispatchPolicy()
    tally = _Tally()
    now = clock.now()
    query = select(communication).where(communication.c.state.in_(("claimed", "sending")))
    if not holds_home_lock:
        query = query.where(communication.c.lease_until < now)
    with reading(engine) as connection:
        interrupted = connection.execute(query.order_by(communication.c.communication_id)).all()
    for row in interrupted:
        presence = Presence.ABSENT if row.state == "claimed" else _probe(transport, row)
        with writing(engine) as connection:
            today = business_today(connection, clock, timezone)
            outcome = _outcome(row, presence, today, policy)
            values: dict[str, object] = {"token": row.token + 1, "lease_until": None}
            if outcome == "sent":
                values["provider_ref"] = "probe"
            step = Step(row.communication_id, row.state, outcome, row.token, f"recovered, {presence.value}", values)
            if take(connection, Author(clock.now(), actor, run_id), step):
                tally.add(outcome, row.communication_id)
        channel = transport.channels.get(row.channel)
        if channel is not None:
            channel.discard(_outgoing(row, b""))
    return RecoveryResult(
        approved=tally.get("approved"),
        sent=tally.get("sent"),
        in_doubt=tally.get("in_doubt"),
        closed_unknown=tally.get("closed_unknown"),
        failed=tally.get("failed_exhausted"),
        expired=tally.get("expired"),
    )


def _probe(transport: Transport, row: Row[Any]) -> Presence:
    channel = transport.channels.get(row.channel)
    return Presence.UNKNOWN if channel is None else channel.probe(_outgoing(row, b""))


def _outcome(row: Row[Any], presence: Presence, today: date, policy: DispatchPolicy) -> str:
    """How a message stands whose sending was cut short."""
    if presence is Presence.PRESENT:
        return "sent"
    if presence is Presence.UNKNOWN and row.class_ != "internal":
        return "in_doubt" if row.class_ == "formal" else "closed_unknown"
    if row.expires_on < today:
        return "expired"
    return "failed_exhausted" if row.attempts >= policy.max_attempts else "approved"


def _outgoing(row: Row[Any], content: bytes) -> Outgoing:
    return Outgoing(
        communication_id=row.communication_id,
        as_of_date=row.as_of_date,
        channel=row.channel,
        recipient=row.recipient,
        sender=json.loads(row.row_json).get("sender_email") or "",
        content=content,
        body_sha256=row.body_sha256,
        extension=row.extension,
        token=row.token,
    )


class _Pass:
    """One pass of one dispatcher."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        transport: Transport,
        bodies: Archive,
        timezone: ZoneInfo,
        policy: DispatchPolicy,
        actor: str,
        run_id: str | None,
        progress: Callable[[str, str], None] | None,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._transport = transport
        self._bodies = bodies
        self._timezone = timezone
        self._policy = policy
        self._actor = actor
        self._run_id = run_id
        self._progress = progress
        self._tally = _Tally()
        self._failures_in_a_row: dict[str, int] = {}
        self._unreachable: set[str] = set()

    def carry_out(self, sleep: Callable[[float], None] | None) -> DispatchResult:
        self._begin()
        is_stopped = False
        claims: list[Row[Any]] = []
        try:
            while True:
                claims = self._claim()
                while claims:
                    self._send(claims[0])
                    claims.pop(0)
                    claims = self._without_unreachable(claims)
                if self._has_more():
                    continue
                wait = self._wait_seconds() if sleep is not None else None
                if wait is None or sleep is None:
                    break
                sleep(wait)
        except _Stopped:
            is_stopped = True
            self._hand_back(claims, "stopped")
        except BaseException:
            self._hand_back(claims[1:], "dispatcher failed")
            raise
        return self._result(is_stopped)

    def _author(self) -> Author:
        return Author(self._clock.now(), self._actor, self._run_id)

    def _begin(self) -> None:
        with writing(self._engine) as connection:
            mode = control(connection).mode
            if mode != self._transport.mode:
                raise Refusal(
                    f"This home is in {mode}, the transport is for {self._transport.mode}",
                    "transport",
                    "Build the channels for the mode this home is in",
                )
            today = business_today(connection, self._clock, self._timezone)
            for communication_id in expire_before(connection, self._author(), today):
                self._note("expired", communication_id)

    def _quiet_channels(self) -> tuple[str, ...]:
        """Channels nothing may leave by at this hour."""
        hours = self._policy.hours
        if self._transport.mode == "rehearsal" or hours is None or hours.admit(self._clock.now(), self._timezone):
            return ()
        return IMMEDIATE_CHANNELS

    def _due(self, connection: Connection) -> list[Any]:
        """Conditions of an approved message of today that may leave now."""
        return [*self._of_today(connection), communication.c.channel.not_in(self._quiet_channels())]

    def _of_today(self, connection: Connection) -> list[Any]:
        """Conditions of an approved message of today; rehearsal and live never touch each other's."""
        return [
            communication.c.state == "approved",
            communication.c.as_of_date == business_today(connection, self._clock, self._timezone),
            communication.c.is_rehearsal == (self._transport.mode == "rehearsal"),
            communication.c.channel.not_in(sorted(self._unreachable)),
        ]

    def _claim(self) -> list[Row[Any]]:
        now = self._clock.now()
        with writing(self._engine) as connection:
            if control(connection).is_stopped:
                raise _Stopped
            due = connection.execute(
                select(communication)
                .where(
                    *self._due(connection), or_(communication.c.not_before.is_(None), communication.c.not_before <= now)
                )
                .order_by(communication.c.communication_id)
                .limit(self._policy.claim_size)
            ).all()
            claimed = []
            for row in due:
                if row.channel not in self._transport.channels:
                    self._hold(connection, row, f"no_channel:{row.channel}")
                    continue
                values = {
                    "token": row.token + 1,
                    "attempts": row.attempts + 1,
                    "lease_until": now + timedelta(seconds=self._policy.claim_lease_seconds),
                    "not_before": None,
                }
                if take(
                    connection,
                    self._author(),
                    Step(row.communication_id, "approved", "claimed", row.token, None, values),
                ):
                    claimed.append(row.communication_id)
            return list(
                connection.execute(
                    select(communication)
                    .where(communication.c.communication_id.in_(claimed))
                    .order_by(communication.c.communication_id)
                )
            )

    def _hold(self, connection: Connection, row: Row[Any], reason: str) -> None:
        values = {"held_reason": reason, "lease_until": None}
        if take(connection, self._author(), Step(row.communication_id, row.state, "held", row.token, reason, values)):
            self._note("held", row.communication_id)

    def _send(self, row: Row[Any]) -> None:
        channel = self._transport.channels[row.channel]
        try:
            content = self._bodies.get(row.body_sha256)
        except Refusal:
            with writing(self._engine) as connection:
                self._hold(connection, row, "body_mismatch")
            return
        outgoing = _outgoing(row, content)
        try:
            prepared = channel.prepare(outgoing)
        except (TransientFailure, PermanentFailure) as failure:
            self._failed(row, "claimed", failure)
            return
        self._failures_in_a_row[row.channel] = 0
        if self._commit_intent(row, content, prepared):
            self._act(row, channel, outgoing, prepared)

    def _commit_intent(self, row: Row[Any], content: bytes, prepared: Prepared) -> bool:
        """Check and commit the intent to send; otherwise nothing leaves and the message is put where it belongs."""
        is_committed = False
        try:
            with writing(self._engine) as connection:
                may_go = self._check(connection, row, content)
            is_committed = may_go
        finally:
            if not is_committed:
                prepared.abandon()
        return is_committed

    def _check(self, connection: Connection, claimed: Row[Any], content: bytes) -> bool:
        row = connection.execute(
            select(communication).where(communication.c.communication_id == claimed.communication_id)
        ).one()
        if row.state != "claimed" or row.token != claimed.token:
            self._note("lost_claims", row.communication_id)
            return False
        rules = preflight.Rules(
            mode=self._transport.mode,
            today=business_today(connection, self._clock, self._timezone),
            allow_list=self._policy.allow_list,
        )
        verdict = preflight.check(connection, row, content, control(connection), rules)
        if verdict.action == "stop":
            raise _Stopped
        if verdict.action == "hold":
            self._hold(connection, row, verdict.reason or "held")
            return False
        if verdict.action == "expire":
            step = Step(row.communication_id, "claimed", "expired", row.token, verdict.reason, {"lease_until": None})
            if take(connection, self._author(), step):
                self._note("expired", row.communication_id)
            return False
        lease = self._clock.now() + timedelta(seconds=self._policy.sending_lease_seconds)
        step = Step(row.communication_id, "claimed", "sending", row.token, None, {"lease_until": lease})
        return take(connection, self._author(), step)

    def _act(self, row: Row[Any], channel: Channel, outgoing: Outgoing, prepared: Prepared) -> None:
        try:
            receipt = prepared.send()
        except (TransientFailure, PermanentFailure) as failure:
            self._failed(row, "sending", failure)
        except Ambiguous as doubt:
            self._settle(row, channel.probe(outgoing), str(doubt))
        else:
            self._sent(row, receipt)

    def _sent(self, row: Row[Any], receipt: str) -> None:
        with writing(self._engine) as connection:
            values = {"provider_ref": receipt, "lease_until": None, "last_error": None}
            step = Step(row.communication_id, "sending", "sent", row.token, None, values)
            if take(connection, self._author(), step):
                self._note("sent", row.communication_id)
                return
            # We slept past our lease and were given up. The answer is the proof that recovery lacked.
            observe_within(connection, self._author(), row.communication_id, "accepted", "late_reply", receipt)
            self._note("lost_claims", row.communication_id)

    def _settle(self, row: Row[Any], presence: Presence, error: str) -> None:
        with writing(self._engine) as connection:
            today = business_today(connection, self._clock, self._timezone)
            outcome = _outcome(row, presence, today, self._policy)
            values: dict[str, object] = {"lease_until": None, "last_error": error}
            if outcome == "approved":
                values["not_before"] = self._try_again_at(row)
            step = Step(row.communication_id, "sending", outcome, row.token, error, values)
            self._note(outcome if take(connection, self._author(), step) else "lost_claims", row.communication_id)

    def _failed(self, row: Row[Any], from_state: str, failure: TransientFailure | PermanentFailure) -> None:
        """Certainly not sent. A passing trouble is tried again while attempts last; no attempt is left over in limbo."""
        if isinstance(failure, Unreachable):
            self._failures_in_a_row[row.channel] = self._failures_in_a_row.get(row.channel, 0) + 1
            if self._failures_in_a_row[row.channel] >= self._policy.unreachable_limit:
                self._unreachable.add(row.channel)
        values: dict[str, object] = {"lease_until": None, "last_error": str(failure)}
        if isinstance(failure, PermanentFailure):
            to_state = "failed_permanent"
        elif row.attempts >= self._policy.max_attempts:
            to_state = "failed_exhausted"
        else:
            to_state = "approved"
            values["not_before"] = self._try_again_at(row)
        with writing(self._engine) as connection:
            step = Step(row.communication_id, from_state, to_state, row.token, str(failure), values)
            if not take(connection, self._author(), step):
                to_state = "lost_claims"
        self._note(to_state, row.communication_id)

    def _try_again_at(self, row: Row[Any]) -> datetime:
        """Exponential back-off with a jitter that follows from message and attempt, so that a day can be replayed."""
        wait = self._policy.backoff_seconds * 2 ** (row.attempts - 1)
        draw = hashlib.sha256(f"{row.communication_id}|{row.attempts}".encode()).digest()[0]
        return self._clock.now() + timedelta(seconds=wait + wait * draw / 1024)

    def _hand_back(self, claims: Sequence[Row[Any]], reason: str) -> None:
        """Return claims that were not begun, without counting the attempt."""
        if not claims:
            return
        with writing(self._engine) as connection:
            for row in claims:
                values = {"attempts": row.attempts - 1, "lease_until": None}
                take(
                    connection,
                    self._author(),
                    Step(row.communication_id, "claimed", "approved", row.token, reason, values),
                )

    def _without_unreachable(self, claims: list[Row[Any]]) -> list[Row[Any]]:
        stranded = [row for row in claims if row.channel in self._unreachable]
        self._hand_back(stranded, "channel unreachable")
        return [row for row in claims if row.channel not in self._unreachable]

    def _has_more(self) -> bool:
        with reading(self._engine) as connection:
            now = self._clock.now()
            ready = or_(communication.c.not_before.is_(None), communication.c.not_before <= now)
            found = connection.execute(
                select(communication.c.communication_id).where(*self._due(connection), ready).limit(1)
            ).first()
            return found is not None

    def _wait_seconds(self) -> float | None:
        """Seconds until the next message may be tried again; None when there is none."""
        with reading(self._engine) as connection:
            soonest = connection.execute(
                select(func.min(communication.c.not_before)).where(*self._due(connection))
            ).scalar()
        return None if soonest is None else max((soonest - self._clock.now()).total_seconds(), 0.0)

    def _result(self, is_stopped: bool) -> DispatchResult:
        self._unreachable, unreachable = set(), tuple(sorted(self._unreachable))
        with reading(self._engine) as connection:
            today = self._of_today(connection)
            waiting = connection.execute(select(func.count()).select_from(communication).where(*today)).scalar_one()
            is_quiet = (
                connection.execute(
                    select(communication.c.communication_id)
                    .where(*today, communication.c.channel.in_(self._quiet_channels()))
                    .limit(1)
                ).first()
                is not None
            )
        tally = self._tally
        return DispatchResult(
            sent=tally.get("sent"),
            held=tally.get("held"),
            failed=tally.get("failed_permanent", "failed_exhausted"),
            in_doubt=tally.get("in_doubt"),
            closed_unknown=tally.get("closed_unknown"),
            expired=tally.get("expired"),
            lost_claims=tally.get("lost_claims"),
            waiting=waiting,
            is_stopped=is_stopped,
            is_quiet=is_quiet,
            unreachable=unreachable,
        )

    def _note(self, outcome: str, communication_id: str) -> None:
        self._tally.add(outcome, communication_id)
        if self._progress is not None:
            self._progress(communication_id, outcome)


def unsettled(engine: Engine) -> Mapping[str, int]:
    """How many messages rest in a state that is neither final nor waiting for a person. Empty after quiescence."""
    with reading(engine) as connection:
        rows = connection.execute(
            select(communication.c.state, func.count().label("messages"))
            .where(communication.c.state.in_(("planned", "rendered", "approved", "claimed", "sending")))
            .group_by(communication.c.state)
        )
        return {row.state: row.messages for row in rows}

"""The way out of one home: which channels it may use, and a pass of dispatch over them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import time
from pathlib import Path

from assets.communications.assets import Mailroom
from assets.communications.channels import (
    Channel,
    FileChannel,
    LiveEndpoint,
    LivePermit,
    LoopbackEndpoint,
    SmtpChannel,
    SmtpOptions,
    Transport,
    live_permit,
)
from assets.communications.dispatch import (
    DispatchPolicy,
    DispatchResult,
    RecoveryResult,
    SendingHours,
    dispatch,
    recover,
)
from assets.communications.observations import apply_receipts
from assets.communications.relay_log import search_relay_log
from assets.communications.release import apply_recorded_decisions
from assets.handover.make import HandoverRoom
from assets.operations.control import control
from assets.operations.store import reading
from orchestration.installation import Installation
from orchestration.settings import DispatchSettings

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
LETTER_CHANNELS = ("letter", "registered_letter")


def open_mailroom(installation: Installation) -> Mailroom:
    """What rendering and dispatch need of a home."""
    return Mailroom(
        store=installation.store,
        clock=installation.clock,
        warehouse=installation.home.warehouse,
        templates=TEMPLATES,
        bodies=installation.archive,
        settle_earlier=lambda: settle_earlier(installation),
        dispatch_today=lambda: dispatch_today(installation),
        documents=Path(installation.settings.billing.documents) if installation.settings.billing.documents else None,
    )


def open_handover_room(installation: Installation) -> HandoverRoom:
    """What the dossiers of a home are made from."""
    documents = installation.settings.handover.documents
    return HandoverRoom(
        store=installation.store,
        clock=installation.clock,
        warehouse=installation.home.warehouse,
        archive=installation.archive,
        templates=TEMPLATES,
        outbox=installation.home.outbox,
        documents=Path(documents).expanduser() if documents else None,
    )


@contextmanager
def _transport(installation: Installation) -> Iterator[Transport]:
    transport = open_transport(installation, os.environ)
    try:
        yield transport
    finally:
        transport.close()


def settle_earlier(installation: Installation) -> RecoveryResult:
    """Finds out what became of messages that a crash cut short. The caller holds the home's lock."""
    with _transport(installation) as transport:
        return recover(
            installation.store, installation.clock, transport, timezone=installation.timezone, holds_home_lock=True
        )


def dispatch_today(installation: Installation) -> DispatchResult:
    """Carries out recorded releases, settles what an earlier pass left open, and sends what is approved for today.

    The caller holds the home's lock.
    """
    apply_recorded_decisions(installation.store, installation.clock)
    apply_receipts(installation.store, installation.clock)
    settle_earlier(installation)
    with _transport(installation) as transport:
        return dispatch(
            installation.store,
            installation.clock,
            transport,
            installation.archive,
            timezone=installation.timezone,
            policy=DispatchPolicy(
                allow_list=frozenset(installation.settings.dispatch.allow_list) or None,
                hours=sending_hours(installation.settings.dispatch),
            ),
        )


def sending_hours(settings: DispatchSettings) -> SendingHours | None:
    """The hours of the settings, which have been checked; None when they set no limit."""
    if not settings.send_from:
        return None
    return SendingHours(time.fromisoformat(settings.send_from), time.fromisoformat(settings.send_until))


def open_transport(installation: Installation, environment: Mapping[str, str]) -> Transport:
    """The channels of this home. Without a live permit nothing is built that reaches beyond this machine."""
    with reading(installation.store) as connection:
        is_live = control(connection).mode == "live"
        permit = live_permit(connection, installation.settings.dispatch.mode, environment) if is_live else None
    files = FileChannel(installation.home.outbox)
    channels: dict[str, Channel] = dict.fromkeys(LETTER_CHANNELS, files)
    channels["email"] = _email_channel(installation, permit, environment) or files
    return Transport(channels, permit)


def _email_channel(
    installation: Installation, permit: LivePermit | None, environment: Mapping[str, str]
) -> Channel | None:
    smtp = installation.settings.smtp
    if not smtp.host:
        return None
    endpoint = LiveEndpoint(smtp.host, smtp.port, permit) if permit else LoopbackEndpoint(smtp.host, smtp.port)
    options = SmtpOptions(
        security="starttls" if smtp.starttls else "plain",
        user=smtp.user or None,
        password=environment.get("TIJDIG_SMTP_PASSWORD"),
    )
    logs = [Path(log) for log in smtp.relay_logs]
    return SmtpChannel(endpoint, options, search=search_relay_log(logs) if logs else None)

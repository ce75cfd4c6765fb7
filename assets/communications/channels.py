"""How a message leaves the house: as a file in the outbox folder, or over SMTP to the creditor's own relay.

Every channel splits sending at its point of no return. `prepare` does all that can be undone (write the temporary file;
stream the mail up to, not including, the final dot); `send` does the one act that cannot (rename; the dot). Between the
two the dispatcher commits its intent, so that a crash before is harmless and a crash after is known about.

What may be built depends on the home: without a LivePermit only files and SMTP to the loopback interface.
"""

from __future__ import annotations

import ipaddress
import os
import re
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import Connection

from assets.landing.archive import sync_folder
from assets.operations.canonical import sha256_hex
from assets.operations.control import Mode, control
from assets.operations.refusal import Refusal

# RFC 5321 4.5.3.2.6: after the final dot a client waits ten minutes, else it makes the very doubt it must avoid.
FINAL_REPLY_SECONDS = 600.0

# Something that listens here on a loopback address is likely a real relay, and would deliver what a rehearsal shows it.
_RELAY_PORTS = (25, 465, 587)

_ADDRESS = re.compile(r"[^\s<>,;:\"\\()\[\]@\x00-\x1f\x7f]+@[^\s<>,;:\"\\()\[\]@\x00-\x1f\x7f]+")


class TransientFailure(Exception):
    """Certainly not sent; may be tried again later (RFC 5321: a 4yz reply, or no connection)."""


class Unreachable(TransientFailure):
    """Certainly not sent, and the channel as a whole does not answer."""


class PermanentFailure(Exception):
    """Certainly not sent, and trying again will not help (RFC 5321: a 5yz reply)."""


class Ambiguous(Exception):
    """May have been sent: the point of no return was passed and no answer came."""


class Presence(Enum):
    """What a probe found out about a message whose sending was cut short."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Outgoing:
    """One message on its way out. `token` is the claim under which it goes."""

    communication_id: str
    as_of_date: date
    channel: str
    recipient: str
    sender: str
    content: bytes
    body_sha256: str
    extension: str
    token: int


class Prepared(Protocol):
    """A message at the point of no return."""

    def send(self) -> str:
        """Make it leave; returns the receipt. Raises TransientFailure, PermanentFailure or Ambiguous."""
        ...

    def abandon(self) -> None:
        """Undo the preparation: nothing leaves."""
        ...


class Channel(Protocol):
    """A way out of the house."""

    @property
    def is_confined(self) -> bool:
        """Whether nothing sent through it can leave this machine by itself."""
        ...

    def prepare(self, message: Outgoing) -> Prepared:
        """Everything up to the point of no return. Raises TransientFailure or PermanentFailure."""
        ...

    def probe(self, message: Outgoing) -> Presence:
        """Whether the message, whose sending under `message.token` was cut short, has left."""
        ...

    def discard(self, message: Outgoing) -> None:
        """Clear what a dead claim (`message.token`) may have left behind."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


# Permission to reach real people --------------------------------------------------------------------------------------

_ISSUED_HERE = object()


class LivePermit:
    """Proof that this home is live and is meant to send. Only `live_permit` issues it."""

    def __init__(self, issued: object) -> None:
        if issued is not _ISSUED_HERE:
            raise TypeError("a LivePermit comes from live_permit() only")


def live_permit(connection: Connection, configured_mode: str, environ: Mapping[str, str]) -> LivePermit:
    """The permit to build channels to real people: all three of home, configuration and environment must say so.

    Raises Refusal naming the one that does not.
    """
    if control(connection).mode != "live":
        raise Refusal("This home is in rehearsal", "operations store", "Go live first; see the handbook on going live")
    require_live_settings(configured_mode, environ)
    return LivePermit(_ISSUED_HERE)


def require_live_settings(configured_mode: str, environ: Mapping[str, str]) -> None:
    """Raises Refusal unless configuration and environment both ask for live sending."""
    if configured_mode != "live":
        raise Refusal(
            f"Sending is configured as {configured_mode!r}", "tijdig.toml, [dispatch] mode", 'Set mode = "live"'
        )
    if environ.get("TIJDIG_LIVE") != "1":
        raise Refusal("TIJDIG_LIVE is not set", "environment", "Set TIJDIG_LIVE=1 on the machine that may really send")


class Transport:
    """The channels a dispatcher may use, by channel name.

    Without a permit it is a rehearsal transport and takes confined channels only.
    """

    def __init__(self, channels: Mapping[str, Channel], permit: LivePermit | None = None) -> None:
        escaping = sorted(name for name, channel in channels.items() if permit is None and not channel.is_confined)
        if escaping:
            raise Refusal(
                f"A rehearsal cannot use {', '.join(escaping)}: it reaches beyond this machine",
                "transport",
                "Use the outbox folder or SMTP to the loopback interface",
            )
        self.mode: Mode = "rehearsal" if permit is None else "live"
        self.channels: Mapping[str, Channel] = dict(channels)

    def close(self) -> None:
        """Let go of every channel's connections."""
        for channel in set(self.channels.values()):
            channel.close()


# Files ----------------------------------------------------------------------------------------------------------------


class FileChannel:
    """Messages as files: `<outbox>/<as_of_date>/<communication_id>.<extension>`.

    The name follows from the message, so writing it twice writes it once. The temporary file is durable before the
    intent is committed and disappears with the rename: where both are missing, someone has already collected the file.
    """

    is_confined = True

    def __init__(self, outbox: Path) -> None:
        self._outbox = outbox

    def prepare(self, message: Outgoing) -> Prepared:
        """Write the temporary file, durably. A full disk is a TransientFailure; a name taken by other bytes a permanent
        one.
        """
        target, temporary = self._paths(message)
        try:
            _make_folders(target.parent)
            if target.exists():
                if sha256_hex(target.read_bytes()) == message.body_sha256:
                    return _FilePrepared(None, target)
                raise PermanentFailure(f"{target} exists with other content")
            for stale in target.parent.glob(f".{target.name}.*.part"):
                os.unlink(stale)  # of an earlier claim, which can no longer commit to sending
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(message.content)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(target.parent)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise TransientFailure(f"{target}: {error.strerror or error}") from error
        return _FilePrepared(temporary, target)

    def probe(self, message: Outgoing) -> Presence:
        """Present if the file is there with its bytes; absent if only the temporary is (it is removed); else unknown."""
        target, temporary = self._paths(message)
        if target.exists():
            return Presence.PRESENT if sha256_hex(target.read_bytes()) == message.body_sha256 else Presence.UNKNOWN
        try:
            # Whoever still believes to hold this claim now finds nothing to rename.
            os.unlink(temporary)
        except FileNotFoundError:
            return Presence.PRESENT if target.exists() else Presence.UNKNOWN
        return Presence.ABSENT

    def discard(self, message: Outgoing) -> None:
        """Remove the temporary file of a dead claim."""
        self._paths(message)[1].unlink(missing_ok=True)

    def close(self) -> None:
        """Nothing is held open."""

    def _paths(self, message: Outgoing) -> tuple[Path, Path]:
        for part in (message.communication_id, message.extension):
            if not re.fullmatch(r"[A-Za-z0-9_-]+", part):
                raise PermanentFailure(f"{part!r} cannot be part of a file name")
        folder = self._outbox / message.as_of_date.isoformat()
        name = f"{message.communication_id}.{message.extension}"
        return folder / name, folder / f".{name}.{message.token}.part"


@dataclass(frozen=True)
class _FilePrepared:
    temporary: Path | None
    target: Path

    def send(self) -> str:
        if self.temporary is None:
            return f"file:{self.target.name}"
        try:
            os.replace(self.temporary, self.target)
            sync_folder(self.target.parent)
        except OSError as error:
            raise Ambiguous(f"{self.target}: {error.strerror or error}") from error
        return f"file:{self.target.name}"

    def abandon(self) -> None:
        if self.temporary is not None:
            self.temporary.unlink(missing_ok=True)


def _make_folders(folder: Path) -> None:
    if folder.is_dir():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_folder(folder.parent)


# SMTP -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LoopbackEndpoint:
    """A mail catcher on this machine, for rehearsals. Refuses every other address, and the ports of real relays."""

    host: str
    port: int

    def __post_init__(self) -> None:
        if not _is_loopback(self.host):
            raise Refusal(
                f"{self.host} is not this machine",
                "[dispatch] smtp host",
                "In rehearsal use 127.0.0.1, or no SMTP at all",
            )
        if self.port in _RELAY_PORTS:
            raise Refusal(
                f"A real mail relay may listen on port {self.port}",
                "[dispatch] smtp port",
                "In rehearsal use a mail catcher on another port, such as 1025",
            )


@dataclass(frozen=True)
class LiveEndpoint:
    """A submission relay that delivers to real people."""

    host: str
    port: int
    permit: LivePermit

    def __post_init__(self) -> None:
        if not isinstance(self.permit, LivePermit):
            raise TypeError("a LiveEndpoint needs a LivePermit")


@dataclass(frozen=True)
class SmtpOptions:
    """How to talk to the relay. Times in seconds; `final_seconds` is the wait after the dot and at least 600 for real."""

    security: Literal["plain", "starttls", "tls"] = "plain"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connect_seconds: float = 30.0
    reply_seconds: float = 300.0
    final_seconds: float = FINAL_REPLY_SECONDS
    local_hostname: str | None = None


class SmtpChannel:
    """One SMTP submission connection, reused; one recipient per transaction.

    Message-ID and all other headers leave as they were rendered. `search` is an optional probe (relay log, archive
    mailbox, provider interface); without one a message cut short after the dot stays unknown.
    """

    def __init__(
        self,
        endpoint: LoopbackEndpoint | LiveEndpoint,
        options: SmtpOptions | None = None,
        search: Callable[[Outgoing], Presence] | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._options = options or SmtpOptions()
        self._search = search
        self._smtp: smtplib.SMTP | None = None
        if isinstance(endpoint, LiveEndpoint) and self._options.final_seconds < FINAL_REPLY_SECONDS:
            raise Refusal(
                f"{self._options.final_seconds:g} s is too short a wait after the final dot",
                "[dispatch] smtp final_seconds",
                "Leave it at 600 or more: RFC 5321 asks for ten minutes, less makes duplicates",
            )

    @property
    def is_confined(self) -> bool:
        """Whether the other end is on this machine, without a permit to go beyond."""
        return isinstance(self._endpoint, LoopbackEndpoint)

    def prepare(self, message: Outgoing) -> Prepared:
        """Connect if need be, and stream the message up to the final dot."""
        for address in (message.sender, message.recipient):
            if not _ADDRESS.fullmatch(address):
                raise PermanentFailure("not an e-mail address")
        smtp = self._ready()
        try:
            self._envelope(smtp, message)
            code, answer = smtp.docmd("DATA")
            if code != 354:
                raise _failure(code, answer)
            smtp.send(_wire(message.content))
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            self._drop()
            raise TransientFailure(f"connection lost before the final dot: {_short(error)}") from error
        except (TransientFailure, PermanentFailure):
            self._reset()
            raise
        return _SmtpPrepared(self, smtp, self._options.final_seconds)

    def probe(self, message: Outgoing) -> Presence:
        """Ask the configured search; unknown without one."""
        return self._search(message) if self._search is not None else Presence.UNKNOWN

    def discard(self, message: Outgoing) -> None:
        """A dead claim leaves nothing behind here: its connection died with it."""

    def close(self) -> None:
        """Leave politely if the connection stands."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _reset(self) -> None:
        if self._smtp is None:
            return
        try:
            self._smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _ready(self) -> smtplib.SMTP:
        """A connection that answers: the one we have, or a new one."""
        if self._smtp is not None and _answers(self._smtp):
            return self._smtp
        self._drop()
        try:
            self._smtp = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            raise Unreachable(f"the relay refused our credentials ({error.smtp_code})") from error
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(f"no connection to the relay: {_short(error)}") from error
        return self._smtp

    def _connect(self) -> smtplib.SMTP:
        options, endpoint = self._options, self._endpoint
        # The name localhost may be mapped elsewhere; the address may not.
        host = "127.0.0.1" if isinstance(endpoint, LoopbackEndpoint) and endpoint.host == "localhost" else endpoint.host
        if options.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                timeout=options.connect_seconds,
                local_hostname=options.local_hostname,
                context=ssl.create_default_context(),
            )
        else:
            smtp = smtplib.SMTP(timeout=options.connect_seconds, local_hostname=options.local_hostname)
        try:
            # The name the certificate must carry: connect() alone leaves it empty.
            smtp._host = host  # type: ignore[attr-defined]
            code, answer = smtp.connect(host, endpoint.port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, answer)
            smtp.ehlo_or_helo_if_needed()
            if options.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            if options.user is not None:
                smtp.login(options.user, options.password or "")
            assert smtp.sock is not None
            # Without it the kernel may sit on the dot for a while: the window in which a crash leaves a doubt.
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            smtp.sock.settimeout(options.reply_seconds)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _envelope(self, smtp: smtplib.SMTP, message: Outgoing) -> None:
        options = []
        if not message.content.isascii():
            if not smtp.has_extn("8bitmime"):
                raise PermanentFailure("the relay takes 7-bit text only")
            options.append("BODY=8BITMIME")
        if not (message.sender.isascii() and message.recipient.isascii()):
            if not smtp.has_extn("smtputf8"):
                raise PermanentFailure("the relay does not take addresses beyond ASCII")
            options.append("SMTPUTF8")
            smtp.command_encoding = "utf-8"
        code, answer = smtp.mail(message.sender, options)
        if code != 250:
            raise _failure(code, answer)
        code, answer = smtp.rcpt(message.recipient)
        if code not in (250, 251):
            raise _failure(code, answer)


class _SmtpPrepared:
    def __init__(self, channel: SmtpChannel, smtp: smtplib.SMTP, final_seconds: float) -> None:
        self._channel = channel
        self._smtp = smtp
        self._final_seconds = final_seconds

    def send(self) -> str:
        smtp = self._smtp
        try:
            assert smtp.sock is not None
            usual = smtp.sock.gettimeout()
            smtp.sock.settimeout(self._final_seconds)
            smtp.send(b".\r\n")
            code, answer = smtp.getreply()
            smtp.sock.settimeout(usual)
        except (smtplib.SMTPException, OSError) as error:
            self._channel._drop()
            raise Ambiguous(f"no answer after the final dot: {_short(error)}") from error
        if code != 250:
            if code == 421:
                self._channel._drop()
            raise _failure(code, answer)
        return f"smtp:{code} {_printable(answer)}"

    def abandon(self) -> None:
        # A server that never sees the dot discards what it was streamed (RFC 5321 4.1.1.4); there is no way to say so
        # politely.
        self._channel._drop()


def _answers(smtp: smtplib.SMTP) -> bool:
    try:
        return smtp.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def _wire(content: bytes) -> bytes:
    """The message as DATA wants it: CRLF line ends, leading dots doubled, ending in CRLF (RFC 5321 4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", content)
    stuffed = re.sub(rb"(?m)^\.", b"..", lines)
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def _failure(code: int, answer: bytes) -> TransientFailure | PermanentFailure:
    text = f"{code} {_printable(answer)}"
    return TransientFailure(text) if 400 <= code < 500 else PermanentFailure(text)


def _printable(answer: bytes) -> str:
    return re.sub(r"[^\x20-\x7e]+", " ", answer.decode("utf-8", "replace"))[:200]


def _short(error: Exception) -> str:
    return _printable(str(error).encode("utf-8", "replace")) or type(error).__name__


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

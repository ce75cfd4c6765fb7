"""Asking our own relay whether it took a message whose answer we never read: its log names every Message-ID it queued."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from assets.communications.channels import Outgoing, Presence


def search_relay_log(logs: Sequence[Path]) -> Callable[[Outgoing], Presence]:
    """A `search` for SmtpChannel over log files of Postfix (`cleanup[...]: <queue id>: message-id=<...>`).

    Finding the id proves that the relay accepted the message and now owns it. Not finding it proves nothing: the line may
    be buffered, rotated away, or on another host. So the answer is present or unknown, never absent.
    """

    def search(message: Outgoing) -> Presence:
        wanted = f"message-id=<{message.communication_id}@".encode("ascii")
        return Presence.PRESENT if any(_holds(log, wanted) for log in logs) else Presence.UNKNOWN

    return search


def _holds(log: Path, wanted: bytes) -> bool:
    try:
        with log.open("rb") as lines:
            return any(wanted in line for line in lines)
    except OSError:
        # A log we may not read or that was just rotated is no evidence either way.
        return False

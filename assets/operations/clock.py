"""Real time, passed in. It stamps records and measures leases; it never decides which business day it is by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo


class Clock(Protocol):
    """Anything that knows the present moment."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


def calendar_date(clock: Clock, timezone: ZoneInfo) -> date:
    """The date a person in `timezone` reads on the calendar now. At 22:30 UTC on 30 June Amsterdam already has July."""
    return clock.now().astimezone(timezone).date()

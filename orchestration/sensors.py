"""When files arrive during the day, the day is computed again: late statements release people who were held."""

import hashlib
import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from orchestration.home import Home
from orchestration.jobs import CLOSE_OF_DAY
from orchestration.settings import read_settings


def inbox_sensor(home: Home) -> dg.SensorDefinition:
    """Asks for a run once the files of the inboxes have kept their size since the last look."""

    @dg.sensor(name="inbox", job=CLOSE_OF_DAY, minimum_interval_seconds=60, description="New files in an inbox")
    def inbox(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        seen = json.dumps(sizes(home))
        before, asked = json.loads(context.cursor) if context.cursor else ("[]", "")
        fingerprint = hashlib.sha256(seen.encode()).hexdigest()
        settled = seen == before and seen != "[]"
        context.update_cursor(json.dumps([seen, fingerprint if settled else asked]))
        if not settled:
            return dg.SkipReason("no new files, or they are still being written")
        if fingerprint == asked:
            return dg.SkipReason("these files were asked for already")
        today = datetime.now(UTC).astimezone(ZoneInfo(read_settings(home.root).home.timezone)).date()
        return dg.RunRequest(run_key=fingerprint, partition_key=today.isoformat())

    return inbox


def sizes(home: Home) -> list[tuple[str, int]]:
    """Names and sizes of the files in every inbox, in order."""
    return sorted(
        (path.relative_to(home.root).as_posix(), path.stat().st_size)
        for inbox in (home.bank_inbox, home.billing_inbox, home.invoices_inbox, home.register_inbox)
        if inbox.is_dir()
        for path in inbox.iterdir()
        if path.is_file() and not path.name.startswith(".")
    )

"""When a day runs by itself: on bank days, in the company's own time zone."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
import holidays

from orchestration.home import Home
from orchestration.jobs import CLOSE_OF_DAY, SEND_DAY
from orchestration.settings import HomeSettings, read_settings

# Statements of the day before are in by now, and people are not yet at work.
CLOSE_AT = "30 6 * * 1-5"
# Within office hours, after somebody could look at what is held.
SEND_AT = "0 9 * * 1-5"


def is_bank_day(day: date) -> bool:
    """Whether TARGET is open on `day`: no weekend and none of its six holidays."""
    return day.weekday() < 5 and day not in holidays.financial_holidays("ECB", years=day.year)


def schedules_of(home: Home) -> Sequence[dg.ScheduleDefinition]:
    """The two schedules of a home. They are stopped until somebody starts them."""
    timezone = read_settings(home.root).home.timezone if home.settings_file.is_file() else HomeSettings().timezone
    return [_bank_day_schedule(CLOSE_OF_DAY, CLOSE_AT, timezone), _bank_day_schedule(SEND_DAY, SEND_AT, timezone)]


def _bank_day_schedule(job: Any, cron: str, timezone: str) -> dg.ScheduleDefinition:
    @dg.schedule(job=job, cron_schedule=cron, execution_timezone=timezone, name=f"{job.name}_on_bank_days")
    def on_bank_days(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.date()
        if not is_bank_day(day):
            return dg.SkipReason(f"{day} is not a bank day")
        return dg.RunRequest(run_key=f"{job.name}-{day}", partition_key=day.isoformat())

    return on_bank_days

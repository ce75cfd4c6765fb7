"""What every landing step needs to know: whose home, which run, which batch."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from assets.landing.archive import Archive
from assets.landing.batches import open_batch
from assets.operations.clock import Clock
from assets.operations.control import admit_day
from assets.operations.runs import begin_run
from assets.operations.store import writing
from assets.operations.tables import run as run_table


@dataclass(frozen=True, slots=True)
class Landing:
    """One run's way into the raw log. `batch_id` is the batch everything of this run is landed under."""

    store: Engine
    clock: Clock
    warehouse: Path
    archive: Archive
    quarantine: Path
    run_id: str
    batch_id: int
    as_of_date: date


@dataclass(frozen=True, slots=True)
class LandingRoom:
    """Where things arrive in one home. `of_run` gives a run its batch."""

    store: Engine
    clock: Clock
    warehouse: Path
    archive: Archive
    quarantine: Path
    bank_inbox: Path
    billing_inbox: Path
    invoices_inbox: Path
    register_inbox: Path
    accepted_batches: frozenset[int]
    timezone: ZoneInfo
    policy_version: str
    code_version: str

    def of_run(self, run_id: str, as_of_date: date) -> Landing:
        """The landing of a run. The run begins and its batch opens with the first step that asks.

        Raises Refusal when the home does not admit the day (a past day in rehearsal, any other day than today in live).
        """
        with writing(self.store) as connection:
            if connection.execute(select(run_table.c.run_id).where(run_table.c.run_id == run_id)).first() is None:
                admit_day(connection, self.clock, self.timezone, as_of_date)
                begin_run(connection, self.clock, run_id, as_of_date, self.policy_version, self.code_version, "tijdig")
        batch_id = open_batch(self.store, self.clock, run_id)
        return Landing(
            self.store, self.clock, self.warehouse, self.archive, self.quarantine, run_id, batch_id, as_of_date
        )

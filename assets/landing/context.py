"""What every landing step needs to know: whose home, which run, which batch."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Engine

from assets.landing.archive import Archive
from assets.landing.batches import open_batch
from assets.operations.clock import Clock


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
    register_inbox: Path
    accepted_batches: frozenset[int]

    def of_run(self, run_id: str, as_of_date: date) -> Landing:
        """The landing of a run: its batch is opened, or found when a step is tried again."""
        batch_id = open_batch(self.store, self.clock, run_id)
        return Landing(self.store, self.clock, self.warehouse, self.archive, self.quarantine, run_id, batch_id, as_of_date)

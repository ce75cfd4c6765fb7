"""Worklists as a Dagster asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of
from assets.worklists.write import write_day


@dataclass(frozen=True, slots=True)
class WorklistRoom:
    """From which warehouse, with which templates, into which folder."""

    warehouse: Path
    templates: Path
    folder: Path


def worklists_asset(tables: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that writes the day's worklists and call sheets once `tables` are built."""

    @dg.asset(
        key=["published", "worklists"],
        description="A worklist per person as XLSX and CSV, with room for the answers, and a page for every call.",
        group_name="publishing",
        owners=[FINANCE_DATA],
        kinds={"excel", "html"},
        deps=list(tables),
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def worklists(
        context: dg.AssetExecutionContext, worklist_room: dg.ResourceParam[WorklistRoom]
    ) -> dg.MaterializeResult[None]:
        """Writes the day."""
        written = write_day(worklist_room.warehouse, worklist_room.folder, worklist_room.templates, day_of(context))
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": written.tasks,
                "worklists": written.worklists,
                "call_sheets": written.call_sheets,
            }
        )

    return worklists

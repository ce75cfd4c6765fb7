"""Publishing as a Dagster asset."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of
from assets.publishing.publish import publish


@dataclass(frozen=True, slots=True)
class PublishingRoom:
    """From which warehouse, into which folder."""

    warehouse: Path
    folder: Path


def publishing_asset(tables: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that publishes the newest day once every one of `tables` is built."""

    @dg.asset(
        key=["published", "snapshot"],
        description="The newest day for everyone else: Parquet files, a DuckDB snapshot and the pointer current.json.",
        group_name="publishing",
        owners=[FINANCE_DATA],
        kinds={"parquet", "duckdb"},
        deps=list(tables),
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def snapshot(
        context: dg.AssetExecutionContext, publishing_room: dg.ResourceParam[PublishingRoom]
    ) -> dg.MaterializeResult[None]:
        """Publishes the day."""
        published = publish(publishing_room.warehouse, publishing_room.folder, day_of(context))
        return dg.MaterializeResult(
            metadata={
                "snapshot": published.snapshot,
                "tables": len(published.rows),
                "dagster/row_count": sum(published.rows.values()),
                "rows_by_table": dg.MetadataValue.json(published.rows),
            }
        )

    return snapshot

"""The register as a Dagster asset: what people decided and handed in as files."""

import dagster as dg

from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of
from assets.landing.context import LandingRoom
from assets.register.landing import land_register


@dg.asset(
    key=["operations", "register"],
    description="Register events handed in as files, and returned worklists: disputes, promises, arrangements, outcomes. Recorded once.",
    group_name="landing",
    owners=[FINANCE_DATA],
    kinds={"sqlite", "file"},
    partitions_def=BUSINESS_DAY,
    pool=WAREHOUSE_POOL,
    backfill_policy=ONE_RUN_A_DAY,
)
def register_files(
    context: dg.AssetExecutionContext, landing_room: dg.ResourceParam[LandingRoom]
) -> dg.MaterializeResult[None]:
    """Records the events of every complete file of the register inbox."""
    landed = land_register(landing_room.of_run(context.run_id, day_of(context)), landing_room.register_inbox)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": landed.recorded,
            "events_repeated": landed.repeated,
            "rows_refused": landed.refused_rows,
            "files_taken": landed.taken,
            "files_duplicate": landed.duplicate,
            "files_quarantined": landed.quarantined,
        }
    )

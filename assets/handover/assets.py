"""The dossiers of the day as a Dagster asset."""

import dagster as dg

from assets.handover.make import HandoverRoom, make_dossiers
from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL
from assets.landing.warehouse import reading as reading_warehouse
from assets.operations.runs import read_run
from assets.operations.store import reading as reading_store

DOSSIERS_KEY = dg.AssetKey(["outbox", "dossiers"])


def dossier_asset(handovers: dg.AssetKey, standing: dg.AssetKey) -> dg.AssetsDefinition:
    """The asset that makes the dossier of every hand-over in `handovers` that has none yet, once `standing` is kept."""

    @dg.asset(
        key=DOSSIERS_KEY,
        description="What goes to an agency: a folder per hand-over with dossier.pdf, dossier.json and every document and message, made once.",
        group_name="dispatch",
        owners=[FINANCE_DATA],
        kinds={"pdf", "json"},
        deps=[handovers, standing],
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def dossiers(
        context: dg.AssetExecutionContext, handover_room: dg.ResourceParam[HandoverRoom]
    ) -> dg.MaterializeResult[None]:
        """Makes what is missing; the same day again makes nothing."""
        with reading_store(handover_room.store) as store:
            run = read_run(store, context.run_id)
        with reading_warehouse(handover_room.warehouse) as warehouse:
            result = make_dossiers(handover_room, warehouse, run)
        return dg.MaterializeResult(
            metadata={
                "made": len(result.made),
                "folders_written": len(result.written),
                "dagster/row_count": len(result.made),
            }
        )

    return dossiers

"""What all landing assets share: the business day they are partitioned by, their owners and their pool."""

import warnings
from datetime import date

import dagster as dg

# Backfill policies are still marked beta; that is our choice to make once, not a warning for everybody who runs a day.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# Today's partition exists (end_offset), and no home has facts from before 2010. Partitions end in UTC: east of Greenwich the home's day
# begins while UTC still has yesterday, so two days are left open.
BUSINESS_DAY = dg.DailyPartitionsDefinition(start_date="2010-01-01", end_offset=2)

# A missed day is never made up by running all days in between as one: each day is a run of its own.
ONE_RUN_A_DAY = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)

FINANCE_DATA = "finance-data@example.org"

# One writer on the warehouse file, whichever process it is in.
WAREHOUSE_POOL = "warehouse"


def day_of(context: dg.AssetExecutionContext) -> date:
    """The business day of this run."""
    return date.fromisoformat(context.partition_key)


def raw_asset(
    table: str, description: str, *, deps: list[dg.AssetKey] | None = None, kinds: set[str] | None = None
) -> dg.AssetSpec:
    """The asset of one table of the raw log."""
    return dg.AssetSpec(
        dg.AssetKey(["raw", table]),
        description=description,
        group_name="landing",
        owners=[FINANCE_DATA],
        kinds={"duckdb", *(kinds or set())},
        deps=deps or [],
        partitions_def=BUSINESS_DAY,
        skippable=False,
    )

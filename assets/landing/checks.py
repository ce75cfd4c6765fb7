"""Blocking checks on what landed: a day stops here rather than send letters made from a file that cannot be right."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import select

from assets.landing.assets import WAREHOUSE_POOL
from assets.landing.context import LandingRoom
from assets.landing.expectations import RESULTS, SUITES, archived_results, look
from assets.landing.warehouse import writing
from assets.operations.runs import read_run, record_dataset
from assets.operations.store import writing as writing_store
from assets.operations.tables import run as run_table

SPECS = [
    dg.AssetCheckSpec(
        name="looks_like_what_came_before",
        asset=dg.AssetKey(["raw", suite.table]),
        blocking=True,
        description=f"Great Expectations on the rows of {suite.table} that came since it last agreed.",
    )
    for suite in SUITES
]


@dg.multi_asset_check(name="expectations", specs=SPECS, pool=WAREHOUSE_POOL)
def expectations(
    context: dg.AssetCheckExecutionContext, landing_room: dg.ResourceParam[LandingRoom]
) -> Iterator[dg.AssetCheckResult]:
    """Looks at what landed, once for all suites."""
    with writing(landing_room.warehouse) as connection:
        outcomes = look(connection, landing_room.accepted_batches)
    content, rows = archived_results(outcomes)
    if rows:
        with writing_store(landing_room.store) as store:
            # Asked for alone, from the UI, the check belongs to no day of ours.
            if store.execute(select(run_table.c.run_id).where(run_table.c.run_id == context.run.run_id)).first():
                run = read_run(store, context.run.run_id)
                record_dataset(store, run, RESULTS, landing_room.archive.put(content), rows)
    for outcome in outcomes:
        remedy = f"deliver better rows, or accept the batch: [landing] accepted_batches = [{outcome.batch_id}]"
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(["raw", outcome.table]),
            check_name="looks_like_what_came_before",
            passed=outcome.is_met,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{outcome.message}. What to do: {remedy}" if outcome.message else "nothing unusual",
            metadata={"rows_looked_at": outcome.rows, "batch_id": outcome.batch_id},
        )

"""Checks on what landed: a day stops here rather than send letters made from rows that cannot be right together."""

from collections.abc import Iterator

import dagster as dg
from sqlalchemy import select

from assets.landing.assets import WAREHOUSE_POOL
from assets.landing.context import LandingRoom
from assets.landing.data_docs import DataDocs, write_data_docs
from assets.landing.expectations import RESULTS, Outcome, archived_results, look
from assets.landing.suites import SUITES
from assets.landing.warehouse import reading, writing
from assets.operations.clock import calendar_date
from assets.operations.runs import read_run, record_dataset
from assets.operations.store import writing as writing_store
from assets.operations.tables import run as run_table

# A check that may stop the day runs before everything that reads its table. One that only warns must not: the bank files
# read the companies, and are looked at together with them.
SPECS = [
    dg.AssetCheckSpec(
        name=suite.check,
        asset=dg.AssetKey(["raw", suite.table]),
        blocking=suite.stops,
        description=f"{suite.about} Great Expectations, suite {suite.name}.",
    )
    for suite in SUITES
]


@dg.multi_asset_check(name="expectations", specs=SPECS, pool=WAREHOUSE_POOL)
def expectations(
    context: dg.AssetCheckExecutionContext,
    landing_room: dg.ResourceParam[LandingRoom],
    data_docs: dg.ResourceParam[DataDocs],
) -> Iterator[dg.AssetCheckResult]:
    """Looks at what landed, once for all suites, and writes the Data Docs of it."""
    today = calendar_date(landing_room.clock, landing_room.timezone)
    with writing(landing_room.warehouse) as connection:
        outcomes = look(connection, landing_room.accepted_batches, today)
    content, rows = archived_results(outcomes)
    if rows:
        with writing_store(landing_room.store) as store:
            # Asked for alone, from the UI, the check belongs to no day of ours.
            if store.execute(select(run_table.c.run_id).where(run_table.c.run_id == context.run.run_id)).first():
                run = read_run(store, context.run.run_id)
                record_dataset(store, run, RESULTS, landing_room.archive.put(content), rows)
    with reading(landing_room.warehouse) as connection:
        index = write_data_docs(data_docs, connection, landing_room.store, outcomes)
    for outcome in outcomes:
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(["raw", outcome.suite.table]),
            check_name=outcome.suite.check,
            passed=outcome.is_met and not outcome.warning,
            severity=dg.AssetCheckSeverity.WARN if outcome.is_met else dg.AssetCheckSeverity.ERROR,
            description=_described(outcome),
            metadata={
                "rows_looked_at": outcome.rows,
                "batch_id": outcome.batch_id,
                **({"warning": outcome.warning} if outcome.warning else {}),
                **({"data_docs": dg.MetadataValue.path(str(index))} if index else {}),
            },
        )


def _described(outcome: Outcome) -> str:
    if outcome.message:
        remedy = f"deliver better rows, or accept the batch: [landing] accepted_batches = [{outcome.batch_id}]"
        return f"{outcome.words}. What to do: {remedy}"
    return outcome.words or "nothing unusual"

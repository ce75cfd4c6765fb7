"""The three jobs of a day: compute it, send it, and compute a past one again."""

from datetime import date

import dagster as dg

from assets.landing.assets import BUSINESS_DAY, WAREHOUSE_POOL
from orchestration.replay import replay_day

DISPATCHED = dg.AssetKey(["outbox", "dispatched"])

CLOSE_OF_DAY = dg.define_asset_job(
    "close_of_day",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(DISPATCHED),
    description="Pull, load, check, build, render, plan and publish one business day. Sends nothing.",
    partitions_def=BUSINESS_DAY,
    executor_def=dg.in_process_executor,
    tags={"purpose": "daily"},
)

SEND_DAY = dg.define_asset_job(
    "send_day",
    selection=dg.AssetSelection.assets(DISPATCHED),
    description="Send what the day planned and nobody holds, each message once.",
    partitions_def=BUSINESS_DAY,
    executor_def=dg.in_process_executor,
    tags={"purpose": "daily"},
)


@dg.op(required_resource_keys={"installation"}, pool=WAREHOUSE_POOL)
def replay(context: dg.OpExecutionContext) -> None:
    """Computes the partition's day in a scratch warehouse and compares it with what was decided then."""
    replayed = replay_day(context.resources.installation, date.fromisoformat(context.partition_key))
    context.add_output_metadata(replayed.as_json())
    if not replayed.is_identical:
        raise dg.Failure(
            f"{replayed.only_recorded} decisions of {replayed.as_of_date} are not reproduced, {replayed.only_computed} are new",
            metadata=replayed.as_json(),
        )


@dg.job(
    description="Compute a past day again, beside the warehouse, and compare its decisions. Has no way to send.",
    partitions_def=BUSINESS_DAY,
    executor_def=dg.in_process_executor,
    tags={"purpose": "replay"},
)
def rebuild_day() -> None:
    """One step: the replay."""
    replay()

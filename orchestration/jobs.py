"""The three jobs of a day: compute it, send it, and compute a past one again."""

import dagster as dg

from assets.landing.assets import BUSINESS_DAY

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

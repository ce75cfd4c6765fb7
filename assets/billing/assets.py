"""The billing extract as Dagster assets: one step, a table of the raw log each."""

from collections.abc import Iterator

import dagster as dg

from assets.billing.landing import BillingLanded, land_extract, land_files
from assets.billing.offers import TableLanded
from assets.billing.source import BillingSource
from assets.landing.assets import ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of, raw_asset
from assets.landing.context import LandingRoom
from assets.landing.raw_tables import BILLING_TABLES
from assets.landing.warehouse import reading

DESCRIPTIONS = {
    "companies": "The creditors whose invoices we follow: names, accounts, addresses. One row per version of a company.",
    "customers": "Who owes: addresses, terms, languages, account managers. One row per version of a customer.",
    "invoices": "Invoices, credit notes and term notes as billed. One row per version of a document.",
    "invoice_lines": "The lines of each invoice, for questions about one of them. One row per version of a line.",
    "mandates": "Direct-debit mandates. One row per version of a mandate.",
    "orders": "Purchase orders customers gave us, to check references against. One row per version of an order.",
    "opening_stages": "Dunning stages reached in an older system at cut-over. One row per version of an invoice's stage.",
}


@dg.multi_asset(
    name="billing_extract",
    specs=[raw_asset(table.name, DESCRIPTIONS[table.name], kinds={"sql"}) for table in BILLING_TABLES],
    pool=WAREHOUSE_POOL,
    backfill_policy=ONE_RUN_A_DAY,
)
def billing_extract(
    context: dg.AssetExecutionContext,
    landing_room: dg.ResourceParam[LandingRoom],
    billing_source: dg.ResourceParam[BillingSource],
) -> Iterator[dg.MaterializeResult[None]]:
    """Pulls the billing extract and appends what is new or changed to the raw log."""
    landing = landing_room.of_run(context.run_id, day_of(context))
    if billing_source.url:
        landed = land_extract(landing, billing_source)
    else:
        landed = land_files(landing, landing_room.billing_inbox, billing_source)
    for table in landed.tables:
        for notice in table.notices:
            context.log.warning(notice)
    yield from _results(landed, landing_room)


def _results(landed: BillingLanded, room: LandingRoom) -> Iterator[dg.MaterializeResult[None]]:
    counts = {table.name: TableLanded(table.name, 0, 0, 0, 0) for table in BILLING_TABLES}
    for table in landed.tables:
        counts[table.table_name] = counts[table.table_name] + table
    files = {"files_taken": landed.taken, "files_duplicate": landed.duplicate, "files_quarantined": landed.quarantined}
    with reading(room.warehouse) as connection:
        total = str(
            connection.execute(
                "select coalesce(sum(total_amount), 0) from raw.invoices where batch_id = (select max(batch_id) from raw.invoices)"
            ).fetchall()[0][0]
        )
    for name, table in counts.items():
        metadata: dict[str, int | str] = {
            "rows_seen": table.seen,
            "dagster/row_count": table.changed,
            "rows_deleted": table.deleted,
            "rows_refused": table.refused,
            "keys_repeated": table.repeated_keys,
            **files,
        }
        if table.notices:
            metadata["notices"] = "; ".join(table.notices)
        if name == "invoices":
            metadata["control_total_of_last_batch"] = total
        yield dg.MaterializeResult(asset_key=dg.AssetKey(["raw", name]), metadata=metadata)

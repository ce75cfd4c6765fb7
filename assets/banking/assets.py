"""Bank statements as Dagster assets: files in, statements, entries and candidate references out."""

from collections.abc import Iterator

import dagster as dg

from assets.banking.landing import land_statements
from assets.landing.assets import ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of, raw_asset
from assets.landing.context import LandingRoom
from assets.landing.warehouse import reading

COMPANIES = dg.AssetKey(["raw", "companies"])

SPECS = [
    raw_asset(
        "bank_statements",
        "One row per statement of an account, with the balances it opens and closes on.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
    raw_asset(
        "bank_entries",
        "One row per booked entry, or per detail of a batch that adds up.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
    raw_asset(
        "entry_references",
        "One row per text in an entry that may name an invoice, with its check digits tried.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
    raw_asset(
        "notified_entries",
        "One row per entry or batch detail of an informative message (camt.052, camt.054); no money.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
    raw_asset(
        "notified_references",
        "One row per text in a notified entry that may name an invoice.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
    raw_asset(
        "quarantined_files",
        "One row per refused file, with the reason and, where known, the account it is of.",
        deps=[COMPANIES],
        kinds={"file"},
    ),
]


@dg.multi_asset(name="bank_files", specs=SPECS, pool=WAREHOUSE_POOL, backfill_policy=ONE_RUN_A_DAY)
def bank_files(
    context: dg.AssetExecutionContext, landing_room: dg.ResourceParam[LandingRoom]
) -> Iterator[dg.MaterializeResult[None]]:
    """Takes every complete file of the bank inbox; the same file or statement again changes nothing."""
    landing = landing_room.of_run(context.run_id, day_of(context))
    landed = land_statements(landing, landing_room.bank_inbox)
    with reading(landing_room.warehouse) as connection:
        totals = connection.execute(
            """
            select currency, sum(amount) filter (where amount > 0), sum(amount) filter (where amount < 0)
            from raw.bank_entries where batch_id = ? group by currency order by currency
            """,
            [landing.batch_id],
        ).fetchall()
    counts = {"bank_statements": landed.statements, "bank_entries": landed.entries}
    files = {"files_taken": landed.taken, "files_duplicate": landed.duplicate, "files_quarantined": landed.quarantined}
    control = {
        f"{word}_{currency}": str(amount or 0)
        for currency, credit, debit in totals
        for word, amount in (("credits", credit), ("debits", debit))
    }
    for spec in SPECS:
        metadata: dict[str, int | str] = {**files, **control}
        if (count := counts.get(spec.key.path[-1])) is not None:
            metadata["dagster/row_count"] = count
        yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)

"""Invoice documents as Dagster assets: files in; documents, their lines and the customers' answers out."""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from assets.invoicing.answers import Recorder
from assets.invoicing.landing import land_documents
from assets.invoicing.rows import DOCUMENTS, LINES
from assets.landing.assets import ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of, raw_asset
from assets.landing.context import LandingRoom

# Whose a document is, and of which customer, is read from what the billing extract says.
EXTRACT = [dg.AssetKey(["raw", table]) for table in ("companies", "customers", "invoices")]

SPECS = [
    raw_asset(
        DOCUMENTS,
        "One row per invoice or credit note that came as a document (UBL, CII, Factur-X, ZUGFeRD).",
        deps=EXTRACT,
        kinds={"file"},
    ),
    raw_asset(LINES, "One row per line of an invoice document.", deps=EXTRACT, kinds={"file"}),
]


@dataclass(frozen=True, slots=True)
class ResponseDesk:
    """Where buyers' answers are recorded: the register, which no other slice may reach."""

    record: Recorder


@dg.multi_asset(name="invoice_files", specs=SPECS, pool=WAREHOUSE_POOL, backfill_policy=ONE_RUN_A_DAY)
def invoice_files(
    context: dg.AssetExecutionContext,
    landing_room: dg.ResourceParam[LandingRoom],
    response_desk: dg.ResourceParam[ResponseDesk],
) -> Iterator[dg.MaterializeResult[None]]:
    """Takes every complete file of the invoices inbox; the same document again changes nothing."""
    landing = landing_room.of_run(context.run_id, day_of(context))
    landed = land_documents(landing, landing_room.invoices_inbox, response_desk.record)
    figures: dict[str, int] = {
        "files_taken": landed.taken,
        "files_duplicate": landed.duplicate,
        "files_quarantined": landed.quarantined,
        "credit_notes": landed.credit_notes,
        "invoice_responses": landed.responses,
    }
    rows = {DOCUMENTS: landed.invoices + landed.credit_notes, LINES: landed.lines}
    for spec in SPECS:
        yield dg.MaterializeResult(
            asset_key=spec.key, metadata={**figures, "dagster/row_count": rows[spec.key.path[-1]]}
        )

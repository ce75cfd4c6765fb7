"""The warehouse as Dagster assets: the business day, the dbt chapters, and what a run leaves standing."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
    get_asset_key_for_model,
)
from sqlalchemy import Connection, Engine, select

from assets.landing.archive import Archive
from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL, raw_asset
from assets.landing.raw_tables import BILLING_TABLES
from assets.landing.warehouse import writing as writing_warehouse
from assets.operations.clock import Clock
from assets.operations.runs import close_batch, pin_run, read_run
from assets.operations.store import reading as reading_store
from assets.operations.store import writing as writing_store
from assets.operations.tables import landing_batch
from assets.warehouse.business_day import write_business_day
from assets.warehouse.dbt import DbtHome, build_arguments, built_from, note_built_from
from assets.warehouse.standing import keep_what_stands
from assets.warehouse.versions import project_hash

LANDED = [dg.AssetKey(["raw", table.name]) for table in BILLING_TABLES] + [
    dg.AssetKey(["raw", name])
    for name in (
        "invoice_documents",
        "invoice_document_lines",
        "bank_statements",
        "bank_entries",
        "entry_references",
        "notified_entries",
        "notified_references",
        "quarantined_files",
    )
]
BUSINESS_DAY_KEY = dg.AssetKey(["control", "business_day"])

FACT_SPECS = [
    raw_asset(
        "register_events",
        "One row per register event up to the run's sequence.",
        deps=[*LANDED, dg.AssetKey(["operations", "register"])],
    ),
    raw_asset(
        "dispatch_events", "One row per item and state change of a message up to the run's sequence.", deps=LANDED
    ),
    raw_asset("sent_messages", "One row per message that left, with the row it was made from, frozen.", deps=LANDED),
    raw_asset("allocations", "One row per allocation of an earlier run: an allocation stands.", deps=LANDED),
    raw_asset(
        "row_problems",
        "One row per refused row of an extract: its customer is held until a good row comes.",
        deps=LANDED,
    ),
    raw_asset("full_extracts", "One row per full extract of a table: it says again what is still wrong.", deps=LANDED),
    dg.AssetSpec(
        BUSINESS_DAY_KEY,
        description="The one row every model reads for its day: as-of date, run, and how far the logs are known.",
        group_name="landing",
        owners=[FINANCE_DATA],
        kinds={"duckdb"},
        deps=LANDED,
        partitions_def=BUSINESS_DAY,
    ),
]


@dataclass(frozen=True, slots=True)
class WarehouseRoom:
    """The warehouse of one home with what surrounds it."""

    store: Engine
    warehouse: Path
    archive: Archive
    dbt: DbtHome
    clock: Clock

    @staticmethod
    def batch_of(store: Connection, run_id: str) -> int:
        """The batch everything of this run was landed under."""
        return int(store.execute(select(landing_batch.c.batch_id).where(landing_batch.c.run_id == run_id)).scalar_one())


@dg.multi_asset(name="business_day", specs=FACT_SPECS, pool=WAREHOUSE_POOL, backfill_policy=ONE_RUN_A_DAY)
def business_day(
    context: dg.AssetExecutionContext, warehouse_room: dg.ResourceParam[WarehouseRoom]
) -> Iterator[dg.MaterializeResult[None]]:
    """Fixes what this run knows, and copies register and dispatch facts up to there."""
    with writing_warehouse(warehouse_room.warehouse) as connection, writing_store(warehouse_room.store) as store:
        batch_id = warehouse_room.batch_of(store, context.run_id)
        close_batch(store, warehouse_room.clock, batch_id, "landing", {})
        run = pin_run(store, context.run_id, batch_id)
        counts = write_business_day(connection, store, run)
    for spec in FACT_SPECS:
        rows = counts.get(spec.key.path[-1])
        metadata: dict[str, int] = {
            "batch_watermark": run.batch_watermark,
            "register_seq": run.register_seq,
            "dispatch_seq": run.dispatch_seq,
        }
        if rows is not None:
            metadata["dagster/row_count"] = rows
        yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)


def warehouse_assets(manifest: Path) -> list[Any]:
    """The assets made from a dbt manifest: every chapter, and what stands after them."""
    translator = DagsterDbtTranslator(
        settings=DagsterDbtTranslatorSettings(
            enable_asset_checks=True, enable_source_tests_as_checks=True, enable_duplicate_source_asset_keys=True
        )
    )

    @dbt_assets(  # type: ignore[untyped-decorator]
        manifest=manifest,
        name="chapters",
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
        dagster_dbt_translator=translator,
    )
    def chapters(
        context: dg.AssetExecutionContext, dbt: DbtCliResource, warehouse_room: dg.ResourceParam[WarehouseRoom]
    ) -> Iterator[Any]:
        """Builds every chapter in order: seeds, models, data tests."""
        digest = project_hash()
        with writing_warehouse(warehouse_room.warehouse) as connection:
            is_unchanged = built_from(connection) == digest
            # Until this build is through, the warehouse is of no version at all.
            note_built_from(connection, "")
        arguments = build_arguments(is_unchanged=is_unchanged)
        yield from dbt.cli(arguments, context=context, target_path=warehouse_room.dbt.target).stream()
        with writing_warehouse(warehouse_room.warehouse) as connection:
            note_built_from(connection, digest)

    kept = [get_asset_key_for_model([chapters], name) for name in ("payment_allocations", "dunning_decisions")]

    @dg.asset(
        key=["operations", "standing_facts"],
        description="Allocations this run made, now facts, and its dated tables, archived so that a deleted warehouse gets them back.",
        group_name="dispatch",
        owners=[FINANCE_DATA],
        kinds={"parquet"},
        deps=kept,
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def standing_facts(
        context: dg.AssetExecutionContext, warehouse_room: dg.ResourceParam[WarehouseRoom]
    ) -> dg.MaterializeResult[None]:
        """Keeps what must not be decided again."""
        with reading_store(warehouse_room.store) as store:
            run = read_run(store, context.run_id)
        with writing_warehouse(warehouse_room.warehouse) as connection:
            kept = keep_what_stands(connection, warehouse_room.store, warehouse_room.archive, run)
        return dg.MaterializeResult(metadata={name: rows for name, rows in kept.items()})

    return [chapters, standing_facts]

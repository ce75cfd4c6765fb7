"""The one Definitions: every asset, check, job and schedule of one home. Imports the slices; nobody imports it."""

import os
from pathlib import Path

import dagster as dg
from dagster_dbt import get_asset_key_for_model

from assets.banking.assets import bank_files
from assets.billing.assets import billing_extract
from assets.communications.assets import outbox_assets, templates
from assets.handover.assets import dossier_asset
from assets.invoicing.assets import invoice_files
from assets.landing.checks import expectations
from assets.publishing.assets import publishing_asset
from assets.register.assets import register_files
from assets.warehouse.assets import business_day, warehouse_assets
from assets.warehouse.dbt import DbtHome, ensure_manifest, published_models
from assets.warehouse.versions import PROJECT
from assets.worklists.assets import worklists_asset
from orchestration.home import DEFAULT_HOME, Home
from orchestration.jobs import CLOSE_OF_DAY, SEND_DAY, rebuild_day
from orchestration.progress import progress_logger
from orchestration.resources import quiet, resources_of
from orchestration.schedules import schedules_of
from orchestration.sensors import inbox_sensor


def definitions_of(home: Home) -> dg.Definitions:
    """Everything Dagster knows of a home. Parses the dbt project when a file of it changed."""
    quiet(os.environ)
    dbt = DbtHome(home.warehouse, home.target if home.settings_file.is_file() else PROJECT / "target")
    os.environ.update(dbt.environment())
    manifest = ensure_manifest(dbt)
    chapters, standing_facts = warehouse_assets(manifest)
    due = get_asset_key_for_model([chapters], "communications_due")
    published = [get_asset_key_for_model([chapters], name) for _, name in published_models(manifest)]
    worked = [get_asset_key_for_model([chapters], name) for name in ("tasks", "call_sheets")]
    return dg.Definitions(
        assets=[
            billing_extract,
            invoice_files,
            bank_files,
            register_files,
            templates,
            business_day,
            chapters,
            standing_facts,
            *outbox_assets(due, standing_facts.key),
            dossier_asset(get_asset_key_for_model([chapters], "handovers"), standing_facts.key),
            publishing_asset(published),
            worklists_asset(worked),
        ],
        asset_checks=[expectations],
        loggers={"progress": progress_logger},
        jobs=[CLOSE_OF_DAY, SEND_DAY, rebuild_day],
        schedules=schedules_of(home),
        sensors=[inbox_sensor(home)],
        resources=resources_of(home),
        executor=dg.in_process_executor,
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """The home that TIJDIG_HOME names, or ./data."""
    return definitions_of(Home(Path(os.environ.get("TIJDIG_HOME", DEFAULT_HOME)).resolve()))

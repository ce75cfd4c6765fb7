"""The rooms of the home as Dagster resources: opened when a run begins, under the home's lock."""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource

from assets.billing.source import BillingSource
from assets.communications.assets import Mailroom
from assets.handover.make import HandoverRoom
from assets.invoicing.assets import ResponseDesk
from assets.landing.data_docs import DataDocs
from assets.publishing.assets import PublishingRoom
from assets.warehouse.assets import WarehouseRoom
from assets.warehouse.dbt import QUIET_ENVIRONMENT, dbt_executable
from assets.warehouse.versions import PROJECT
from assets.worklists.assets import WorklistRoom
from orchestration.answers import answer_recorder
from orchestration.billing import billing_source_of
from orchestration.home import Home, find_home, locked
from orchestration.installation import Installation, open_installation
from orchestration.mailroom import TEMPLATES, open_handover_room, open_mailroom
from orchestration.rebuild import ensure_warehouse


def resources_of(home: Home) -> dict[str, Any]:
    """Every resource the assets ask for, bound to one home. Nothing is opened until a run needs it."""

    @dg.resource
    @contextmanager
    def installation(_: dg.InitResourceContext) -> Iterator[Installation]:
        with locked(find_home(home.root)):
            opened = open_installation(home)
            # A warehouse that is gone, or lacks what was taken, is made whole before anything reads it.
            ensure_warehouse(opened)
            try:
                yield opened
            finally:
                opened.store.dispose()

    @dg.resource(required_resource_keys={"installation"})
    def landing_room(context: dg.InitResourceContext) -> Any:
        return context.resources.installation.landing_room()

    @dg.resource(required_resource_keys={"installation"})
    def billing_source(context: dg.InitResourceContext) -> BillingSource:
        return billing_source_of(context.resources.installation.settings)

    @dg.resource(required_resource_keys={"installation"})
    def response_desk(context: dg.InitResourceContext) -> ResponseDesk:
        opened: Installation = context.resources.installation
        return ResponseDesk(answer_recorder(opened.store, opened.clock))

    @dg.resource(required_resource_keys={"installation"})
    def warehouse_room(context: dg.InitResourceContext) -> WarehouseRoom:
        opened: Installation = context.resources.installation
        return WarehouseRoom(opened.store, home.warehouse, opened.archive, opened.dbt, opened.clock)

    @dg.resource(required_resource_keys={"installation"})
    def mailroom(context: dg.InitResourceContext) -> Mailroom:
        return open_mailroom(context.resources.installation)

    @dg.resource(required_resource_keys={"installation"})
    def handover_room(context: dg.InitResourceContext) -> HandoverRoom:
        return open_handover_room(context.resources.installation)

    @dg.resource
    def publishing_room(_: dg.InitResourceContext) -> PublishingRoom:
        return PublishingRoom(home.warehouse, home.published)

    @dg.resource
    def worklist_room(_: dg.InitResourceContext) -> WorklistRoom:
        return WorklistRoom(home.warehouse, TEMPLATES / "worklists", home.published / "worklists")

    @dg.resource
    def data_docs(_: dg.InitResourceContext) -> DataDocs:
        return DataDocs(home.data_docs)

    return {
        "installation": installation,
        "landing_room": landing_room,
        "billing_source": billing_source,
        "response_desk": response_desk,
        "warehouse_room": warehouse_room,
        "mailroom": mailroom,
        "handover_room": handover_room,
        "publishing_room": publishing_room,
        "worklist_room": worklist_room,
        "data_docs": data_docs,
        "dbt": dbt_resource(),
    }


def dbt_resource() -> DbtCliResource:
    """dbt over the project folder; the home's warehouse reaches it by the environment."""
    return DbtCliResource(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=str(dbt_executable()))


def quiet(environment: MutableMapping[str, str]) -> None:
    """Switches the telemetry of every dependency off."""
    environment.update(QUIET_ENVIRONMENT | {"GX_ANALYTICS_ENABLED": "false", "DAGSTER_DISABLE_TELEMETRY": "1"})

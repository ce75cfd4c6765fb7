"""Letters and e-mails as Dagster assets: the wording in force, the outbox of the day, and what was dispatched."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
from sqlalchemy import Engine

from assets.communications.dispatch import DispatchResult, RecoveryResult
from assets.communications.messages import RefusedMessage
from assets.communications.outbox import PlanResult, plan
from assets.communications.render import open_environment, render_messages
from assets.communications.templates import template_hashes, template_rows
from assets.landing.archive import Archive
from assets.landing.assets import BUSINESS_DAY, FINANCE_DATA, ONE_RUN_A_DAY, WAREHOUSE_POOL, day_of
from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import reading as reading_warehouse
from assets.landing.warehouse import writing as writing_warehouse
from assets.operations import journal
from assets.operations.clock import Clock
from assets.operations.runs import read_run
from assets.operations.store import reading as reading_store
from assets.operations.store import writing as writing_store

TEMPLATES_KEY = dg.AssetKey(["control", "templates"])
MESSAGES_KEY = dg.AssetKey(["outbox", "messages"])
DISPATCHED_KEY = dg.AssetKey(["outbox", "dispatched"])


@dataclass(frozen=True, slots=True)
class Mailroom:
    """What rendering and dispatch need of a home. `documents` is where invoices to send again lie. `settle_earlier` finds out what became of messages a crash cut short;
    `dispatch_today` sends what is approved."""

    store: Engine
    clock: Clock
    warehouse: Path
    templates: Path
    bodies: Archive
    settle_earlier: Callable[[], RecoveryResult]
    dispatch_today: Callable[[], DispatchResult]
    documents: Path | None = None


@dg.asset(
    key=TEMPLATES_KEY,
    description="One row per template with the hash of everything that shapes its words: part of every message's identity.",
    group_name="landing",
    owners=[FINANCE_DATA],
    kinds={"jinja", "duckdb"},
    partitions_def=BUSINESS_DAY,
    pool=WAREHOUSE_POOL,
    backfill_policy=ONE_RUN_A_DAY,
)
def templates(mailroom: dg.ResourceParam[Mailroom]) -> dg.MaterializeResult[None]:
    """Hashes the templates as they lie in the folder."""
    rows = template_rows(template_hashes(mailroom.templates))
    with writing_warehouse(mailroom.warehouse) as connection:
        count = replace_rows(connection, "control.templates", CONTROL_TABLES["templates"], rows)
    return dg.MaterializeResult(metadata={"dagster/row_count": count})


def outbox_assets(due: dg.AssetKey, standing: dg.AssetKey) -> list[dg.AssetsDefinition]:
    """The outbox of the day, made from the messages in `due` once `standing` is kept, and its dispatch."""

    @dg.asset(
        key=MESSAGES_KEY,
        description="Every message of the day, rendered, read back and planned: approved, or held with a reason. Nothing has left yet.",
        group_name="dispatch",
        owners=[FINANCE_DATA],
        kinds={"jinja", "sqlite"},
        deps=[due, standing],
        partitions_def=BUSINESS_DAY,
        pool=WAREHOUSE_POOL,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def messages(context: dg.AssetExecutionContext, mailroom: dg.ResourceParam[Mailroom]) -> dg.MaterializeResult[None]:
        """Renders the day's messages and makes the outbox hold exactly these."""
        made = plan_messages(mailroom, context.run_id, day_of(context))
        planned = made.plan
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": made.rendered,
                "refused": len(made.refused),
                **{
                    name: len(getattr(planned, name))
                    for name in ("planned", "unchanged", "superseded", "expired", "approved", "held", "occupied")
                },
                "brakes": ", ".join(brake.code for brake in planned.brakes) or "none",
            }
        )

    @dg.asset(
        key=DISPATCHED_KEY,
        description="What left: every approved message of today, sent once, after a last check in the same transaction.",
        group_name="dispatch",
        owners=[FINANCE_DATA],
        kinds={"email", "file"},
        deps=[MESSAGES_KEY],
        partitions_def=BUSINESS_DAY,
        backfill_policy=ONE_RUN_A_DAY,
    )
    def dispatched(mailroom: dg.ResourceParam[Mailroom]) -> dg.MaterializeResult[None]:
        """Sends what is released for today. A retry sends nothing twice: it finds nothing left to send."""
        result = mailroom.dispatch_today()
        return dg.MaterializeResult(metadata={name: value for name, value in dispatch_counts(result).items()})

    return [messages, dispatched]


def dispatch_counts(result: DispatchResult) -> dict[str, int]:
    """A dispatch as counts per outcome."""
    return {name: len(value) for name, value in vars(result).items() if isinstance(value, tuple | list)}


@dataclass(frozen=True, slots=True)
class Planned:
    """The outbox of a day as a run left it: how many messages were rendered, which could not be, and the plan."""

    rendered: int
    refused: tuple[RefusedMessage, ...]
    plan: PlanResult


def plan_messages(mailroom: Mailroom, run_id: str, day: date) -> Planned:
    """Renders what is due on `day` and makes the outbox hold exactly that. Nothing leaves."""
    with reading_warehouse(mailroom.warehouse) as connection:
        rows = _due_on(connection, day)
        owners = _customers_of_invoices(connection)
    rendered, refused = render_messages(rows, open_environment(mailroom.templates, mailroom.documents), owners)
    with reading_store(mailroom.store) as store:
        run = read_run(store, run_id)
    if refused:
        _note_refused(mailroom, run_id, refused)
    # What an earlier dispatch was cut short in is settled first: the plan must know what left.
    mailroom.settle_earlier()
    planned = plan(mailroom.store, mailroom.clock, run, rendered, body_archive=mailroom.bodies)
    return Planned(len(rendered), tuple(refused), planned)


def _due_on(connection: duckdb.DuckDBPyConnection, day: date) -> list[dict[str, object]]:
    query = "select * from communications.communications_due where as_of_date = ? order by communication_id"
    result = connection.execute(query, [day])
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _customers_of_invoices(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Whose each invoice number is, so that no message names an invoice of somebody else."""
    query = "select company_id, invoice_number, customer_id from receivables.invoice_balances"
    return {(company, number): customer for company, number, customer in connection.execute(query).fetchall()}


def _note_refused(mailroom: Mailroom, run_id: str, refused: list[RefusedMessage]) -> None:
    with writing_store(mailroom.store) as store:
        for message in refused:
            journal.append(
                store,
                mailroom.clock.now(),
                "rendering",
                "message_refused",
                [f"communication:{message.communication_id}"],
                {"template_id": message.template_id, "code": message.code, "reason": message.reason},
                run_id,
            )

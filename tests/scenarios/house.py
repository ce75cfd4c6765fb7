"""A home run day by day without Dagster and without starting dbt: files land, the compiled SQL of every model runs in this
process, messages are planned in the real outbox and leave by real file channels.

What a day of production does, in its order and with its own functions; left out are the chapter `insight`, which nothing here
reads, publishing and the expectations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

from assets.banking.landing import land_statements
from assets.billing.landing import land_files
from assets.communications.assets import Mailroom, plan_messages
from assets.communications.channels import Ambiguous, FileChannel, Outgoing, Prepared, Presence, Transport
from assets.communications.dispatch import DispatchResult, RecoveryResult, dispatch, recover
from assets.communications.outbox import PlanResult
from assets.communications.release import apply_recorded_decisions
from assets.communications.templates import template_hashes, template_rows
from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import writing as writing_warehouse
from assets.operations.runs import close_batch, end_run, pin_run
from assets.operations.store import writing as writing_store
from assets.warehouse.business_day import write_business_day
from assets.warehouse.dbt import DbtHome, run_dbt
from assets.warehouse.standing import keep_what_stands
from benchmarks.reconciliation import run_python
from orchestration.home import Home, create_home
from orchestration.installation import Installation, open_installation
from orchestration.mailroom import TEMPLATES

# Seeds, views and every table once, as production makes them, with their contracts; data tests too, for their SQL.
BUILD = ["build", "--exclude-resource-type", "unit_test", "--quiet"]


UNREAD = ("insight",)


class SimulatedClock:
    """Real time of the simulation: the morning of whatever day it is."""

    def __init__(self, today: date) -> None:
        self.today = today

    def now(self) -> datetime:
        return datetime.combine(self.today, time(7, 0), tzinfo=UTC)


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it: where its rows go and what computes them."""

    relation: str
    code: str
    language: str
    materialized: str


@dataclass(frozen=True)
class Compiled:
    """Every model, each after those it reads, and the SQL of every data test by name."""

    models: tuple[Model, ...]
    tests: Mapping[str, str]

    def views_as_tables(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Makes a table of every view, for `run` to fill."""
        for model in self.models:
            if model.materialized == "view":
                name = model.relation.partition(".")[2]
                connection.execute(f"create table {model.relation}__rows as select * from {model.relation} limit 0")
                connection.execute(f"drop view {model.relation}")
                connection.execute(f"alter table {model.relation}__rows rename to {name}")

    def run(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What `dbt run` does: tables anew, dated tables with the day put in place of what it held of that day."""
        for model in self.models:
            source = f"({model.code})"
            if model.language == "python":
                found = run_python(model.code, connection.cursor())
                connection.register("found", found.arrow() if isinstance(found, duckdb.DuckDBPyRelation) else found)
                source = "found"
            of_the_day = (
                " where as_of_date in (select as_of_date from control.business_day)"
                if model.materialized == "incremental"
                else ""
            )
            connection.execute(f"delete from {model.relation}{of_the_day}")
            connection.execute(f"insert into {model.relation} by name select * from {source}")

    def failures(self, connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> list[str]:
        """The data tests among `names` that return rows, each with its first row."""
        failed = []
        for name in names:
            rows = connection.execute(f"select * from ({self.tests[name]}) limit 1").fetchall()
            if rows:
                failed.append(f"{name}: {rows[0]}")
        return failed


def compiled_project(home: DbtHome) -> Compiled:
    """Builds the warehouse with dbt, which is started for this only, and reads what it compiled."""
    run_dbt(home, BUILD)
    nodes = json.loads((home.target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    models = {
        key: node for key, node in nodes.items() if node["resource_type"] == "model" and node["schema"] not in UNREAD
    }

    def code(node: Mapping[str, Any]) -> str:
        path: Path = home.target / "compiled" / "tijdig" / node["original_file_path"]
        if node["resource_type"] == "test" and not node["original_file_path"].startswith("tests/"):
            path = path / node["path"]
        return path.read_text(encoding="utf-8").strip().rstrip(";")

    # A view that every model reads anew costs more here than all its rows: computed once a day, it is the same.
    order = TopologicalSorter(
        {key: [parent for parent in node["depends_on"]["nodes"] if parent in models] for key, node in models.items()}
    )
    in_order = [
        Model(
            f"{models[key]['schema']}.{models[key]['name']}",
            code(models[key]),
            models[key]["language"],
            models[key]["config"]["materialized"],
        )
        for key in order.static_order()
    ]
    tests = {
        node["name"]: code(node)
        for node in nodes.values()
        if node["resource_type"] == "test" and node["schema"] not in UNREAD
    }
    return Compiled(tuple(in_order), tests)


@dataclass
class Postman:
    """File channels of which some customers' messages get no answer: they may have left, and nobody can tell."""

    files: FileChannel
    unanswered: set[str] = field(default_factory=set)

    is_confined = True

    def prepare(self, message: Outgoing) -> Prepared:
        prepared = self.files.prepare(message)
        return Unanswered(prepared) if message.recipient in self.unanswered else prepared

    def probe(self, message: Outgoing) -> Presence:
        return Presence.UNKNOWN if message.recipient in self.unanswered else self.files.probe(message)

    def discard(self, message: Outgoing) -> None:
        self.files.discard(message)

    def close(self) -> None:
        self.files.close()


@dataclass(frozen=True)
class Unanswered:
    """A message past its point of no return, and no answer comes."""

    prepared: Prepared

    def send(self) -> str:
        self.prepared.abandon()
        raise Ambiguous("no answer after the final dot")

    def abandon(self) -> None:
        self.prepared.abandon()


class House:
    """One installation and its days."""

    def __init__(self, root: Path, first: date, prepare: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """`prepare` may add policy of its own to the seeds, once the warehouse is built."""
        self.prepare = prepare
        self.home: Home = create_home(root)
        self.clock = SimulatedClock(first)
        self.installation: Installation = open_installation(self.home, self.clock)
        self.postman = Postman(FileChannel(self.home.outbox))
        self.compiled: Compiled | None = None
        self.runs = 0
        self.mailroom = Mailroom(
            store=self.installation.store,
            clock=self.clock,
            warehouse=self.home.warehouse,
            templates=TEMPLATES,
            bodies=self.installation.archive,
            settle_earlier=self._settle_earlier,
            dispatch_today=self.dispatch,
        )

    def run(self, day: date) -> PlanResult:
        """A run of a day up to its plan: takes what lies in the inboxes, decides, plans. Nothing has left yet."""
        self.clock.today = day
        self.runs += 1
        room = self.installation.landing_room()
        landing = room.of_run(f"run-{self.runs:03}", day)
        land_files(landing, room.billing_inbox)
        land_statements(landing, room.bank_inbox)
        with writing_store(self.installation.store) as store:
            close_batch(store, self.clock, landing.batch_id, "landing", {})
            run = pin_run(store, landing.run_id, landing.batch_id)
        with writing_warehouse(self.home.warehouse) as connection, writing_store(self.installation.store) as store:
            write_business_day(connection, store, run)
            rows = template_rows(template_hashes(TEMPLATES))
            replace_rows(connection, "control.templates", CONTROL_TABLES["templates"], rows)
        if self.compiled is None:
            self.compiled = compiled_project(self.installation.dbt)
            with writing_warehouse(self.home.warehouse) as connection:
                self.compiled.views_as_tables(connection)
                self.prepare(connection)
        with writing_warehouse(self.home.warehouse) as connection:
            # A day of some dozens of rows: threads would cost more than they bring.
            connection.execute("set threads = 1")
            self.compiled.run(connection)
            keep_what_stands(connection, self.installation.store, self.installation.archive, run)
        planned = plan_messages(self.mailroom, run.run_id, day)
        assert not planned.refused, [message.reason for message in planned.refused]
        with writing_store(self.installation.store) as store:
            end_run(store, self.clock, run.run_id, "done", {}, "tijdig")
        return planned.plan

    def dispatch(self) -> DispatchResult:
        """Sends what is approved for today."""
        apply_recorded_decisions(self.installation.store, self.clock)
        self._settle_earlier()
        return dispatch(
            self.installation.store,
            self.clock,
            self._transport(),
            self.installation.archive,
            timezone=self.installation.timezone,
        )

    def _settle_earlier(self) -> RecoveryResult:
        return recover(
            self.installation.store,
            self.clock,
            self._transport(),
            timezone=self.installation.timezone,
            holds_home_lock=True,
        )

    def _transport(self) -> Transport:
        return Transport(dict.fromkeys(("email", "letter", "registered_letter", "sms"), self.postman))

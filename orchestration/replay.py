"""A past day computed again: in a scratch warehouse, from the same facts, and compared with what was decided then.

There is no transport here, nor anything that could make one: a replay cannot send.
"""

import io
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from assets.communications.templates import template_hashes, template_rows
from assets.landing.batches import all_sources
from assets.landing.change_log import replace_rows
from assets.landing.raw_tables import CONTROL_TABLES
from assets.landing.warehouse import writing
from assets.operations.runs import RunRef, read_run
from assets.operations.store import reading
from assets.problem import UsageProblem
from assets.warehouse.business_day import write_business_day
from assets.warehouse.dbt import DbtHome, build_arguments, run_dbt
from assets.warehouse.standing import Dataset, datasets
from assets.warehouse.versions import code_version, policy_version
from orchestration.installation import Installation
from orchestration.mailroom import TEMPLATES
from orchestration.rebuild import complete

DECISIONS = "dunning.dunning_decisions"

# What names the run rather than the decision.
RUN_COLUMNS = frozenset({"run_id"})

KEY = ("company_id", "invoice_id")
MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A decision that is not what it was: which one, and by column what was decided then and now.

    `then` is empty for a decision that is new, `now` for one that is gone.
    """

    company_id: str
    invoice_id: str
    then: dict[str, str | None]
    now: dict[str, str | None]

    def __str__(self) -> str:
        subject = f"{self.company_id} {self.invoice_id}"
        if not self.then:
            return f"{subject}: new, {_told(self.now)}"
        if not self.now:
            return f"{subject}: gone, was {_told(self.then)}"
        return f"{subject}: " + "; ".join(
            f"{name} was {self.then[name] or 'empty'}, is {self.now[name] or 'empty'}" for name in self.then
        )


def _told(row: dict[str, str | None]) -> str:
    return ", ".join(str(row[name]) for name in ("action", "reason_code") if row.get(name))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A past day, computed again: rows decided then and now, and the rows that only one of the two has."""

    as_of_date: date
    run_id: str
    recorded: int
    computed: int
    only_recorded: int
    only_computed: int
    policy_then: str
    policy_now: str
    code_then: str
    code_now: str
    warehouse: Path
    differences: tuple[Difference, ...]
    """The first of them, by company and invoice."""
    has_more_differences: bool

    @property
    def is_identical(self) -> bool:
        return self.only_recorded == self.only_computed == 0

    def as_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {
            "as_of_date": self.as_of_date.isoformat(),
            "warehouse": str(self.warehouse),
            "differences": [asdict(each) for each in self.differences],
            "is_identical": self.is_identical,
        }


def replay_day(installation: Installation, day: date) -> Replayed:
    """Computes `day` again as the last run that archived its decisions knew it, and compares the decisions row by row.

    Raises UsageProblem when that day was never run to its end.
    """
    with reading(installation.store) as store:
        kept = datasets(store)
        # Whoever ran the day, the command or a schedule: its decisions were archived, the last run's last.
        recorded = next((each for each in reversed(kept) if each.kind == DECISIONS and each.as_of_date == day), None)
        if recorded is None:
            raise UsageProblem(
                f"{day} was never run to its end in this home", where="--date", remedy="choose a day that was"
            )
        run = read_run(store, recorded.run_id)
    folder = installation.home.target / "replay" / day.isoformat()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    scratch = folder / "warehouse.duckdb"
    known_then = [
        dataset for dataset in kept if dataset.seq < min(each.seq for each in kept if each.run_id == run.run_id)
    ]
    sources = [source for source in all_sources(installation.store) if source.batch_id <= run.batch_watermark]
    complete(installation, scratch, sources, known_then)
    with writing(scratch) as connection, reading(installation.store) as store:
        write_business_day(connection, store, run)
        replace_rows(
            connection, "control.templates", CONTROL_TABLES["templates"], template_rows(template_hashes(TEMPLATES))
        )
    run_dbt(DbtHome(scratch, folder / "target"), build_arguments())
    return _compare(installation, run, recorded, scratch)


def _compare(installation: Installation, run: RunRef, recorded: Dataset, scratch: Path) -> Replayed:
    then: Any = pq.read_table(io.BytesIO(installation.archive.get(recorded.sha256)))
    with duckdb.connect(str(scratch), read_only=True) as connection:
        now: Any = connection.sql(
            f"select * from {DECISIONS} where as_of_date = ?", params=[run.as_of_date]
        ).to_arrow_table()
    found = compared(then, now)
    return Replayed(
        as_of_date=run.as_of_date,
        run_id=run.run_id,
        recorded=then.num_rows,
        computed=now.num_rows,
        only_recorded=found.only_then,
        only_computed=found.only_now,
        policy_then=run.policy_version,
        policy_now=policy_version(),
        code_then=run.code_version,
        code_now=code_version(),
        warehouse=scratch,
        differences=found.differences[:MOST_TOLD],
        has_more_differences=len(found.differences) > MOST_TOLD,
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """How many rows only one of two tables of decisions has, and which decisions these are."""

    only_then: int
    only_now: int
    differences: tuple[Difference, ...]


def compared(then: Any, now: Any) -> Compared:
    """Two Arrow tables of decisions, one row an invoice, beside each other.

    Columns that only one of them has are left out: a later version may decide more.
    """
    columns = sorted((set(then.column_names) & set(now.column_names)) - RUN_COLUMNS)
    listed = ", ".join(columns)
    texts = ", ".join(f"{name}::varchar as {name}" for name in columns)
    with duckdb.connect() as connection:
        connection.register("decided_then", then)
        connection.register("decided_now", now)

        def only(one: str, other: str) -> dict[tuple[str, str], dict[str, str | None]]:
            query = f"""
                select {texts} from (select {listed} from {one} except all select {listed} from {other})
                order by {", ".join(KEY)}
            """
            rows = [dict(zip(columns, row, strict=True)) for row in connection.execute(query).fetchall()]
            return {(row[KEY[0]], row[KEY[1]]): row for row in rows}

        gone, new = only("decided_then", "decided_now"), only("decided_now", "decided_then")
    keys = sorted({*gone, *new})
    return Compared(len(gone), len(new), tuple(_difference(key, gone.get(key), new.get(key)) for key in keys))


def _difference(
    key: tuple[str, str], then: dict[str, str | None] | None, now: dict[str, str | None] | None
) -> Difference:
    if then is None or now is None:
        return Difference(*key, then or {}, now or {})
    other = [name for name in then if then[name] != now[name]]
    return Difference(*key, {name: then[name] for name in other}, {name: now[name] for name in other})

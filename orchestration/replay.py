"""A past day computed again: in a scratch warehouse, from the same facts, and compared with what was decided then.

There is no transport here, nor anything that could make one: a replay cannot send.
"""

import io
import shutil
from dataclasses import dataclass
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

    @property
    def is_identical(self) -> bool:
        return self.only_recorded == self.only_computed == 0

    def as_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return values | {
            "as_of_date": self.as_of_date.isoformat(),
            "warehouse": str(self.warehouse),
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
    columns = ", ".join(sorted((set(then.column_names) & set(now.column_names)) - RUN_COLUMNS))
    with duckdb.connect() as connection:
        connection.register("decided_then", then)
        connection.register("decided_now", now)

        def only(one: str, other: str) -> int:
            query = f"select count(*) from (select {columns} from {one} except all select {columns} from {other})"
            return int(connection.execute(query).fetchall()[0][0])

        return Replayed(
            as_of_date=run.as_of_date,
            run_id=run.run_id,
            recorded=then.num_rows,
            computed=now.num_rows,
            only_recorded=only("decided_then", "decided_now"),
            only_computed=only("decided_now", "decided_then"),
            policy_then=run.policy_version,
            policy_now=policy_version(),
            code_then=run.code_version,
            code_now=code_version(),
            warehouse=scratch,
        )

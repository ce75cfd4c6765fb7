"""A day, run by hand: the two jobs of the day in this process, on the home's own Dagster instance."""

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from assets.operations.control import admit_day
from assets.operations.refusal import Refusal
from assets.operations.runs import end_run
from assets.operations.store import reading, writing
from assets.operations.tables import run as run_table
from assets.problem import DataProblem
from orchestration.definitions import definitions_of
from orchestration.home import Home, locked
from orchestration.installation import Installation, open_installation
from orchestration.progress import progress_bar
from orchestration.summary import Summary, summarise

QUIET_LOGGERS: dict[str, Any] = {"loggers": {"progress": {"config": {}}}}


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why a day stopped, one sentence a reason."""

    reasons: tuple[str, ...]
    is_data: bool


def run_day(home: Home, requested: date | None, *, shows_progress: bool) -> Summary:
    """Runs one day: pull, load, check, build, render, plan, publish, dispatch.

    Raises Refusal for a day the home does not admit, and DataProblem with every reason when the day stopped on data.
    """
    began = time.monotonic()
    installation = open_installation(home)
    try:
        with reading(installation.store) as connection:
            day = admit_day(connection, installation.clock, installation.timezone, requested)
    finally:
        installation.store.dispose()
    with locked(home):
        pass  # said now, before the log of the run under way is written over; each job takes the lock for itself
    with dagster_instance(home) as instance, output_to(home.target / "run.log"):
        definitions = definitions_of(home)
        with progress_bar(f"{day}", steps=10, is_shown=shows_progress):
            closed = execute(definitions, "close_of_day", instance, day)
            if closed.success:
                # Before anything leaves: what was skipped may be what would have held it.
                refuse_skipped(closed)
                sent = execute(definitions, "send_day", instance, day)
    installation = open_installation(home)
    try:
        if not closed.success:
            stopped = reasons_of(closed)
            _end(installation, closed.run_id, "stopped", {"reasons": list(stopped.reasons)})
            raise_stopped(stopped, day)
        if not sent.success:
            raise_stopped(reasons_of(sent), day)
        summary = summarise(installation, closed.run_id, day, seconds=time.monotonic() - began)
        _end(installation, closed.run_id, "done", summary.for_the_journal())
        return summary
    finally:
        installation.store.dispose()


def execute(
    definitions: dg.Definitions, job: str, instance: dg.DagsterInstance, day: date
) -> dg.ExecuteInProcessResult:
    """Runs one job of the day in this process; a failed step is in the result, not raised."""
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=day.isoformat(),
        raise_on_error=False,
        run_config=QUIET_LOGGERS,
        tags={"as_of_date": day.isoformat()},
    )


def _end(installation: Installation, run_id: str, outcome: str, summary: dict[str, object]) -> None:
    with writing(installation.store) as connection:
        if connection.execute(run_table.select().where(run_table.c.run_id == run_id)).first() is not None:
            end_run(connection, installation.clock, run_id, outcome, summary, "tijdig")


def refuse_skipped(result: dg.ExecuteInProcessResult) -> None:
    """Raises when a step of a job that "succeeded" was skipped: half a day must never look like a whole one."""
    skipped = sorted({event.step_key or "" for event in result.all_events if event.event_type_value == "STEP_SKIPPED"})
    if skipped:
        raise RuntimeError(f"the job succeeded, but these steps were skipped: {', '.join(skipped)}")


def reasons_of(result: dg.ExecuteInProcessResult) -> Stopped:
    """Why a job failed, in the words of what refused: a Refusal, a failed check, or dbt."""
    reasons: list[str] = []
    is_data = True
    for event in result.all_events:
        evaluation = event.asset_check_evaluation_data if event.event_type_value == "ASSET_CHECK_EVALUATION" else None
        if evaluation is not None and not evaluation.passed and evaluation.severity == dg.AssetCheckSeverity.ERROR:
            where = ".".join(evaluation.asset_key.path)
            reasons.append(f"check {evaluation.check_name} failed on {where}{_words(evaluation.description)}")
        # A resource that refuses to open fails the run before its first step.
        if event.event_type_value in ("STEP_FAILURE", "RESOURCE_INIT_FAILURE"):
            said, known = _failure(event)
            is_data = is_data and known
            if said and not (reasons and known and "dbt" in said.lower()):
                reasons.append(said)
    return Stopped(
        tuple(dict.fromkeys(reasons)) or ("the job failed without saying why; see target/run.log in the home",),
        is_data and bool(reasons),
    )


def _words(description: str | None) -> str:
    return f": {description}" if description else ""


def _failure(event: dg.DagsterEvent) -> tuple[str, bool]:
    """What a failed step says, and whether it is a refusal rather than an accident."""
    error = getattr(event.event_specific_data, "error", None)
    # A refusal is said in its own words, whatever it was raised from.
    while error is not None and error.cause is not None and error.cls_name not in REFUSALS:
        error = error.cause
    if error is None:
        return "", True
    name = error.cls_name or ""
    words = error.message.strip().partition(f"{name}: ")[2] or error.message.strip()
    return (words, True) if name in REFUSALS | STOPPED_BY_DATA else (error.message.strip(), False)


# Ways Dagster has of saying that data, not the program, stopped a step.
STOPPED_BY_DATA = {"DagsterDbtCliRuntimeError", "DagsterAssetCheckFailedError"}


def _names_of(kind: type[Exception]) -> set[str]:
    return {kind.__name__}.union(*(_names_of(each) for each in kind.__subclasses__()))


REFUSALS = _names_of(Refusal)


def raise_stopped(stopped: Stopped, day: date) -> None:
    """Raises what a stopped day amounts to: a data problem, or an accident."""
    text = "; ".join(stopped.reasons)
    if stopped.is_data:
        raise DataProblem(
            f"the day {day} stopped: {text}",
            remedy="mend what is named, then run the day again: nothing was sent, nothing is lost",
        )
    raise RuntimeError(f"the day {day} failed: {text}")


@contextlib.contextmanager
def dagster_instance(home: Home) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of a home: DAGSTER_HOME when that is set, else the folder in the home."""
    os.environ.setdefault("DAGSTER_HOME", str(home.dagster))
    with dg.DagsterInstance.get() as instance:
        yield instance


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Keeps what libraries print out of the command's own output."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        yield

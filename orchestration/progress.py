"""Showing how far a day is: Dagster's own events, turned into one line on a terminal."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import dagster as dg

# Who listens to the steps of the job that runs in this process; nobody by default.
_listener: ContextVar[Callable[[str, str], None] | None] = ContextVar("listener", default=None)

SHOWN = {"STEP_START": "start", "STEP_SUCCESS": "done", "STEP_FAILURE": "failed", "STEP_SKIPPED": "skipped"}

# What each step is to somebody who waits for it.
STEP_NAMES = {
    "billing_extract": "pulling invoices",
    "bank_files": "reading bank statements",
    "operations__register": "reading the register",
    "business_day": "fixing the day",
    "chapters": "reconciling, deciding, planning",
    "outbox__messages": "rendering letters and e-mails",
    "operations__standing_facts": "keeping what stands",
    "published__snapshot": "publishing",
    "outbox__dispatched": "dispatching",
}


class _Listening(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        listener = _listener.get()
        event = getattr(record, "dagster_event", None)
        if listener is None or event is None or event.event_type_value not in SHOWN:
            return
        listener(SHOWN[event.event_type_value], event.step_key or "")


@dg.logger(None, description="Tells the command line which step runs; errors go to the standard error.")
def progress_logger(_: dg.InitLoggerContext) -> logging.Logger:
    """A logger that is silent but for its listener."""
    logger = logging.Logger("tijdig", level=logging.DEBUG)
    logger.addHandler(_Listening())
    return logger


@contextmanager
def listening(listener: Callable[[str, str], None]) -> Iterator[None]:
    """Calls `listener(what, step)` for every step that starts or ends inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def progress_bar(title: str, steps: int, *, is_shown: bool) -> Iterator[None]:
    """A progress bar over the steps of a job, on a terminal only."""
    if not is_shown or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=steps)

        def show(what: str, step: str) -> None:
            if what == "start":
                bar.update(task, description=f"{title}: {STEP_NAMES.get(step, step)}")
            else:
                bar.advance(task)

        with listening(show):
            yield

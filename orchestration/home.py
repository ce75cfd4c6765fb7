"""The home folder: one installation, its rooms, its lock (contracts: section 1)."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assets.problem import UsageProblem
from orchestration.settings import SETTINGS_FILE

DEFAULT_HOME = "data"

FOLDERS = (
    "inbox/bank",
    "inbox/invoices",
    "inbox/billing",
    "inbox/register",
    "archive",
    "quarantine",
    "outbox",
    "published",
    "dagster",
    "target",
)

SETTINGS_TEMPLATE = """\
# Settings of this home. Any of them may be overridden by an environment variable TIJDIG_<SECTION>_<KEY>,
# such as TIJDIG_BILLING_URL. Secrets come from the environment only (TIJDIG_SMTP_PASSWORD).

[home]
timezone = "Europe/Amsterdam"

[billing]
# Without a url the CSV files in inbox/billing/ are read.
# url = "postgresql+psycopg://reader@erp.example/erp"
# mode = "full"          # each extract is complete: what is absent was deleted

# [billing.queries]
# One query, or the name of a table or view, for each table of the billing extract:
# invoices = "select ... from verkoopfacturen"

# [billing.watermarks]
# In a delta, the column by which the query is asked only for what changed since the last run:
# invoices = "changed_at"

[operations]
# url = "postgresql+psycopg://writer@operations.example/tijdig"

[dispatch]
# A new home rehearses: everything it would send becomes a file in outbox/.
mode = "rehearsal"
# Hours in which a live home may send e-mail.
# send_from = "07:30"
# send_until = "19:00"

[smtp]
# host = "localhost"
# port = 25
"""

DAGSTER_YAML = """\
# One writer on the warehouse: a pool of one, on an instance that is kept, since pools do not bind across instances.
telemetry:
  enabled: false
concurrency:
  pools:
    default_limit: 1
    granularity: run
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
run_monitoring:
  enabled: true
"""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home. Nothing here creates or reads a file."""

    root: Path

    @property
    def settings_file(self) -> Path:
        return self.root / SETTINGS_FILE

    @property
    def bank_inbox(self) -> Path:
        return self.root / "inbox" / "bank"

    @property
    def billing_inbox(self) -> Path:
        return self.root / "inbox" / "billing"

    @property
    def invoices_inbox(self) -> Path:
        return self.root / "inbox" / "invoices"

    @property
    def register_inbox(self) -> Path:
        return self.root / "inbox" / "register"

    @property
    def archive(self) -> Path:
        return self.root / "archive"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def operations_file(self) -> Path:
        return self.root / "operations.db"

    @property
    def outbox(self) -> Path:
        return self.root / "outbox"

    @property
    def published(self) -> Path:
        return self.root / "published"

    @property
    def data_docs(self) -> Path:
        return self.published / "data_docs"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def target(self) -> Path:
        return self.root / "target"


def create_home(root: Path) -> Home:
    """Makes the folders and a settings file; refuses a home that exists already.

    Directories are 0700 and files 0600: everything in a home is somebody's debt.
    """
    home = Home(root.resolve())
    try:
        if home.settings_file.exists():
            raise UsageProblem(
                "there is a home here already", where=str(home.root), remedy="use it, or give another --home"
            )
        home.root.mkdir(parents=True, exist_ok=True)
        home.root.chmod(0o700)
        for folder in FOLDERS:
            path = home.root
            for part in folder.split("/"):
                path = path / part
                path.mkdir(exist_ok=True)
                path.chmod(0o700)
        write_private(home.dagster / "dagster.yaml", DAGSTER_YAML)
        write_private(home.settings_file, SETTINGS_TEMPLATE)
    except OSError as error:
        raise UsageProblem(
            f"the home cannot be made: {error.strerror}",
            where=str(home.root),
            remedy="give a folder that may be written to",
        ) from error
    return home


def find_home(root: Path) -> Home:
    """The home at `root`. Raises UsageProblem when there is none."""
    home = Home(root.resolve())
    if not _is_file(home.settings_file):
        raise UsageProblem(
            "there is no home here",
            where=str(home.root),
            remedy="make one with `tijdig init` or `tijdig demo`, or point to one with --home or TIJDIG_HOME",
        )
    return home


def _is_file(path: Path) -> bool:
    """Whether there is a file; in a folder that may not be looked into there is none for us."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def write_private(path: Path, text: str) -> None:
    """Writes a text file only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Holds the home's lock: one command writes at a time. The operating system releases it when a process dies."""
    try:
        descriptor = os.open(home.root / "lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise UsageProblem(
            f"the home cannot be locked: {error.strerror}",
            where=str(home.root / "lock"),
            remedy="let the user this runs as write to the home",
        ) from error
    with os.fdopen(descriptor, "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageProblem(
                "another command is writing to this home",
                where=str(home.root),
                remedy="wait until it is done, or see `tijdig doctor`",
            ) from error
        yield

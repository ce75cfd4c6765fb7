"""What is wrong with a home, said before a day finds out: configuration, connections, files, versions."""

import functools
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from assets.billing.extract import checked_queries, checked_watermarks, open_billing, shown, snapshot
from assets.landing.inbox import complete_files
from assets.operations.control import control
from assets.operations.refusal import Refusal
from assets.operations.store import reading
from orchestration.bank_accounts import bank_accounts, in_use
from orchestration.home import FOLDERS, Home
from orchestration.installation import Installation, open_installation
from orchestration.settings import read_settings

VERSIONS = (
    "tijdig",
    "dagster",
    "dbt-core",
    "dbt-duckdb",
    "duckdb",
    "great-expectations",
    "sqlalchemy",
    "jinja2",
    "typst",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    is_well: bool
    words: str

    def as_json(self) -> dict[str, Any]:
        return {"subject": self.subject, "is_well": self.is_well, "words": self.words}


def examine(home: Home) -> list[Finding]:
    """Looks at everything; one thing that is wrong does not hide the next."""
    findings = [
        _guarded("folders", lambda: _folders(home)),
        Finding("python", sys.version_info >= (3, 11), sys.version.split()[0]),
    ]
    findings.append(Finding("versions", True, ", ".join(f"{name} {version(name)}" for name in VERSIONS)))
    try:
        read_settings(home.root)
    except Refusal as refusal:
        return [*findings, Finding("settings", False, str(refusal))]
    try:
        installation = open_installation(home)
    except (Refusal, SQLAlchemyError) as error:
        findings.append(Finding("settings", True, str(home.settings_file)))
        return [*findings, Finding("operations store", False, f"cannot be opened: {str(error).splitlines()[0]}")]
    try:
        findings.append(Finding("settings", True, str(home.settings_file)))
        findings += [_guarded(subject, functools.partial(look, installation)) for subject, look in LOOKS.items()]
        findings += _bank_accounts(installation)
    finally:
        installation.store.dispose()
    return findings


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except (Refusal, SQLAlchemyError, OSError) as error:
        return Finding(subject, False, str(error).splitlines()[0])


def _folders(home: Home) -> Finding:
    missing = [folder for folder in FOLDERS if not (home.root / folder).is_dir()]
    if missing:
        return Finding("folders", False, f"missing: {', '.join(missing)}; make them")
    open_to_others = [str(path) for path in _private(home.root) if stat.S_IMODE(path.stat().st_mode) & 0o077]
    if open_to_others:
        return Finding("folders", False, f"others can read {open_to_others[0]}: chmod go-rwx it")
    return Finding("folders", True, "all there, readable by their owner only")


def _private(root: Path) -> Iterator[Path]:
    yield root
    yield from (
        root / name
        for name in ("warehouse.duckdb", "operations.db", "tijdig.toml", "archive", "outbox")
        if (root / name).exists()
    )


def _operations(installation: Installation) -> Finding:
    with reading(installation.store) as connection:
        state = control(connection)
    stopped = f"; STOPPED by {state.stopped_by}: {state.stopped_reason}" if state.is_stopped else ""
    return Finding(
        "operations store",
        not state.is_stopped,
        f"{state.mode}, last day run {state.last_as_of_date or 'none'}{stopped}",
    )


def _billing(installation: Installation) -> Finding:
    billing = installation.settings.billing
    if not billing.url:
        waiting = len(list(complete_files(installation.home.billing_inbox)))
        return Finding("billing", True, f"CSV files from inbox/billing, {waiting} waiting")
    queries = checked_queries(billing.queries)
    watermarks = checked_watermarks(billing.watermarks, queries)
    engine = open_billing(billing.url)
    try:
        with snapshot(engine) as connection:
            connection.execute(text("select 1"))
    finally:
        engine.dispose()
    by = f", by watermark: {', '.join(watermarks)}" if watermarks and billing.mode == "delta" else ""
    return Finding("billing", True, f"{len(queries)} tables from {shown(engine.url)}, {billing.mode} extract{by}")


def _warehouse(installation: Installation) -> Finding:
    path = installation.home.warehouse
    if not path.exists():
        return Finding("warehouse", True, "none yet: the next run makes it")
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            # A truncated file opens and fails only when it is read: every column of every table is read here.
            for schema, table in connection.execute(
                "select table_schema, table_name from information_schema.tables where table_type = 'BASE TABLE'"
            ).fetchall():
                connection.execute(f'select count(*), hash(list(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        if in_use(error):
            # The file is well, and in use: the advice below would delete it under a run.
            return Finding("warehouse", True, f"{path}, in use by another program just now; not looked into")
        return Finding(
            "warehouse",
            False,
            f"cannot be read ({str(error).splitlines()[0]}); delete {path}, the next run builds it again",
        )
    return Finding("warehouse", True, str(path))


def _bank_accounts(installation: Installation) -> list[Finding]:
    """One finding per account: what arrives for it, in which formats, and which source should count."""
    subject = "bank accounts"
    try:
        accounts = bank_accounts(installation.home.warehouse)
    except duckdb.Error as error:
        why = "in use by another program just now" if in_use(error) else "the warehouse cannot be read"
        return [Finding(subject, True, f"{why}; not looked into")]
    if not accounts:
        return [Finding(subject, True, "no day has been run yet: nothing is known of them")]
    return [Finding(f"bank account {account.iban}", account.is_well, account.words()) for account in accounts]


def _dispatch(installation: Installation) -> Finding:
    smtp = installation.settings.smtp
    words = f"SMTP {smtp.host}:{smtp.port}" if smtp.host else "files in outbox/"
    return Finding("dispatch", True, f"configured {installation.settings.dispatch.mode}, {words}")


LOOKS: dict[str, Callable[[Installation], Finding]] = {
    "operations store": _operations,
    "billing": _billing,
    "warehouse": _warehouse,
    "dispatch": _dispatch,
}

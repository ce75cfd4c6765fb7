"""The world as others deliver it: the ERP database, statement files, register extracts; and the truth beside them."""

import csv
import io
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from simulation import bank_days
from simulation.camt_file import camt_053
from simulation.coda_file import coda
from simulation.erp import write_erp
from simulation.model import Account, RegisterEvent, Statement, World
from simulation.mt940_file import mt940

ERP_FILE = "erp.db"
BANK_FOLDER = "bank"
REGISTER_FOLDER = "register"
TRUTH_FILE = "truth.json"
REGISTER_COLUMNS = ("external_id", "company_id", "effective_on", "recorded_by", "kind", "payload")
SUFFIXES = {"camt.053": "xml", "mt940": "sta", "coda": "cod"}


@dataclass(frozen=True, slots=True)
class WrittenWorld:
    """What one delivery put on disk. Bank and register files are those of this delivery alone."""

    directory: Path
    delivered_on: date
    erp: Path
    erp_url: str
    bank_files: tuple[Path, ...]
    register_files: tuple[Path, ...]
    truth: Path


def put(path: Path, content: bytes) -> Path:
    """Write a whole file under another name first, so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
    return path


def camt_version(world: World, day: date) -> str:
    """The bank moved from the 2009 to the 2019 version in the middle of the world, on the first of a month."""
    middle = world.start_on + (world.until - world.start_on) / 2
    return "08" if day >= middle.replace(day=1) else "02"


def statement_file(world: World, statements: list[Statement]) -> bytes:
    """Statements of one account and of one camt version, in the account's own format."""
    match statements[0].account.statement_format:
        case "mt940":
            return mt940(statements)
        case "coda":
            return coda(statements)
        case _:
            return camt_053(statements, version=camt_version(world, statements[0].booked_on))


def statement_name(account: Account, label: str) -> str:
    kind = account.statement_format.replace(".", "")
    return f"{kind}_{account.iban}_{label}.{SUFFIXES[account.statement_format]}"


def write_statements(
    world: World, directory: Path, first: date, last: date, *, months_in_one_file: bool
) -> tuple[Path, ...]:
    """The statements booked from `first` up to and including `last`, as files per account and day, or per month."""
    groups: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for statement in world.statements:
        if first <= statement.booked_on <= last:
            day = statement.booked_on
            label = f"{day:%Y%m}" if months_in_one_file else f"{day:%Y%m%d}"
            groups[label, statement.account.iban].append(statement)
    return tuple(
        put(
            directory / BANK_FOLDER / statement_name(statements[0].account, label),
            statement_file(world, statements),
        )
        for (label, _), statements in sorted(groups.items())
    )


def register_extract(events: list[RegisterEvent]) -> bytes:
    """Register events as the extract of section 3 of the contract: UTF-8, comma, header, payload as JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(REGISTER_COLUMNS)
    writer.writerows(
        (
            event.external_id,
            event.company_id,
            event.effective_on.isoformat(),
            event.recorded_by,
            event.kind,
            event.payload,
        )
        for event in events
    )
    return text.getvalue().encode()


def write_register(world: World, directory: Path, after: date | None, day: date) -> tuple[Path, ...]:
    """The events that took effect after `after` (from the beginning if None) up to and including `day`."""
    events = [
        event
        for event in world.register_events
        if event.effective_on <= day and (after is None or event.effective_on > after)
    ]
    if not events:
        return ()
    return (put(directory / REGISTER_FOLDER / f"register-{day:%Y%m%d}.csv", register_extract(events)),)


def truth_document(world: World, day: date) -> bytes:
    """What every entry booked before `day` really is, for tests and benchmarks; never to be put into an inbox."""
    entry_of = {entry.entry_id: entry for entry in world.entries}
    rows = []
    for truth in world.truth:
        entry = entry_of[truth.entry_id]
        if entry.booked_on >= day:
            continue
        rows.append(
            {
                "entry_id": truth.entry_id,
                "account_iban": entry.account_iban,
                "booked_on": entry.booked_on.isoformat(),
                "amount_cents": entry.amount_cents,
                "bank_reference": entry.bank_reference,
                "end_to_end_id": entry.end_to_end_id,
                "kind": entry.kind,
                "noise": truth.noise,
                "customer_id": truth.customer_id,
                "allocations": [{"invoice_id": invoice, "cents": cents} for invoice, cents in truth.allocations],
                "unapplied_cents": truth.unapplied_cents,
                "needs_clerk": truth.needs_clerk,
            }
        )
    document = {"seed": world.seed, "until": world.until.isoformat(), "delivered_on": day.isoformat(), "entries": rows}
    return (json.dumps(document, indent=1) + "\n").encode()


def deliver(
    world: World, directory: Path, day: date, bank_files: tuple[Path, ...], register_files: tuple[Path, ...]
) -> WrittenWorld:
    """The ERP as of `day` and the truth, beside the files of this delivery."""
    erp = directory / ERP_FILE
    write_erp(world, erp, day)
    return WrittenWorld(
        directory=directory,
        delivered_on=day,
        erp=erp,
        erp_url=f"sqlite:///{erp.resolve().as_posix()}",
        bank_files=bank_files,
        register_files=register_files,
        truth=put(directory / TRUTH_FILE, truth_document(world, day)),
    )


def write_world(
    world: World, directory: Path, *, until: date | None = None, months_in_one_file: bool = False
) -> WrittenWorld:
    """Write everything known on the morning of `until` (by default the world's last day).

    Statements reach up to the bank day before. With `months_in_one_file` each account's finished months come as one
    file each, the way a migration delivers history; the running month always comes as one file per bank day.
    Raises ValueError when `until` lies outside the world.
    """
    day = check_day(world, until or world.until)
    directory.mkdir(parents=True, exist_ok=True)
    last = bank_days.bank_days_later(day, -1)
    month = last.replace(day=1)
    history = write_statements(
        world, directory, world.start_on, month - bank_days.ONE_DAY, months_in_one_file=months_in_one_file
    )
    current = write_statements(world, directory, month, last, months_in_one_file=False)
    return deliver(world, directory, day, history + current, write_register(world, directory, None, day))


def write_day(world: World, directory: Path, day: date) -> WrittenWorld:
    """Write what arrives on the morning of a later bank day, beside a world written up to the bank day before it.

    That is: the ERP as it stands now, each account's statement of the previous bank day, and the register events
    since then. Raises ValueError when `day` is no bank day of the world.
    """
    check_day(world, day)
    if not bank_days.is_bank_day(day):
        raise ValueError(f"{day} is no bank day: nothing is delivered on it")
    previous = bank_days.bank_days_later(day, -1)
    bank_files = write_statements(world, directory, previous, previous, months_in_one_file=False)
    return deliver(world, directory, day, bank_files, write_register(world, directory, previous, day))


def check_day(world: World, day: date) -> date:
    if not world.start_on < day <= world.until:
        raise ValueError(f"{day} lies outside the world, which runs from {world.start_on} to {world.until}")
    return day

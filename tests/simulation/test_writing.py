"""Deliveries: the same to the byte every time, staged by day, and never with the truth among what is delivered."""

import csv
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from simulation import bank_days
from simulation.erp import ERP_QUERIES
from simulation.model import World
from simulation.world import build_world
from simulation.writing import WrittenWorld, camt_version, write_day, write_world

ROOT = Path(__file__).resolve().parents[2]
FINGERPRINT = """
import hashlib, sys
from datetime import date
from pathlib import Path
from simulation.world import build_world
from simulation.writing import write_world
directory = Path(sys.argv[1])
write_world(build_world(5, date(2026, 3, 11), customer_count=100, months=12), directory)
for path in sorted(directory.rglob("*")):
    if path.is_file():
        print(path.relative_to(directory).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
"""


def contents(directory: Path) -> dict[str, str]:
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def fingerprint(directory: Path, hash_seed: str, time_zone: str) -> list[str]:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": hash_seed,
        "TZ": time_zone,
        "LC_ALL": "C",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", FINGERPRINT, str(directory)],
        env=environment,
        cwd=directory,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_the_same_seed_and_day_give_the_same_bytes_in_any_interpreter(tmp_path: Path) -> None:
    runs = []
    for name, hash_seed, time_zone in (("one", "1", "Pacific/Auckland"), ("two", "4242", "America/Los_Angeles")):
        (tmp_path / name).mkdir()
        runs.append(fingerprint(tmp_path / name, hash_seed, time_zone))
    assert len(runs[0]) > 500
    assert runs[0] == runs[1]


def test_another_seed_gives_another_world(world: World) -> None:
    other = build_world(world.seed + 1, world.until)
    assert other.customers != world.customers
    assert other.entries != world.entries


def test_building_twice_in_one_process_gives_equal_worlds(world: World) -> None:
    assert build_world(world.seed, world.until) == world


def test_a_day_by_day_delivery_ends_where_one_delivery_ends(world: World, tmp_path: Path) -> None:
    """Three mornings in a row leave on disk what a single delivery on the third does, register extracts aside."""
    first, second, third = world.demonstration_days
    staged, single = tmp_path / "staged", tmp_path / "single"
    write_world(world, staged, until=first)
    later = [write_day(world, staged, day) for day in (second, third)]
    write_world(world, single, until=third)
    without_register = [
        {name: digest for name, digest in contents(directory).items() if not name.startswith("register/")}
        for directory in (staged, single)
    ]
    assert without_register[0] == without_register[1]
    assert register_ids(staged) == register_ids(single)
    for delivery, day in zip(later, (second, third), strict=True):
        previous = bank_days.bank_days_later(day, -1)
        assert len(delivery.bank_files) == 3
        assert all(f"_{previous:%Y%m%d}." in path.name for path in delivery.bank_files)


def register_ids(directory: Path) -> list[str]:
    """External ids of all register extracts, which must not overlap."""
    identifiers = []
    for path in sorted((directory / "register").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as extract:
            identifiers += [row["external_id"] for row in csv.DictReader(extract)]
    assert len(set(identifiers)) == len(identifiers)
    return sorted(identifiers)


def test_the_erp_knows_nothing_of_later_days(world: World, written: WrittenWorld) -> None:
    connection = sqlite3.connect(written.erp)
    connection.row_factory = sqlite3.Row
    issued = [row["issued_on"] for row in connection.execute(ERP_QUERIES["invoices"])]
    delivered = [row["delivered_at"] for row in connection.execute(ERP_QUERIES["invoices"]) if row["delivered_at"]]
    used = [row["last_used_on"] for row in connection.execute(ERP_QUERIES["mandates"]) if row["last_used_on"]]
    connection.close()
    today = written.delivered_on.isoformat()
    assert max(issued) == today
    assert max(delivered)[:10] <= today
    assert max(used) < today
    assert any(invoice.issued_on > written.delivered_on for invoice in world.invoices)


def test_a_first_delivery_holds_every_statement_up_to_the_bank_day_before(world: World, written: WrittenWorld) -> None:
    last = bank_days.bank_days_later(written.delivered_on, -1)
    days = list(bank_days.bank_days_between(world.start_on, last))
    assert len(written.bank_files) == 3 * len(days)
    labels = {path.stem.rsplit("_", 1)[1] for path in written.bank_files}
    assert labels == {f"{day:%Y%m%d}" for day in days}
    assert {path.suffix for path in written.bank_files} == {".xml", ".sta", ".cod"}
    assert not list(written.directory.rglob("*.part"))
    assert not list(written.directory.rglob("*.new"))


def test_the_bank_changes_camt_version_halfway(world: World, written: WrittenWorld) -> None:
    seen = {"02": 0, "08": 0}
    for path in written.bank_files:
        if path.suffix == ".xml":
            day = date.fromisoformat(path.stem.rsplit("_", 1)[1])
            version = camt_version(world, day)
            assert f"camt.053.001.{version}" in path.read_text(encoding="utf-8")[:200]
            seen[version] += 1
    assert min(seen.values()) > 100


def test_history_may_come_as_a_file_per_account_and_month(world: World, tmp_path: Path) -> None:
    day = world.demonstration_days[0]
    delivery = write_world(world, tmp_path, until=day, months_in_one_file=True)
    last = bank_days.bank_days_later(day, -1)
    full_months = (last.year - world.start_on.year) * 12 + last.month - world.start_on.month
    running = len(list(bank_days.bank_days_between(last.replace(day=1), last)))
    assert len(delivery.bank_files) == 3 * (full_months + running)


def test_the_register_extract_is_the_contracts(world: World, written: WrittenWorld) -> None:
    (path,) = written.register_files
    with path.open(encoding="utf-8", newline="") as extract:
        rows = list(csv.DictReader(extract))
    assert list(rows[0]) == ["external_id", "company_id", "effective_on", "recorded_by", "kind", "payload"]
    expected = [event for event in world.register_events if event.effective_on <= written.delivered_on]
    assert [row["external_id"] for row in rows] == [event.external_id for event in expected]
    for row in rows:
        assert isinstance(json.loads(row["payload"]), dict)
        assert date.fromisoformat(row["effective_on"]) <= written.delivered_on
        assert row["recorded_by"]


def test_the_truth_lies_beside_and_names_the_entries_of_the_files(world: World, written: WrittenWorld) -> None:
    assert written.truth.parent == written.directory
    assert written.truth not in written.bank_files
    document = json.loads(written.truth.read_text(encoding="utf-8"))
    assert document["seed"] == world.seed
    booked = [entry for entry in world.entries if entry.booked_on < written.delivered_on]
    assert [entry["entry_id"] for entry in document["entries"]] == [entry.entry_id for entry in booked]
    for row in document["entries"]:
        assert sum(part["cents"] for part in row["allocations"]) + row["unapplied_cents"] == row["amount_cents"]
    written_text = b"".join(path.read_bytes() for path in written.bank_files)
    references = {row["bank_reference"] for row in document["entries"]}
    assert all(reference.encode() in written_text for reference in references)


def test_days_outside_the_world_and_closing_days_are_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="outside the world"):
        write_world(world, tmp_path, until=world.until + timedelta(days=1))
    with pytest.raises(ValueError, match="outside the world"):
        write_world(world, tmp_path, until=world.start_on)
    with pytest.raises(ValueError, match="no bank day"):
        write_day(world, tmp_path, date(2026, 11, 15))
    assert list(tmp_path.iterdir()) == []

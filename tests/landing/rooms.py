"""A home's landing room in a temporary folder: a real warehouse, a real operations store, a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from assets.landing.archive import Archive
from assets.landing.context import Landing, LandingRoom
from assets.landing.warehouse import reading
from assets.operations.store import migrate, open_store
from tests.operations.stores import ManualClock

DAY = date(2026, 3, 2)

COMPANY = "company_id,name,country,iban\nC1,Voorbeeld BV,NL,NL91ABNA0417164300;BE68539007547034\n"


@dataclass(frozen=True)
class Rooms:
    """Everything a landing needs, and the few questions the tests ask of it."""

    root: Path
    room: LandingRoom

    @property
    def store(self) -> Engine:
        return self.room.store

    def run(self, run_id: str) -> Landing:
        """The landing of a run; another id is another batch."""
        return self.room.of_run(run_id, DAY)

    def put(self, inbox: str, name: str, content: bytes | str) -> Path:
        path = self.root / "inbox" / inbox / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with reading(self.room.warehouse) as connection:
            return connection.execute(query, list(values)).fetchall()

    def newest(self, table: str, columns: str, key: Sequence[str]) -> list[tuple[object, ...]]:
        """What staging would read: the newest version of every key, tombstones left out."""
        return self.rows(
            f"""
            select {columns} from (
                select * from raw.{table}
                qualify row_number() over (partition by {", ".join(key)} order by batch_id desc, ordinal desc) = 1
            ) where not is_deleted order by all
            """
        )

    def sources(self) -> list[tuple[str, str, str | None]]:
        """(outcome, name, code) of every source on record, in order."""
        from assets.landing.batches import all_sources

        return [
            (each.source.outcome, each.source.original_name or each.source.table_name or "", each.source.code)
            for each in all_sources(self.store)
        ]


def open_rooms(root: Path) -> Rooms:
    for inbox in ("bank", "billing", "invoices", "register"):
        (root / "inbox" / inbox).mkdir(parents=True)
    clock = ManualClock()
    store = open_store(f"sqlite:///{root / 'operations.db'}")
    migrate(store, clock)
    room = LandingRoom(
        store=store,
        clock=clock,
        warehouse=root / "warehouse.duckdb",
        archive=Archive(root / "archive"),
        quarantine=root / "quarantine",
        bank_inbox=root / "inbox" / "bank",
        billing_inbox=root / "inbox" / "billing",
        invoices_inbox=root / "inbox" / "invoices",
        register_inbox=root / "inbox" / "register",
        accepted_batches=frozenset(),
        timezone=ZoneInfo("Europe/Amsterdam"),
        policy_version="policy-test",
        code_version="code-test",
    )
    return Rooms(root, room)

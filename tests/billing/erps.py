"""A small ERP to extract from: on SQLite, and on a real PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from assets.billing.landing import BillingLanded, land_extract
from assets.billing.offers import TableLanded
from assets.billing.source import BillingSource
from assets.landing.context import Landing
from tests.landing.rooms import Rooms
from tests.operations.stores import new_schema

COLUMNS = {
    "sqlite": "id integer, klant text, centen integer, kenmerk text, mail text, weg integer, gewijzigd text",
    "postgresql": "id integer, klant text, centen integer, kenmerk text, mail text, weg boolean, gewijzigd timestamptz",
}
AMOUNT = {
    "sqlite": "printf('%d.%02d', centen / 100, centen % 100)",
    "postgresql": "(centen / 100.0)::numeric(18, 2)",
}


@dataclass
class Erp:
    """The table `facturen` and the queries that map it; a test changes either."""

    kind: str
    url: str
    queries: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.do(f"create table facturen ({COLUMNS[self.kind]})")
        self.queries = {
            "companies": "select 'C1' as company_id, 'Voorbeeld' as name, 'NL' as country, 'NL91ABNA0417164300' as iban",
            "customers": "select distinct 'C1' as company_id, klant as customer_id, 'Klant ' || klant as name,"
            " 'NL' as country, mail as email from facturen",
            "invoices": f"""
                select 'C1' as company_id, id as invoice_id, 'F' || id as invoice_number, klant as customer_id,
                    'invoice' as kind, '2026-01-01' as issued_on, '2026-01-31' as due_on, 'EUR' as currency,
                    {AMOUNT[self.kind]} as total_amount, kenmerk as payment_reference, gewijzigd
                from facturen -- om 10:30
            """,
        }

    def do(self, statement: str, *rows: dict[str, Any]) -> None:
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(statement), list(rows) or None)

    def bill(
        self, *numbers: int, at: str = "2026-02-01 10:00:00", centen: int = 10_000, mail: str | None = "k@k.nl"
    ) -> None:
        """Makes invoices, written at a moment."""
        rows = [{"n": number, "at": at, "c": centen, "m": mail} for number in numbers]
        at_type = "cast(:at as timestamptz)" if self.kind == "postgresql" else ":at"
        self.do(
            f"insert into facturen (id, klant, centen, kenmerk, mail, gewijzigd) values (:n, 'K1', :c, 'RF' || :n, :m, {at_type})"
            if self.kind == "sqlite"
            else f"insert into facturen (id, klant, centen, kenmerk, mail, gewijzigd) values (:n, 'K1', :c, concat('RF', cast(:n as text)), :m, {at_type})",
            *rows,
        )

    def land(self, landing: Landing, **given: Any) -> dict[str, TableLanded]:
        """Lands an extract; the invoices in a delta by watermark unless told otherwise."""
        source = BillingSource(self.url, self.queries, **({"watermarks": {"invoices": "gewijzigd"}} | given))
        landed: BillingLanded = land_extract(landing, source)
        return {table.table_name: table for table in landed.tables}


def open_erp(kind: str, folder: Path, request: pytest.FixtureRequest) -> Erp:
    if kind == "sqlite":
        return Erp(kind, f"sqlite:///{(folder / 'erp.db').touch() or folder / 'erp.db'}")
    return Erp(kind, new_schema(request.getfixturevalue("postgresql_url")))


def state(rooms: Rooms) -> list[tuple[object, ...]]:
    """The invoices as staging reads them."""
    return rooms.newest("invoices", "invoice_id, total_amount", ["company_id", "invoice_id"])

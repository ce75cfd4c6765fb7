"""A warehouse of worlds: their documents and receipts in the raw log, and the chapters built over them by the real dbt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from assets.banking.keys import content_key, entry_keys
from assets.banking.references import candidate_references
from assets.banking.statements import Entry
from assets.landing.change_log import append_rows, arrow_table, replace_rows
from assets.landing.raw_tables import BILLING_TABLE_BY_NAME, CONTROL_TABLES, OTHER_TABLES, billing_columns
from assets.landing.warehouse import writing
from assets.warehouse.dbt import DbtHome, run_dbt
from benchmarks.matching.worlds import FIRST_DAY, LAST_DAY, Receipt, World

AS_OF = LAST_DAY + timedelta(days=3)
BATCH = 1
LAST_BATCH = 100


def euros(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def build(folder: Path, worlds: Sequence[World], *, until: str = "reconciliation") -> dict[str, Receipt]:
    """Fills a new warehouse in `folder` and builds every chapter up to `until`. Returns the receipts by entry key."""
    home = DbtHome(folder / "warehouse.duckdb", folder / "target")
    with writing(home.warehouse) as connection:
        receipts = fill(connection, worlds)
    chapters(home, until)
    return receipts


def chapters(home: DbtHome, until: str) -> None:
    """Builds the seeds and every chapter up to `until`, as a day does but for the data tests."""
    run_dbt(
        home,
        [
            "build",
            "--select",
            "resource_type:seed",
            f"+path:models/{until}",
            "--exclude-resource-type",
            "unit_test",
            "--exclude-resource-type",
            "test",
        ],
    )


def answer_old_questions(
    connection: duckdb.DuckDBPyConnection,
    owed: Iterable[tuple[str, World, Receipt, dict[str, int]]],
    answered_until: date,
) -> None:
    """A clerk confirms what each receipt of up to that day pays where the rules did not place it, always rightly.

    `owed` holds entry key, world, receipt and what the rules placed. An invoice paid in another currency is written off:
    its difference in exchange is the ledger's.
    """
    rows: list[tuple[object, ...]] = []
    for entry_key, world, receipt, placed in owed:
        # Of money that was placed, rightly or wrongly, nobody asks.
        if receipt.booked_on > answered_until or receipt.cents <= max(sum(placed.values()), 0):
            continue
        for invoice_id, due in receipt.pays:
            left = due - placed.get(invoice_id, 0)
            if due <= 0 or left <= 0:
                continue
            kind = "write_off" if receipt.is_other_currency else "match_confirmed"
            payload = {"entry_key": entry_key, "invoice": invoice_id, "amount": f"{euros(left)}"}
            seq = len(rows) + 1
            at = datetime.combine(AS_OF, time(9), tzinfo=UTC).replace(tzinfo=None)
            rows.append((seq, f"answer-{seq}", at, "clerk", world.company_id, AS_OF, kind, json.dumps(payload)))
    append_rows(connection, "register_events", rows)
    set_day(connection, register_seq=len(rows))


def let_stand(connection: duckdb.DuckDBPyConnection, until: date) -> None:
    """Records what was allocated of the receipts up to that day, as a run of that day does: later runs take it as it is."""
    own = ("seq", "run_id", "as_of_date", "counterparty_iban")
    names = ", ".join(f"made.{name}" for name, _ in OTHER_TABLES["allocations"] if name not in own)
    connection.execute(
        f"""
        insert into raw.allocations by name
        select
            row_number() over (order by made.entry_key, made.invoice_id, made.component) as seq,
            'benchmark' as run_id,
            ?::date as as_of_date,
            {names.replace("made.allocated_on", "made.booked_on as allocated_on")},
            entries.counterparty_iban
        from reconciliation.payment_allocations as made
        inner join banking.entries as entries on made.entry_key = entries.entry_key
        where made.booked_on <= ?::date
        """,
        [until, until],
    )


def fill(connection: duckdb.DuckDBPyConnection, worlds: Sequence[World]) -> dict[str, Receipt]:
    """Puts worlds into the raw log as landing would have, in one batch."""
    set_day(connection, register_seq=0)
    for world in worlds:
        append(connection, "companies", [company_row(world)])
        append(connection, "customers", [customer_row(world, place) for place in range(len(world.customers))])
        append(connection, "invoices", invoice_rows(world))
    by_key: dict[str, Receipt] = {}
    for world in worlds:
        for file in files_of(world):
            by_key |= land(connection, world, file)
    return by_key


def set_day(connection: duckdb.DuckDBPyConnection, *, register_seq: int) -> None:
    """The business day the chapters are built for, with everything that has landed."""
    day = [(AS_OF, "benchmark", LAST_BATCH, register_seq, 0, "benchmark")]
    replace_rows(connection, "control.business_day", CONTROL_TABLES["business_day"], day)


@dataclass(frozen=True, slots=True)
class File:
    """One statement: its days, its receipts, and in which batch it landed."""

    key: str
    batch: int
    first: date
    last: date
    receipts: tuple[Receipt, ...]


def files_of(world: World) -> list[File]:
    """The statements of a world; of several the latest landed first."""
    starts = (FIRST_DAY, *world.cuts)
    ends = (*(cut - timedelta(days=1) for cut in world.cuts), LAST_DAY)
    return [
        File(
            f"{world.company_id}-{number}",
            len(starts) - number,
            first,
            last,
            tuple(receipt for receipt in world.receipts if first <= receipt.booked_on <= last),
        )
        for number, (first, last) in enumerate(zip(starts, ends, strict=True))
    ]


def land(connection: duckdb.DuckDBPyConnection, world: World, file: File) -> dict[str, Receipt]:
    """One statement with its entries and what they may name. Returns its receipts by entry key."""
    entries = [entry(world, file, receipt, number) for number, receipt in enumerate(file.receipts, start=1)]
    keys = entry_keys(entries)
    append_rows(connection, "bank_statements", [statement_row(world, file)])
    landed = {"batch_id": file.batch, "file_sha256": file.key}
    append_rows(
        connection,
        "bank_entries",
        [
            tuple(
                ({**landed, "entry_key": key, "content_key": content_key(each, world.account_iban)} | each._asdict())[
                    name
                ]
                for name, _ in OTHER_TABLES["bank_entries"]
            )
            for each, key in zip(entries, keys, strict=True)
        ],
    )
    append_rows(
        connection,
        "entry_references",
        [
            tuple(
                ({"batch_id": file.batch, "entry_key": key} | found._asdict())[name]
                for name, _ in OTHER_TABLES["entry_references"]
            )
            for each, key in zip(entries, keys, strict=True)
            for found in candidate_references(each)
        ],
    )
    return dict(zip(keys, file.receipts, strict=True))


def append(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[dict[str, object]]) -> None:
    """Appends rows of the billing extract; what a row leaves out is null."""
    columns = billing_columns(BILLING_TABLE_BY_NAME[table])
    log = {"batch_id": BATCH, "source_sha256": "benchmark", "row_hash": "", "is_deleted": False}
    incoming: pa.Table = arrow_table(
        columns,
        [
            tuple((log | {"ordinal": number} | row).get(name) for name, _ in columns)
            for number, row in enumerate(rows, 1)
        ],
    )
    connection.register("incoming", incoming)
    connection.execute(f"insert into raw.{table} select * from incoming")
    connection.unregister("incoming")


def company_row(world: World) -> dict[str, object]:
    return {
        "company_id": world.company_id,
        "name": "Voorbeeld",
        "country": world.portfolio.country,
        "iban": world.account_iban,
        "language": "nl",
        "email_from": "debiteuren@example.org",
    }


def customer_row(world: World, place: int) -> dict[str, object]:
    customer = world.customers[place]
    return {
        "company_id": world.company_id,
        "customer_id": customer.customer_id,
        "name": customer.name,
        "country": world.portfolio.country,
        "language": "nl",
        "email": f"{customer.customer_id.lower()}@example.org",
        "iban": customer.ibans[0] if customer.is_iban_known else None,
        "parent_customer_id": customer.parent_id,
    }


def invoice_rows(world: World) -> list[dict[str, object]]:
    permille = world.portfolio.discount_permille
    return [
        {
            "company_id": world.company_id,
            "invoice_id": document.invoice_id,
            "invoice_number": document.number,
            "customer_id": document.customer.customer_id,
            "kind": "invoice" if document.cents > 0 else "credit_note",
            "issued_on": document.issued_on,
            "due_on": document.due_on,
            "currency": document.currency,
            "total_amount": euros(abs(document.cents)),
            "payment_reference": document.reference or None,
            "order_number": document.order_number,
            "credits_invoice_number": document.credits,
            "discount_percent": Decimal(permille).scaleb(-1) if permille and document.cents > 0 else None,
            "discount_until": document.issued_on + timedelta(days=10) if permille and document.cents > 0 else None,
        }
        for document in world.documents.values()
    ]


def statement_row(world: World, file: File) -> tuple[object, ...]:
    """A statement whose balances go on from the one before."""
    opening = sum(receipt.cents for receipt in world.receipts if receipt.booked_on < file.first)
    values: dict[str, object] = {
        "batch_id": file.batch,
        "file_sha256": file.key,
        "ordinal": 1,
        "statement_key": file.key,
        "format": "camt.053.001.08",
        "account_iban": world.account_iban,
        "currency": "EUR",
        "statement_id": file.key,
        "sequence_no": 1 + len([cut for cut in world.cuts if cut <= file.first]),
        "from_on": file.first,
        "to_on": file.last,
        "opening_on": file.first,
        "opening_amount": euros(opening),
        "closing_on": file.last,
        "closing_amount": euros(opening + sum(receipt.cents for receipt in file.receipts)),
        "entry_count": len(file.receipts),
        "is_informative": False,
    }
    return tuple(values[name] for name, _ in OTHER_TABLES["bank_statements"])


def entry(world: World, file: File, receipt: Receipt, ordinal: int) -> Entry:
    kind = world.portfolio.reference if receipt.structured else None
    return Entry(
        ordinal=ordinal,
        detail_ordinal=0,
        statement_key=file.key,
        account_iban=world.account_iban,
        booked_on=receipt.booked_on,
        valued_on=receipt.booked_on,
        amount=euros(receipt.cents),
        currency=receipt.currency,
        counterparty_name=receipt.payer_name,
        counterparty_iban=receipt.payer_iban,
        structured_reference=receipt.structured,
        structured_reference_kind=kind,
        remittance=receipt.text or None,
        wraps=receipt.wraps,
        end_to_end_id=receipt.end_to_end_id,
        is_return=receipt.is_return,
        return_reason="MD06" if receipt.is_return else None,
    )

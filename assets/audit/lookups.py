"""What the tables say of a bank entry and of a run, read the same way by every explanation."""

import json
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from assets.landing.archive import Archive
from assets.operations.tables import landed_source, register_event, run

Row = dict[str, Any]


def with_file(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, row: Row) -> Row:
    """A weighed entry with what the bank said of it and the file it came in."""
    if not row.get("entry_key"):
        return row
    entries = rows_of(
        warehouse,
        "select booked_on, valued_on, amount, currency, counterparty_name, counterparty_iban, structured_reference, remittance, file_sha256, ordinal from banking.entries where entry_key = ?",
        row["entry_key"],
    )
    if not entries:
        return row
    sha256 = str(entries[0]["file_sha256"])
    name = store.execute(
        select(landed_source.c.original_name)
        .where(landed_source.c.sha256 == sha256, landed_source.c.outcome == "taken")
        .limit(1)
    ).scalar()
    return {**row, "entry": {**entries[0], "file": name, "file_archived": archive.has(sha256)}}


def register_of_entry(store: Connection, company_id: str, entry_key: str) -> list[Row]:
    """Register events that name a bank entry."""
    events = store.execute(
        select(register_event).where(register_event.c.company_id == company_id).order_by(register_event.c.seq)
    ).mappings()
    return [
        {name: event[name] for name in ("seq", "kind", "effective_on", "recorded_by")} | {"payload": payload}
        for event in events
        if (payload := json.loads(event["payload"])).get("entry_key") == entry_key
    ]


def run_of(store: Connection, run_id: str | None) -> Row | None:
    row = store.execute(select(run).where(run.c.run_id == run_id)).mappings().first()
    if row is None:
        return None
    return {
        name: row[name]
        for name in (
            "run_id",
            "as_of_date",
            "batch_watermark",
            "register_seq",
            "dispatch_seq",
            "policy_version",
            "code_version",
            "outcome",
        )
    }


def day_run(warehouse: duckdb.DuckDBPyConnection) -> str | None:
    rows = warehouse.execute("select run_id from control.business_day").fetchall()
    return str(rows[0][0]) if rows else None


def rows_of(warehouse: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[Row]:
    result = warehouse.execute(query, list(values))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

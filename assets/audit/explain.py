"""Why a message was sent, or why an invoice was left alone: from the letter back to the bank line.

Everything is read, nothing is computed again: the decision row, the money of the invoice with each bank entry, the file
each entry came from, and the run. A message is explained from the row it was made from, frozen when it was planned.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from assets.landing.archive import Archive
from assets.operations.tables import communication, communication_event, landed_source, register_event, run
from assets.problem import UsageProblem

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a message or an invoice. `document` is the whole of it, ready for JSON."""

    subject: str
    document: Row


def explain(
    warehouse: duckdb.DuckDBPyConnection,
    store: Connection,
    archive: Archive,
    subject: str,
    company_id: str | None = None,
) -> Explanation:
    """Explains a communication_id, an invoice number or an invoice_id. Raises UsageProblem when nothing has that name."""
    message = store.execute(select(communication).where(communication.c.communication_id == subject)).mappings().first()
    if message is not None:
        return Explanation(subject, explain_message(warehouse, store, archive, dict(message)))
    invoices = _invoices(warehouse, subject, company_id)
    if not invoices:
        raise UsageProblem(
            f"nothing is called {subject!r}",
            where="communications and invoices of this home",
            remedy="give a communication_id or an invoice number of an invoice already landed",
        )
    if len(invoices) > 1:
        companies = ", ".join(sorted({str(invoice["company_id"]) for invoice in invoices}))
        raise UsageProblem(
            f"several invoices are called {subject!r}",
            where=f"companies {companies}",
            remedy="say which with --company",
        )
    return Explanation(subject, explain_invoice(warehouse, store, archive, invoices[0]))


def explain_message(
    warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, message: Mapping[str, Any]
) -> Row:
    """What a message says, why, on what money, and what became of it."""
    frozen = json.loads(message["row_json"])
    items = _listed(frozen.get("items"))
    events = store.execute(
        select(communication_event)
        .where(communication_event.c.communication_id == message["communication_id"])
        .order_by(communication_event.c.seq)
    ).mappings()
    return {
        "communication_id": message["communication_id"],
        "state": message["state"],
        "held_reason": message["held_reason"],
        "message": {name: value for name, value in frozen.items() if name not in ("items", "trace")},
        "items": [
            {**item, "decision": _decision(warehouse, message["company_id"], item["invoice_id"], message["as_of_date"])}
            for item in items
        ],
        "money_weighed": [_with_file(warehouse, store, archive, entry) for entry in _listed(frozen.get("trace"))],
        "history": [
            {name: event[name] for name in ("seq", "from_state", "to_state", "occurred_at", "actor", "reason")}
            for event in events
        ],
        "body_sha256": message["body_sha256"],
        "body_archived": archive.has(message["body_sha256"]),
        "run": _run(store, message["run_id"]),
    }


def explain_invoice(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, invoice: Row) -> Row:
    """Where an invoice stands today, why, and every cent that came in for it."""
    company_id, invoice_id = invoice["company_id"], invoice["invoice_id"]
    allocations = _rows(
        warehouse,
        "select * from reconciliation.payment_allocations where company_id = ? and invoice_id = ? order by allocated_on, entry_key",
        company_id,
        invoice_id,
    )
    unapplied = _rows(
        warehouse,
        "select * from reconciliation.unapplied_payments where company_id = ? and customer_id = ? order by entry_key",
        company_id,
        invoice["customer_id"],
    )
    messages = store.execute(
        select(
            communication.c.communication_id,
            communication.c.as_of_date,
            communication.c.message_kind,
            communication.c.state,
            communication.c.row_json,
        )
        .where(communication.c.company_id == company_id, communication.c.customer_id == invoice["customer_id"])
        .order_by(communication.c.as_of_date)
    ).mappings()
    return {
        "invoice": invoice,
        "decision": _decision(warehouse, company_id, invoice_id, None),
        "decisions_before": _rows(
            warehouse,
            "select as_of_date, action, reason_code, stage_no, policy_id from dunning.dunning_decisions where company_id = ? and invoice_id = ? order by as_of_date desc limit 10",
            company_id,
            invoice_id,
        )[1:],
        "payments": [_with_file(warehouse, store, archive, row) for row in allocations],
        "unapplied_of_customer": [_with_file(warehouse, store, archive, row) for row in unapplied],
        "messages": [
            {name: message[name] for name in ("communication_id", "as_of_date", "message_kind", "state")}
            for message in messages
            if any(item["invoice_id"] == invoice_id for item in _listed(json.loads(message["row_json"]).get("items")))
        ],
        "register": _register(
            store, company_id, {str(invoice_id), str(invoice["invoice_number"])}, str(invoice["customer_id"])
        ),
        "run": _run(store, _day_run(warehouse)),
    }


def _invoices(warehouse: duckdb.DuckDBPyConnection, subject: str, company_id: str | None) -> list[Row]:
    return _rows(
        warehouse,
        "select * from receivables.invoice_balances where (invoice_number = ? or invoice_id = ?) and company_id = coalesce(?, company_id)",
        subject,
        subject,
        company_id,
    )


def _decision(warehouse: duckdb.DuckDBPyConnection, company_id: str, invoice_id: str, day: object) -> Row | None:
    """The decision row of a day (the newest by default), and its reason in a sentence as the policy of that day has it."""
    rows = _rows(
        warehouse,
        """
        select decisions.*, reasons.sentence as reason_sentence
        from dunning.dunning_decisions as decisions
        left join dunning.reason_order as reasons
            on
                decisions.reason_code = reasons.reason_code
                and decisions.as_of_date between reasons.valid_from and reasons.valid_to
        where
            decisions.company_id = ?
            and decisions.invoice_id = ?
            and decisions.as_of_date = coalesce(?, (select max(as_of_date) from dunning.dunning_decisions))
        """,
        company_id,
        invoice_id,
        day,
    )
    return rows[0] if rows else None


def _with_file(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, row: Row) -> Row:
    """A weighed entry with what the bank said of it and the file it came in."""
    if not row.get("entry_key"):
        return row
    entries = _rows(
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


def _register(store: Connection, company_id: str, names: set[str], customer_id: str) -> list[Row]:
    """Register events that name this invoice or its customer."""
    events = store.execute(
        select(register_event).where(register_event.c.company_id == company_id).order_by(register_event.c.seq)
    ).mappings()
    found = []
    for event in events:
        payload = json.loads(event["payload"])
        named = {str(payload.get("invoice"))} | {str(invoice) for invoice in payload.get("invoices") or []}
        if named & names or str(payload.get("customer")) == customer_id:
            found.append(
                {
                    "seq": event["seq"],
                    "kind": event["kind"],
                    "effective_on": event["effective_on"],
                    "recorded_by": event["recorded_by"],
                    "payload": payload,
                }
            )
    return found


def _run(store: Connection, run_id: str | None) -> Row | None:
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


def _day_run(warehouse: duckdb.DuckDBPyConnection) -> str | None:
    rows = warehouse.execute("select run_id from control.business_day").fetchall()
    return str(rows[0][0]) if rows else None


def _listed(value: object) -> list[Row]:
    """A list that may have been kept as JSON text."""
    if isinstance(value, str):
        value = json.loads(value)
    return list(value) if isinstance(value, Sequence) else []


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[Row]:
    result = warehouse.execute(query, list(values))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

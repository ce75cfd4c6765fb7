"""Why a message was sent, why an invoice was left alone, or where a payment went: from the letter back to the bank line.

Everything is read, nothing is computed again: the decision row, the money of the invoice with each bank entry, the file
each entry came from, and the run. A message is explained from the row it was made from, frozen when it was planned.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from assets.audit.explain_entry import SHORTEST_KEY, by_which_rule, explain_entry, find_entries, only_entry, proposals
from assets.audit.explain_task import explain_task, find_tasks
from assets.audit.lookups import Row, day_run, rows_of, run_of, with_file
from assets.landing.archive import Archive
from assets.operations.tables import communication, communication_event, register_event, release_approval
from assets.problem import UsageProblem


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of a message, an invoice or a bank entry. `document` is the whole of it, ready for JSON."""

    subject: str
    document: Row


def explain(
    warehouse: duckdb.DuckDBPyConnection,
    store: Connection,
    archive: Archive,
    subject: str,
    company_id: str | None = None,
) -> Explanation:
    """Explains a communication_id, an invoice number, an invoice_id, or a bank entry or task by its id or the beginning of it.

    Raises UsageProblem when nothing has that name, or several things have.
    """
    message = store.execute(select(communication).where(communication.c.communication_id == subject)).mappings().first()
    if message is not None:
        return Explanation(subject, explain_message(warehouse, store, archive, dict(message)))
    invoices = _invoices(warehouse, subject, company_id)
    if not invoices and len(found := find_tasks(warehouse, subject, company_id)) == 1:
        return Explanation(subject, explain_task(warehouse, store, found[0]))
    if not invoices and (keys := find_entries(warehouse, subject, company_id)):
        return Explanation(subject, explain_entry(warehouse, store, archive, only_entry(keys, subject)))
    if not invoices:
        raise UsageProblem(
            f"nothing is called {subject!r}",
            where="communications, invoices, tasks and bank entries of this home",
            remedy="give a communication_id, the number of an invoice already landed, a task_id, or the key of a bank "
            f"entry (at least its first {SHORTEST_KEY} characters)",
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
        "money_weighed": [with_file(warehouse, store, archive, entry) for entry in _listed(frozen.get("trace"))],
        "history": [
            {name: event[name] for name in ("seq", "from_state", "to_state", "occurred_at", "actor", "reason")}
            for event in events
        ],
        "agreed_by": [
            {name: approval[name] for name in ("approved_by", "approved_at", "reason", "body_sha256")}
            for approval in store.execute(
                select(release_approval)
                .where(release_approval.c.fingerprint == message["fingerprint"])
                .order_by(release_approval.c.seq)
            ).mappings()
        ],
        "registered": _registered(store, message["communication_id"]),
        "body_sha256": message["body_sha256"],
        "body_archived": archive.has(message["body_sha256"]),
        "run": run_of(store, message["run_id"]),
    }


def explain_invoice(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, invoice: Row) -> Row:
    """Where an invoice stands today, why, and every cent that came in for it."""
    company_id, invoice_id = invoice["company_id"], invoice["invoice_id"]
    allocations = rows_of(
        warehouse,
        "select * from reconciliation.payment_allocations where company_id = ? and invoice_id = ? order by allocated_on, entry_key",
        company_id,
        invoice_id,
    )
    unapplied = rows_of(
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
        "decisions_before": rows_of(
            warehouse,
            "select as_of_date, action, reason_code, stage_no, policy_id from dunning.dunning_decisions where company_id = ? and invoice_id = ? order by as_of_date desc limit 10",
            company_id,
            invoice_id,
        )[1:],
        "payments": [
            with_file(warehouse, store, archive, {**row, "by_which_rule": by_which_rule(row)}) for row in allocations
        ],
        "proposed": [
            with_file(warehouse, store, archive, row)
            for row in proposals(warehouse, "invoice_id", str(invoice_id), str(company_id))
        ],
        "unapplied_of_customer": [with_file(warehouse, store, archive, row) for row in unapplied],
        "messages": [
            {name: message[name] for name in ("communication_id", "as_of_date", "message_kind", "state")}
            for message in messages
            if any(item["invoice_id"] == invoice_id for item in _listed(json.loads(message["row_json"]).get("items")))
        ],
        "register": _register(
            store, company_id, {str(invoice_id), str(invoice["invoice_number"])}, str(invoice["customer_id"])
        ),
        "run": run_of(store, day_run(warehouse)),
    }


def _invoices(warehouse: duckdb.DuckDBPyConnection, subject: str, company_id: str | None) -> list[Row]:
    return rows_of(
        warehouse,
        "select * from receivables.invoice_balances where (invoice_number = ? or invoice_id = ?) and company_id = coalesce(?, company_id)",
        subject,
        subject,
        company_id,
    )


def _decision(warehouse: duckdb.DuckDBPyConnection, company_id: str, invoice_id: str, day: object) -> Row | None:
    """The decision row of a day (the newest by default), and its reason in a sentence as the policy of that day has it."""
    rows = rows_of(
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


def _registered(store: Connection, communication_id: str) -> Row | None:
    """Tracking number, day of posting and receipt of a registered letter, each as it was said last."""
    known: Row | None = None
    events = store.execute(
        select(register_event).where(register_event.c.kind == "registered_letter").order_by(register_event.c.seq)
    ).mappings()
    for event in events:
        payload = json.loads(event["payload"])
        if payload.get("communication_id") == communication_id:
            said = {name: value for name, value in payload.items() if name != "communication_id"}
            known = {"posted_on": event["effective_on"], **(known or {}), **said, "recorded_by": event["recorded_by"]}
    return known


def _listed(value: object) -> list[Row]:
    """A list that may have been kept as JSON text."""
    if isinstance(value, str):
        value = json.loads(value)
    return list(value) if isinstance(value, Sequence) else []

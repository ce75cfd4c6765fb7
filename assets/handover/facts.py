"""What a dossier is made of, read from the tables of the day, the operations store and the archive. Nothing is decided here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy import Connection, select

from assets.operations.control import control
from assets.operations.runs import RunRef
from assets.operations.tables import communication, communication_event, communication_item, register_event

Row = dict[str, Any]

# A message in one of these states left, or may have left: the debtor may have read it.
LEFT_STATES = ("sent", "delivered", "bounced", "complained", "in_doubt", "closed_unknown")

# What was said between us and the customer. What only we said to each other (holds, matches, releases) stays here.
SPOKEN_KINDS = (
    "dispute_opened",
    "dispute_closed",
    "promise_made",
    "promise_withdrawn",
    "payment_expected",
    "arrangement_agreed",
    "arrangement_cancelled",
    "terms_extended",
    "write_off",
    "charges_claimed",
    "charges_waived",
    "call_made",
    "contact_logged",
    "complaint_opened",
    "complaint_closed",
    "conditions_set",
    "insolvency",
    "invoice_response",
    "handed_over",
    "agency_status",
)


@dataclass(frozen=True)
class Facts:
    """The rows a dossier is written from, each list in a stated order."""

    handovers: list[Row]
    creditor: Row
    debtor: Row
    laws: list[Row]
    invoices: list[Row]
    lines: list[Row]
    documents: list[Row]
    ledger: list[Row]
    interest: list[Row]
    charges: list[Row]
    messages: list[Row]
    events: list[Row]


def handovers_to_make(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(company_id, handover_id) of every hand-over that an agency has today, in order."""
    query = "select distinct company_id, handover_id from dunning.handovers where is_with_agency order by all"
    return [(str(company), str(handover)) for company, handover in warehouse.execute(query).fetchall()]


def read_facts(
    warehouse: duckdb.DuckDBPyConnection, store: Connection, run: RunRef, company_id: str, handover_id: str
) -> Facts:
    """Everything known of one hand-over on the day of `run`."""
    key = [company_id, handover_id]
    items = _rows(
        warehouse,
        "select * from dunning.handover_items where company_id = ? and handover_id = ? and is_with_agency order by invoice_id",
        key,
    )
    customer_id = str(items[0]["customer_id"])
    ids = [str(item["invoice_id"]) for item in items]
    of_invoices = [company_id, ids]
    invoices = _rows(warehouse, _INVOICES, of_invoices)
    return Facts(
        handovers=_rows(
            warehouse, "select * from dunning.handovers where company_id = ? and handover_id = ? order by currency", key
        ),
        creditor=_only(warehouse, "select * from staging.stg_billing__companies where company_id = ?", [company_id]),
        debtor=_only(
            warehouse,
            "select * from staging.stg_billing__customers where company_id = ? and customer_id = ?",
            [company_id, customer_id],
        ),
        laws=_rows(
            warehouse,
            "select currency, country, debtor_kind, interest_claim, costs_claim from receivables.statutory_charges where company_id = ? and customer_id = ? order by currency",
            [company_id, customer_id],
        ),
        invoices=invoices,
        lines=_rows(
            warehouse,
            "select * from staging.stg_billing__invoice_lines where company_id = ? and list_contains(?, invoice_id) order by invoice_id, line_number",
            of_invoices,
        ),
        documents=_rows(
            warehouse,
            "select invoice_number, source_sha256 from staging.stg_invoicing__documents where company_id = ? and list_contains(?, invoice_number) order by all",
            [company_id, [invoice["invoice_number"] for invoice in invoices]],
        ),
        ledger=_rows(warehouse, _LEDGER, [*of_invoices, *of_invoices, *of_invoices]),
        interest=_rows(
            warehouse,
            "select invoice_id, segment_no, from_on, to_on, days, base_amount, rate_basis_points, interest_amount, is_provisional, source from receivables.interest_segments where company_id = ? and list_contains(?, invoice_id) order by invoice_id, segment_no",
            of_invoices,
        ),
        charges=_rows(
            warehouse,
            "select invoice_id, component, claimed_on, claimed_amount, paid_amount, open_amount from receivables.charge_balances where company_id = ? and list_contains(?, invoice_id) order by invoice_id, component",
            of_invoices,
        ),
        messages=_messages(store, run, company_id, customer_id, set(ids)),
        events=_events(
            store,
            run,
            company_id,
            customer_id,
            {*ids, *(str(invoice["invoice_number"]) for invoice in invoices)},
            _tasks(warehouse, company_id, customer_id, ids),
        ),
    )


_INVOICES = """
select
    balances.invoice_id, balances.invoice_number, balances.issued_on, balances.due_on, balances.days_overdue,
    balances.total_amount, balances.credited_amount, balances.paid_amount, balances.written_off_amount,
    balances.open_amount, balances.currency, balances.payment_reference, balances.order_number,
    balances.project_number, invoices.delivered_at, invoices.delivery_status, invoices.description,
    invoices.document_path
from receivables.invoice_balances as balances
left join staging.stg_billing__invoices as invoices
    on balances.company_id = invoices.company_id and balances.invoice_id = invoices.invoice_id
where balances.company_id = ? and list_contains(?, balances.invoice_id)
order by balances.due_on, balances.invoice_id
"""

_LEDGER = """
select
    allocations.invoice_id, allocations.booked_on, 'payment' as kind, allocations.component, allocations.amount,
    allocations.entry_key as reference, allocations.rule_id, entries.account_iban, entries.counterparty_name,
    entries.counterparty_iban, entries.remittance, entries.file_sha256, entries.ordinal
from reconciliation.payment_allocations as allocations
left join banking.entries as entries on allocations.entry_key = entries.entry_key
where allocations.company_id = ? and list_contains(?, allocations.invoice_id)
union all
select
    credits.invoice_id, credits.credited_on, 'credit_note', 'principal', credits.amount, credits.credit_note_id,
    null, null, null, null, null, null, null
from reconciliation.credit_settlements as credits
where credits.company_id = ? and list_contains(?, credits.invoice_id)
union all
select
    given_up.invoice_id, given_up.written_off_on, 'write_off', 'principal', given_up.amount, cast(given_up.seq as varchar),
    null, null, null, null, given_up.reason, null, null
from staging.stg_register__write_offs as given_up
where given_up.company_id = ? and list_contains(?, given_up.invoice_id)
order by 1, 2, 3, 4, 6
"""


def _tasks(warehouse: duckdb.DuckDBPyConnection, company_id: str, customer_id: str, ids: Sequence[str]) -> set[str]:
    """Ids of every task there ever was about these invoices, or about the customer as a whole."""
    query = """
        select distinct task_id from tasks.tasks
        where company_id = ? and customer_id = ? and (invoice_id is null or list_contains(?, invoice_id))
    """
    return {str(task) for (task,) in warehouse.execute(query, [company_id, customer_id, list(ids)]).fetchall()}


def _messages(store: Connection, run: RunRef, company_id: str, customer_id: str, ids: set[str]) -> list[Row]:
    """Messages about these invoices that left, oldest first, each with what became of it. Rehearsals count in a rehearsal."""
    rows = store.execute(
        select(communication)
        .where(
            communication.c.company_id == company_id,
            communication.c.customer_id == customer_id,
            communication.c.state.in_(LEFT_STATES),
            communication.c.is_rehearsal == is_rehearsal(store),
        )
        .order_by(communication.c.as_of_date, communication.c.communication_id)
    ).all()
    found: list[Row] = []
    for row in rows:
        items = store.execute(
            select(communication_item)
            .where(communication_item.c.communication_id == row.communication_id)
            .order_by(communication_item.c.invoice_id)
        ).all()
        if not ids & {item.invoice_id for item in items}:
            continue
        events = store.execute(
            select(communication_event)
            .where(
                communication_event.c.communication_id == row.communication_id,
                communication_event.c.seq <= run.dispatch_seq,
            )
            .order_by(communication_event.c.seq)
        ).all()
        found.append(
            {
                "communication_id": row.communication_id,
                "sent_on": row.as_of_date,
                "channel": row.channel,
                "message_kind": row.message_kind,
                "stage_no": row.stage_no,
                "state": row.state,
                "recipient": row.recipient,
                "total_minor": row.total_minor,
                "currency": row.currency,
                "body_sha256": row.body_sha256,
                "extension": row.extension,
                # An invoice of this customer that is not handed over is no business of the agency.
                "invoices": [item.invoice_number for item in items if item.invoice_id in ids],
                "history": [{"state": event.to_state, "at": event.occurred_at} for event in events],
            }
        )
    return found


def _events(
    store: Connection, run: RunRef, company_id: str, customer_id: str, names: set[str], tasks: set[str]
) -> list[Row]:
    """Register events of this customer about these invoices, or about no invoice at all; and receipts of letters."""
    rows = store.execute(
        select(register_event)
        .where(
            register_event.c.company_id == company_id,
            register_event.c.seq <= run.register_seq,
            register_event.c.effective_on <= run.as_of_date,
            register_event.c.kind.in_((*SPOKEN_KINDS, "registered_letter", "task_outcome")),
        )
        .order_by(register_event.c.seq)
    ).all()
    found: list[Row] = []
    for row in rows:
        payload = json.loads(row.payload)
        named = {str(name) for name in (payload.get("invoice"), *(payload.get("invoices") or [])) if name}
        is_theirs = named & names if named else payload.get("customer") == customer_id
        if row.kind == "registered_letter" or payload.get("task_id") in tasks or is_theirs:
            found.append(
                {
                    "seq": row.seq,
                    "kind": row.kind,
                    "effective_on": row.effective_on,
                    "recorded_at": row.recorded_at,
                    "recorded_by": row.recorded_by,
                    "payload": payload,
                }
            )
    return found


def is_rehearsal(store: Connection) -> bool:
    """Whether this home still rehearses: what it would have sent is then all there is."""
    return control(store).mode == "rehearsal"


def _rows(warehouse: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> list[Row]:
    result = warehouse.execute(query, list(values))
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _only(warehouse: duckdb.DuckDBPyConnection, query: str, values: Sequence[object]) -> Row:
    rows = _rows(warehouse, query, values)
    return rows[0] if rows else {}

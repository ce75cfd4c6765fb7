"""Why a bank entry pays the invoices it pays, or none: each allocation and each refusal in one sentence, as the tables say it.

Nothing is matched again. The sentences are those of `reconciliation.payment_allocations`, `unapplied_payments`,
`match_proposals` and `reallocations`; what is added is where the quoted text stands in what the payer wrote, what the step
of the ladder means, and why other documents that the text names were passed over.
"""

import re
from typing import Any

import duckdb
from sqlalchemy import Connection

from assets.audit.lookups import Row, day_run, register_of_entry, rows_of, run_of, with_file
from assets.landing.archive import Archive
from assets.problem import UsageProblem

# Of a key, so many characters are asked for: fewer would name half the entries of a day.
SHORTEST_KEY = 6

# What a step of the ladder rests on.
RUNGS = {
    0: "a return, or what a person said",
    1: "the id of our own direct debit or payment link",
    2: "a structured reference with good check digits",
    3: "document numbers written in full",
    4: "a damaged or indirect number, with a second proof",
    5: "a known account and the only reading of the amount",
    6: "a known account and the only set of invoices that makes the sum",
    7: "a known payer, short or over by a known cause",
}

_QUOTED = re.compile(r'"([^"]+)"')


def find_entries(warehouse: duckdb.DuckDBPyConnection, key: str, company_id: str | None) -> list[str]:
    """Keys of the bank entries that begin with `key`, in the chapters or in the log; at most a few."""
    wanted = key.strip().lower()
    if len(wanted) < SHORTEST_KEY or not wanted.isalnum():
        return []
    rows = rows_of(
        warehouse,
        """
        select entry_key from banking.entries
        where starts_with(lower(entry_key), $1) and company_id = coalesce($2, company_id)
        union
        select entry_key from raw.bank_entries where starts_with(lower(entry_key), $1) and $2 is null
        order by entry_key limit 6
        """,
        wanted,
        company_id,
    )
    return [str(row["entry_key"]) for row in rows]


def only_entry(keys: list[str], subject: str) -> str:
    """The one key there is. Raises UsageProblem when the beginning fits several entries."""
    if len(keys) > 1:
        raise UsageProblem(
            f"several bank entries begin with {subject!r}",
            where=", ".join(keys[:5]) + (", ..." if len(keys) > 5 else ""),
            remedy="give more of the key",
        )
    return keys[0]


def explain_entry(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, entry_key: str) -> Row:
    """What became of a bank entry and why, back to the file it stands in."""
    entries = rows_of(warehouse, "select * from banking.entries where entry_key = ?", entry_key)
    if not entries:
        return _left_out(warehouse, store, archive, entry_key)
    entry = entries[0]
    allocations = _allocations(warehouse, entry)
    proposed = proposals(warehouse, "entry_key", entry_key, str(entry["company_id"]))
    told = {row["invoice_id"] for row in (*allocations, *proposed)}
    unapplied = rows_of(warehouse, "select * from reconciliation.unapplied_payments where entry_key = ?", entry_key)
    return {
        "entry_key": entry_key,
        "company_id": entry["company_id"],
        "entry": with_file(warehouse, store, archive, {"entry_key": entry_key})["entry"],
        "outcome": _outcome(entry, allocations, unapplied),
        "allocations": allocations,
        "not_placed": [{**row, "sentence": _refusal(row)} for row in unapplied],
        "proposals": proposed,
        "passed_over": _passed_over(warehouse, entry, told),
        "undone": rows_of(
            warehouse,
            "select invoice_id, amount, currency, reason, undone_on, evidence from reconciliation.reallocations where entry_key = ? order by all",
            entry_key,
        ),
        "register": register_of_entry(store, str(entry["company_id"]), entry_key),
        "run": run_of(store, day_run(warehouse)),
    }


def proposals(warehouse: duckdb.DuckDBPyConnection, by: str, value: str, company_id: str) -> list[Row]:
    """The proposals of an entry (`by` is entry_key) or for an invoice (invoice_id), best first, each with its sentence."""
    rows = rows_of(
        warehouse,
        f"""
        select
            proposals.entry_key, proposals.rank, proposals.invoice_id, proposals.customer_id, proposals.proposed_amount,
            proposals.currency, proposals.rung, proposals.rule_id, proposals.score, proposals.reason, proposals.evidence,
            balances.invoice_number, balances.open_amount
        from reconciliation.match_proposals as proposals
        left join receivables.invoice_balances as balances
            on proposals.company_id = balances.company_id and proposals.invoice_id = balances.invoice_id
        where proposals.{by} = ? and proposals.company_id = ?
        order by proposals.entry_key, proposals.rank
        """,
        value,
        company_id,
    )
    return [{**row, "sentence": _proposed(row)} for row in rows]


def _allocations(warehouse: duckdb.DuckDBPyConnection, entry: Row) -> list[Row]:
    rows = rows_of(
        warehouse,
        """
        select allocations.*, balances.invoice_number
        from reconciliation.payment_allocations as allocations
        left join receivables.invoice_balances as balances
            on allocations.company_id = balances.company_id and allocations.invoice_id = balances.invoice_id
        where allocations.entry_key = ?
        order by allocations.invoice_id, allocations.component
        """,
        entry["entry_key"],
    )
    return [{**row, "spans": _spans(str(row["evidence"]), entry), "sentence": _allocated(row)} for row in rows]


def _spans(evidence: str, entry: Row) -> list[Row]:
    """Where the quoted texts of a sentence stand in what the payer wrote; offsets are of the free text, from 0."""
    spans: list[Row] = []
    remittance = str(entry["remittance"] or "")
    for text in (part for quoted in _QUOTED.findall(evidence) for part in (quoted, *quoted.split(", "))):
        start = remittance.find(text)
        found = {"text": text, "start": start, "end": start + len(text)}
        if start >= 0 and found not in spans:
            spans.append(found)
    return spans


def _passed_over(warehouse: duckdb.DuckDBPyConnection, entry: Row, told: set[Any]) -> list[Row]:
    """Documents the text names that this entry neither pays nor is proposed for, and why."""
    rows = rows_of(
        warehouse,
        """
        select
            named.span_text, named.invoice_id, named.customer_id, named.is_unique, named.is_rejected, named.is_cancelled,
            named.currency, balances.invoice_number, balances.open_amount, claimed.doubt_explanation
        from reconciliation.int_references_resolved as named
        left join receivables.invoice_balances as balances
            on named.company_id = balances.company_id and named.invoice_id = balances.invoice_id
        left join reconciliation.int_numbers_claimed as claimed
            on
                named.entry_key = claimed.entry_key
                and named.invoice_id = claimed.invoice_id
                and claimed.doubt is not null
        where named.entry_key = ?
        order by named.span_start, named.invoice_id
        """,
        entry["entry_key"],
    )
    return [{**row, "sentence": _passed(row, entry)} for row in rows if row["invoice_id"] not in told]


def _passed(row: Row, entry: Row) -> str:
    named = f'"{row["span_text"]}" is {row["invoice_number"] or row["invoice_id"]} of customer {row["customer_id"]}'
    if row["is_rejected"]:
        return f"{named}: a person said that it is not meant."
    if not row["is_unique"]:
        return f"{named}, and another document too."
    if row["currency"] != entry["currency"]:
        return f"{named}: it is in {row['currency']}, the payment in {entry['currency']}."
    if row["is_cancelled"]:
        return f"{named}: it was cancelled."
    if row["doubt_explanation"]:
        return f"{named}: {row['doubt_explanation']}"
    if not row["open_amount"]:
        return f"{named}: nothing is open on it."
    return (
        f"{named}: {row['open_amount']} {row['currency']} is open on it, which the payment does not settle by itself."
    )


def by_which_rule(row: Row) -> str:
    """The step, rule and version of an allocation, in words."""
    return (
        f"step {row['rung']}, {RUNGS.get(row['rung'], 'a rule')}; rule {row['rule_id']} of {row['policy_id']}; "
        f"{'stands since' if row['is_standing'] else 'made on'} {row['allocated_on']}"
    )


def _allocated(row: Row) -> str:
    return (
        f"{row['amount']} {row['currency']} ({row['component']}) to {row['invoice_number'] or row['invoice_id']} of customer "
        f"{row['customer_id']}: {_closed(row['evidence'])} ({by_which_rule(row)})"
    )


def _proposed(row: Row) -> str:
    return (
        f"{row['rank']}. {row['proposed_amount']} {row['currency']} to {row['invoice_number'] or row['invoice_id']} of customer "
        f"{row['customer_id']}: {_closed(row['evidence'])} Not booked: {_closed(str(row['reason']).replace('_', ' '))}"
    )


def _refusal(row: Row) -> str:
    return f"{row['unapplied_amount']} {row['currency']} is not placed: {_closed(row['explanation'])}"


def _closed(sentence: object) -> str:
    text = str(sentence).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _outcome(entry: Row, allocations: list[Row], unapplied: list[Row]) -> str:
    if not unapplied:
        return f"all of {entry['amount']} {entry['currency']} is placed"
    return f"{'part' if allocations else 'nothing'} of {entry['amount']} {entry['currency']} is placed"


def _left_out(warehouse: duckdb.DuckDBPyConnection, store: Connection, archive: Archive, entry_key: str) -> Row:
    """An entry of the log that is no money of its own today."""
    (entry,) = rows_of(
        warehouse,
        """
        select
            booked_on, valued_on, amount, currency, counterparty_name, counterparty_iban, structured_reference, remittance,
            file_sha256, ordinal, statement_key, account_iban
        from raw.bank_entries where entry_key = ? order by batch_id limit 1
        """,
        entry_key,
    )
    details = rows_of(
        warehouse,
        """
        select entries.entry_key, entries.amount, entries.currency
        from banking.int_batches_detailed as batches
        inner join staging.stg_bank__notified_entries as notified on batches.group_key = notified.group_key
        inner join banking.entries as entries on notified.entry_key = entries.entry_key
        where batches.entry_key = ?
        order by notified.ordinal
        """,
        entry_key,
    )
    set_aside = rows_of(
        warehouse,
        "select set_aside_reason from banking.statements where statement_key = ? and not is_counted",
        entry["statement_key"],
    )
    if details:
        why = f"a notification tells the {len(details)} payments it sums up; they stand for it"
    elif set_aside:
        why = f"its statement does not count ({set_aside[0]['set_aside_reason']}): the same money is told by another"
    else:
        why = "it is booked after the business day, is told again by a later statement, or is of no company's account"
    return {
        "entry_key": entry_key,
        "company_id": None,
        "entry": {**entry, "file": None, "file_archived": archive.has(str(entry["file_sha256"]))},
        "outcome": f"it is no money of its own: {why}",
        "allocations": [],
        "not_placed": [],
        "proposals": [],
        "passed_over": [],
        "details": details,
        "undone": [],
        "register": [],
        "run": run_of(store, day_run(warehouse)),
    }

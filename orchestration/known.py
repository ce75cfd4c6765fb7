"""Whether what an event names exists: a hold on a misspelt customer holds nobody, and nobody would hear of it. And whether
there is as much as it disposes of: what is more would be left out in silence."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import duckdb

from assets.audit.explain_entry import find_entries, only_entry
from assets.landing.warehouse import reading
from assets.problem import UsageProblem
from assets.register.landing import task_of


def refuse_unknown(warehouse: Path, company_id: str, payload: Mapping[str, object]) -> None:
    """Raises UsageProblem when the warehouse knows no such company, customer or invoice.

    Before the first day there is nothing to compare with, and the event is taken as it is.
    """
    if not warehouse.exists():
        return
    with reading(warehouse) as connection:
        if not _exists(connection, "select 1 from raw.companies where company_id = $company", company=company_id):
            raise _unknown("company", company_id, "--company")
        customer = payload.get("customer")
        if customer and not _exists(
            connection,
            "select 1 from raw.customers where company_id = $company and customer_id = $customer",
            company=company_id,
            customer=customer,
        ):
            raise _unknown("customer", customer, "--customer")
        listed = payload.get("invoices")
        named = [payload.get("invoice"), *(listed if isinstance(listed, list) else [])]
        for invoice in filter(None, named):
            query = """
                select 1 from raw.invoices where company_id = $company and (invoice_id = $invoice or invoice_number = $invoice)
                union all
                select 1 from raw.invoice_documents where company_id = $company and invoice_number = $invoice
            """
            if not _exists(connection, query, company=company_id, invoice=invoice):
                raise _unknown("invoice", invoice, "--invoice")


def with_whole_entry_key(warehouse: Path, company_id: str, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload with the beginning of an entry key made whole, as `explain` takes it.

    Raises UsageProblem when no entry of the company begins so, or several do.
    """
    given = str(payload.get("entry_key") or "")
    if not given or not warehouse.exists():
        return dict(payload)
    with reading(warehouse) as connection:
        try:
            found = find_entries(connection, given, company_id)
        except duckdb.CatalogException:
            return dict(payload)  # no day was computed yet, so that nothing is known of entries
    if not found:
        raise UsageProblem(
            f"there is no bank entry of {company_id} whose key begins with {given!r}",
            where="--entry-key",
            remedy="take the key from the task or from `tijdig explain`; six signs of it will do",
        )
    return {**payload, "entry_key": only_entry(found, given)}


def refuse_more_than_there_is(warehouse: Path, kind: str, company_id: str, payload: Mapping[str, object]) -> None:
    """Raises UsageProblem when more would be written off than is open by the last day computed, or more be placed than the
    payment or the invoice is of. What of it is placed already is for the day to see: an answer moves that, too."""
    if kind not in ("write_off", "match_confirmed") or "amount" not in payload or not warehouse.exists():
        return
    amount, invoice = Decimal(str(payload["amount"])), payload.get("invoice")
    with reading(warehouse) as connection:
        try:
            if kind == "write_off":
                _refuse_above(connection, OPEN_ON_INVOICE, company_id, invoice, amount)
            else:
                _refuse_above(connection, WHOLE_INVOICE, company_id, invoice, amount)
                _refuse_above(connection, WHOLE_ENTRY, company_id, payload.get("entry_key"), amount)
        except duckdb.CatalogException:
            return  # no day was computed yet, so that there is nothing to compare with


OPEN_ON_INVOICE = """
    select greatest(open_amount, 0), currency || ' is open on ' || invoice_number
    from receivables.invoice_balances
    where company_id = $company and $name in (invoice_id, invoice_number)
    order by invoice_id = $name desc
    limit 1
"""
WHOLE_INVOICE = """
    select abs(total_amount), currency || ' is the whole of ' || invoice_number
    from receivables.invoice_balances
    where company_id = $company and $name in (invoice_id, invoice_number)
    order by invoice_id = $name desc
    limit 1
"""
WHOLE_ENTRY = """
    select abs(amount), currency || ' is the whole of the bank entry'
    from banking.entries
    where company_id = $company and entry_key = $name
"""


def _refuse_above(
    connection: duckdb.DuckDBPyConnection, query: str, company_id: str, name: object, amount: Decimal
) -> None:
    row = connection.execute(query, {"company": company_id, "name": name}).fetchone()
    if row is None or amount <= row[0]:
        return
    raise UsageProblem(
        f"{amount} is more than there is: {row[0]} {row[1]}",
        where="--amount",
        remedy="give the amount that is there; if more came since the last day, run the day first",
    )


def completed(warehouse: Path, kind: str, company_id: str, payload: Mapping[str, object]) -> dict[str, object]:
    """The payload; an outcome with what its task is about, so that it keeps its meaning when the task is gone.

    Raises UsageProblem for the outcome of a task no day has ever had.
    """
    if kind != "task_outcome" or not payload.get("task_id") or not warehouse.exists():
        return dict(payload)
    task = task_of(warehouse, str(payload["task_id"]))
    if task is None or task.company_id != company_id:
        raise _unknown("task", payload["task_id"], "--task-id")
    about = {"task_kind": task.task_kind, "customer": task.customer_id, "invoice": task.invoice_id}
    return {name: value for name, value in about.items() if value} | dict(payload)


def _exists(connection: duckdb.DuckDBPyConnection, query: str, **values: object) -> bool:
    return bool(connection.execute(f"{query} limit 1", values).fetchall())


def _unknown(kind: str, name: object, option: str) -> UsageProblem:
    return UsageProblem(
        f"there is no {kind} {name!r} in what was landed",
        where=option,
        remedy=f"see how the billing extract writes the {kind}; if it is new, run the day first, so that it lands",
    )

"""Whether what an event names exists: a hold on a misspelt customer holds nobody, and nobody would hear of it."""

from collections.abc import Mapping
from pathlib import Path

import duckdb

from assets.landing.warehouse import reading
from assets.problem import UsageProblem


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


def _exists(connection: duckdb.DuckDBPyConnection, query: str, **values: object) -> bool:
    return bool(connection.execute(f"{query} limit 1", values).fetchall())


def _unknown(kind: str, name: object, option: str) -> UsageProblem:
    return UsageProblem(
        f"there is no {kind} {name!r} in what was landed",
        where=option,
        remedy=f"see how the billing extract writes the {kind}; if it is new, run the day first, so that it lands",
    )

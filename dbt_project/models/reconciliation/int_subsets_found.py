"""The one step of the matching rules that is no SQL: which items of those asked add up, and whether that is certain.

Rows come in and go out as relations. By way of Arrow they would bring in pandas, and importing that takes longer than a
day's sums.
"""

from itertools import groupby

from assets.reconciliation.subsets import Item, Limits, Payment, find_subsets

COLUMNS = {
    "entry_key": "varchar",
    "company_id": "varchar",
    "invoice_id": "varchar",
    "open_items": "bigint",
    "verdict": "varchar",
}


def model(dbt, session):
    """One row per payment x item of the only subset that makes its amount."""
    tolerances = dbt.ref("int_tolerances_in_force").project(
        "subset_items, subset_accidents, subset_steps, subset_run_steps"
    )
    asked = dbt.ref("int_subsets_asked").project(
        "entry_key, company_id, customer_id, currency, booked_on, cast(amount * 100 as bigint),"
        " invoice_id, cast(open_amount * 100 as bigint), is_named"
    )
    limits = tolerances.fetchall()
    found = find_subsets(payments(asked.fetchall()), Limits(*limits[0])) if limits else []
    rows = [
        (answer.payment.entry_key, answer.payment.account[0], invoice_id, answer.open_items, answer.verdict)
        for answer in found
        for invoice_id in answer.invoice_ids
    ]
    columns = ", ".join(f"unnest(cast(${name} as {kind}[])) as {name}" for name, kind in COLUMNS.items())
    values = {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}
    return session.sql(f"select {columns}", params=values)


def payments(rows):
    """Payments from their rows, one per item."""
    for entry_key, of_entry in groupby(sorted(rows), key=lambda row: row[0]):
        items = list(of_entry)
        _, company_id, customer_id, currency, booked_on, cents, *_ = items[0]
        yield Payment(
            entry_key,
            (company_id, customer_id, currency),
            booked_on.toordinal(),
            cents,
            tuple(Item(invoice_id, open_cents, is_named) for *_, invoice_id, open_cents, is_named in items),
        )

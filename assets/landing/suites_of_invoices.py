"""The suites on invoices: all of them taken together, and company by company."""

from collections.abc import Mapping, Sequence
from typing import Any

from assets.landing.expected import (
    AGREED,
    ENOUGH_HISTORY,
    FEWEST_ROWS,
    INVOICES_AGREED,
    INVOICES_NOW,
    Expected,
    Suite,
    share,
)


def _invoices(history: Mapping[str, Any]) -> Sequence[Expected]:
    usual = history["median_amount"]
    # Twentyfold is no growth of a business: it is an export in cents, or without its decimal point.
    lowest, highest = (usual / 20, usual * 20) if usual and history["rows"] >= FEWEST_ROWS else (1, 1_000_000)
    return [
        Expected(
            "median_between",
            "total_amount",
            "an export in cents, or without its decimal point",
            low=lowest,
            high=highest,
        ),
        Expected(
            "values_between",
            "days_to_pay",
            "due before issued on many documents at once: the two dates changed places",
            low=0,
            high=400,
            mostly=0.95,
        ),
    ]


INVOICES = Suite(
    name="invoices",
    table="invoices",
    check="looks_like_what_came_before",
    about="Amounts and terms of the invoices that came.",
    looks_at=("invoices",),
    fewest=FEWEST_ROWS,
    query=f"""
        select cast(total_amount as double) as total_amount, due_on - issued_on as days_to_pay
        from {INVOICES_NOW} as invoices
        where batch_id > getvariable('agreed') and kind = 'invoice' and total_amount > 0
    """,
    history=f"""
        select count(*) as rows, median(cast(total_amount as double)) as median_amount
        from {INVOICES_AGREED} as invoices
        where kind = 'invoice' and total_amount > 0 and batch_id >= getvariable('since')
    """,
    expected=_invoices,
)


def _invoices_by_company(_: Mapping[str, Any]) -> Sequence[Expected]:
    return [
        Expected(
            "values_between",
            "share_under_another_id",
            "number, customer, date and amount of documents we have under another id: everybody would be asked to pay twice",
            high=0.05,
        ),
        Expected(
            "values_between",
            "reference_share_of_usual",
            "the payment references are gone, and payments that carry them could not be placed",
            low=0.1,
        ),
        Expected(
            "values_between",
            "share_in_new_currency",
            "most of them are in a currency this company never used",
            high=0.5,
        ),
        Expected(
            "values_between",
            "order_share_of_usual",
            "the order numbers are gone, by which customers know what they bought",
            low=0.1,
            blocks=False,
        ),
        Expected(
            "values_between",
            "months_in_one_delivery",
            "more new documents at once than three of the largest months hold",
            high=3,
            blocks=False,
        ),
    ]


INVOICES_BY_COMPANY = Suite(
    name="invoices_by_company",
    table="invoices",
    check="each_company_looks_as_usual",
    about=(
        f"What each company's newest invoices carry, against what is usual for it ({ENOUGH_HISTORY} earlier ones at least)."
    ),
    looks_at=("invoices",),
    subject="company_id",
    query=f"""
        with newest as (
            select *, row_number() over (partition by company_id order by batch_id desc, ordinal desc) as age
            from {INVOICES_NOW} where kind = 'invoice'
        ),
        companies as (
            select distinct company_id from newest where batch_id > getvariable('agreed')
        ),
        -- A small company's day is too small to judge: the newest twenty are taken with it.
        recent as (
            select newest.* from newest semi join companies using (company_id)
            where newest.batch_id > getvariable('agreed') or newest.age <= {FEWEST_ROWS}
        ),
        earlier as (
            select * from {INVOICES_AGREED} as invoices
            anti join recent using (company_id, invoice_id, batch_id, ordinal)
            where kind = 'invoice' and batch_id >= getvariable('since')
        ),
        usual as (
            select
                company_id, count(*) as rows, list(distinct currency) as currencies,
                {share("payment_reference is not null")} as reference_share,
                {share("order_number is not null")} as order_share
            from earlier group by company_id
        ),
        -- The largest month is found in all that was ever issued, whenever it was delivered.
        months as (
            select company_id, max(documents) as largest, count(*) as months
            from (
                select company_id, date_trunc('month', issued_on) as month, count(*) as documents
                from earlier group by all
            ) group by company_id
        ),
        unheard as (
            select newest.* from newest
            anti join (select company_id, invoice_id from raw.invoices where {AGREED}) using (company_id, invoice_id)
        ),
        twice as (
            select
                company_id, count(*) as documents,
                {
        share('''exists (
                    select 1 from newest as other
                    where
                        other.company_id = unheard.company_id and other.invoice_id <> unheard.invoice_id
                        and other.invoice_number = unheard.invoice_number
                        and other.customer_id = unheard.customer_id
                        and other.issued_on = unheard.issued_on and other.total_amount = unheard.total_amount
                )''')
    } as share
            from unheard group by company_id
        ),
        looked_at as (
            select
                recent.company_id, count(*) as rows,
                {share("payment_reference is not null")} as reference_share,
                {share("order_number is not null")} as order_share,
                {share("not list_contains(usual.currencies, recent.currency)")} as new_currency_share
            from recent left join usual using (company_id) group by recent.company_id
        )
        select
            looked_at.company_id,
            coalesce(looked_at.rows >= {FEWEST_ROWS} and usual.rows >= {ENOUGH_HISTORY}, false) as is_comparable,
            case when twice.documents >= {FEWEST_ROWS} then twice.share end as share_under_another_id,
            case when is_comparable and usual.reference_share >= 0.8
                then looked_at.reference_share / usual.reference_share end as reference_share_of_usual,
            case when is_comparable then looked_at.new_currency_share end as share_in_new_currency,
            case when is_comparable and usual.order_share >= 0.5
                then looked_at.order_share / usual.order_share end as order_share_of_usual,
            case when usual.rows >= {ENOUGH_HISTORY} and months.months >= 3
                then coalesce(twice.documents, 0) / months.largest end as months_in_one_delivery
        from looked_at
        left join usual using (company_id)
        left join months using (company_id)
        left join twice using (company_id)
        order by looked_at.company_id
    """,
    expected=_invoices_by_company,
)

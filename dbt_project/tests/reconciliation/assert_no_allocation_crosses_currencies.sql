-- A row here is money of one currency booked on a document of another.
{{ config(meta={"dagster": {"ref": {"name": "payment_allocations"}}}) }}

select
    payment_allocations.entry_key,
    payment_allocations.invoice_id,
    payment_allocations.currency,
    entries.currency as entry_currency,
    invoices.currency as invoice_currency
from {{ ref("payment_allocations") }} as payment_allocations
inner join {{ ref("entries") }} as entries
    on payment_allocations.entry_key = entries.entry_key
inner join {{ ref("stg_billing__invoices") }} as invoices
    on
        payment_allocations.company_id = invoices.company_id
        and payment_allocations.invoice_id = invoices.invoice_id
where payment_allocations.currency <> entries.currency or payment_allocations.currency <> invoices.currency

-- A row here is a company and currency where money was allocated to a document that has no balance.
{{ config(meta={"dagster": {"ref": {"name": "invoice_balances"}}}) }}

with allocated as (
    select
        payment_allocations.company_id,
        payment_allocations.currency,
        sum(payment_allocations.amount) as amount
    from {{ ref("payment_allocations") }} as payment_allocations
    where payment_allocations.component = 'principal'
    group by payment_allocations.company_id, payment_allocations.currency
),

paid as (
    select
        invoice_balances.company_id,
        invoice_balances.currency,
        sum(invoice_balances.paid_amount) as amount
    from {{ ref("invoice_balances") }} as invoice_balances
    group by invoice_balances.company_id, invoice_balances.currency
)

select
    coalesce(allocated.company_id, paid.company_id) as company_id,
    coalesce(allocated.currency, paid.currency) as currency,
    allocated.amount as allocated_amount,
    paid.amount as paid_amount
from allocated
full outer join paid
    on
        allocated.company_id = paid.company_id
        and allocated.currency = paid.currency
where coalesce(allocated.amount, 0) <> coalesce(paid.amount, 0)

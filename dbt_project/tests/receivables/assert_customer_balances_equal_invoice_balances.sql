-- A row here is a customer whose balance is not the sum of its invoices.
{{ config(meta={"dagster": {"ref": {"name": "customer_balances"}}}) }}

with summed as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        sum(invoice_balances.open_amount) as amount
    from {{ ref("invoice_balances") }} as invoice_balances
    group by invoice_balances.company_id, invoice_balances.customer_id, invoice_balances.currency
)

select
    coalesce(summed.company_id, customer_balances.company_id) as company_id,
    coalesce(summed.customer_id, customer_balances.customer_id) as customer_id,
    summed.amount as invoices_amount,
    customer_balances.open_amount - customer_balances.credit_note_amount as customer_amount
from summed
full outer join {{ ref("customer_balances") }} as customer_balances
    on
        summed.company_id = customer_balances.company_id
        and summed.customer_id = customer_balances.customer_id
        and summed.currency = customer_balances.currency
where
    coalesce(summed.amount, 0)
    <> coalesce(customer_balances.open_amount - customer_balances.credit_note_amount, 0)

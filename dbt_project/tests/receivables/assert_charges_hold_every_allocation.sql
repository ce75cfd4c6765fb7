-- A row here is interest or costs that were paid and that no claim shows as paid.
{{ config(meta={"dagster": {"ref": {"name": "charge_balances"}}}) }}

with allocated as (
    select
        payment_allocations.company_id,
        payment_allocations.currency,
        payment_allocations.component,
        sum(payment_allocations.amount) as amount
    from {{ ref("payment_allocations") }} as payment_allocations
    where payment_allocations.component <> 'principal'
    group by payment_allocations.company_id, payment_allocations.currency, payment_allocations.component
),

paid as (
    select
        charge_balances.company_id,
        charge_balances.currency,
        charge_balances.component,
        sum(charge_balances.paid_amount) as amount
    from {{ ref("charge_balances") }} as charge_balances
    group by charge_balances.company_id, charge_balances.currency, charge_balances.component
)

select
    coalesce(allocated.company_id, paid.company_id) as company_id,
    coalesce(allocated.component, paid.component) as component,
    allocated.amount as allocated_amount,
    paid.amount as paid_amount
from allocated
full outer join paid
    on
        allocated.company_id = paid.company_id
        and allocated.currency = paid.currency
        and allocated.component = paid.component
where coalesce(allocated.amount, 0) <> coalesce(paid.amount, 0)

{{ config(meta={"dagster": {"ref": {"name": "communication_items"}}}) }}

-- A row here is an invoice on a message planned by this run that is paid, or of which more is claimed than is open.
-- What left earlier today was planned by an earlier run; it stands and is not looked at again. A message that claims
-- nothing may name an invoice that is paid.
with messages as (
    select communications_due.communication_id
    from {{ ref("communications_due") }} as communications_due
    inner join {{ ref("stg_control__business_day") }} as today
        on
            communications_due.as_of_date = today.as_of_date
            and communications_due.run_id = today.run_id
),

communication_items as (
    select * from {{ ref("communication_items") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
)

select
    communication_items.communication_id,
    communication_items.company_id,
    communication_items.invoice_id,
    communication_items.open_amount,
    invoice_balances.open_amount as open_amount_in_balances
from communication_items
inner join messages
    on communication_items.communication_id = messages.communication_id
left join invoice_balances
    on
        communication_items.company_id = invoice_balances.company_id
        and communication_items.invoice_id = invoice_balances.invoice_id
where
    (communication_items.open_amount > 0 or communication_items.is_acted)
    and (
        coalesce(invoice_balances.open_amount, 0) <= 0
        or communication_items.open_amount > invoice_balances.open_amount
    )

-- A row here is an invoice on a message planned today that is paid, or of which more is claimed than is open. What left
-- earlier today stands and is not looked at again.
with notice_items as (
    select * from {{ ref("dunning_notice_items") }}
),

communication_items as (
    select items.*
    from {{ ref("communication_items") }} as items
    inner join {{ ref("stg_control__business_day") }} as today
        on items.as_of_date = today.as_of_date
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
inner join notice_items
    on
        communication_items.company_id = notice_items.company_id
        and communication_items.invoice_id = notice_items.invoice_id
left join invoice_balances
    on
        communication_items.company_id = invoice_balances.company_id
        and communication_items.invoice_id = invoice_balances.invoice_id
where coalesce(invoice_balances.open_amount, 0) <= 0 or communication_items.open_amount > invoice_balances.open_amount

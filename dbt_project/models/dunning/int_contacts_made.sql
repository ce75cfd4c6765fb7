-- One row per customer that got a dunning message before today, with the newest day. A message that bounced or failed
-- reached nobody; one in doubt may have, so it counts for spacing.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

opening_stages as (
    select * from {{ ref("stg_billing__opening_stages") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

contacts as (
    select
        dispatched_items.company_id,
        dispatched_items.customer_id,
        dispatched_items.dispatched_on
    from dispatched_items
    where
        dispatched_items.message_kind in {{ dunning_kinds() }}
        and dispatched_items.state in ('sent', 'delivered', 'closed_unknown', 'in_doubt')
    union all
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        opening_stages.dispatched_on
    from opening_stages
    inner join invoice_balances
        on
            opening_stages.company_id = invoice_balances.company_id
            and opening_stages.invoice_id = invoice_balances.invoice_id
),

final as (
    select
        contacts.company_id,
        contacts.customer_id,
        max(contacts.dispatched_on) as last_dispatched_on
    from contacts
    cross join business_day
    where contacts.dispatched_on < business_day.as_of_date
    group by contacts.company_id, contacts.customer_id
)

select * from final

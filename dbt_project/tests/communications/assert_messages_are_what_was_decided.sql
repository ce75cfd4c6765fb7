{{ config(meta={"dagster": {"ref": {"name": "communication_items"}}}) }}

-- A row here is an invoice that was decided a message and is on none, or the other way round: decision and message must
-- say the same. An invoice paid after its message left today has no decision any more, and that is right.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join business_day
        on dunning_decisions.as_of_date = business_day.as_of_date
    where dunning_decisions.action = 'message'
),

acted_items as (
    select items.*
    from {{ ref("communication_items") }} as items
    inner join business_day
        on items.as_of_date = business_day.as_of_date
    where items.is_acted
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
)

select
    coalesce(decisions.company_id, acted_items.company_id) as company_id,
    coalesce(decisions.invoice_id, acted_items.invoice_id) as invoice_id,
    decisions.stage_no as decided_stage_no,
    acted_items.stage_no as message_stage_no
from decisions
full outer join acted_items
    on
        decisions.company_id = acted_items.company_id
        and decisions.invoice_id = acted_items.invoice_id
left join open_items
    on
        acted_items.company_id = open_items.company_id
        and acted_items.invoice_id = open_items.invoice_id
where
    acted_items.invoice_id is null
    or (decisions.invoice_id is null and open_items.invoice_id is not null)
    or decisions.stage_no <> acted_items.stage_no

{{ config(meta={"dagster": {"ref": {"name": "communications_due"}}}) }}

-- A row here is a message whose total is not the sum of its items less what was set off, with interest and costs on
-- top, or a message of a track that
-- takes no invoice a stage further, or a message of no track that does.
with messages as (
    select communications_due.*
    from {{ ref("communications_due") }} as communications_due
    inner join {{ ref("stg_control__business_day") }} as today
        on communications_due.as_of_date = today.as_of_date
),

sums as (
    select
        items.communication_id,
        sum(items.open_amount) as items_amount,
        count(*) filter (where items.is_acted) as acted_count
    from {{ ref("communication_items") }} as items
    inner join {{ ref("stg_control__business_day") }} as today
        on items.as_of_date = today.as_of_date
    group by items.communication_id
)

select
    messages.communication_id,
    messages.items_amount,
    messages.credit_amount,
    messages.total_amount,
    sums.items_amount as sum_of_items,
    sums.acted_count
from messages
left join sums
    on messages.communication_id = sums.communication_id
where
    coalesce(sums.items_amount, 0) <> messages.items_amount
    or messages.items_amount - messages.credit_amount + coalesce(messages.interest_amount, 0)
    + coalesce(messages.costs_amount, 0) <> messages.total_amount
    or (messages.occasion is null) <> (coalesce(sums.acted_count, 0) > 0)

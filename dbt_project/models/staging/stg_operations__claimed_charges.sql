with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

-- What was claimed in a letter that reached nobody, or of which nobody knows whether it left, was not claimed.
messages_received as (
    select distinct dispatched_items.communication_id
    from dispatched_items
    where dispatched_items.state in ('sent', 'delivered', 'closed_unknown')
),

-- A claim counts from the day after: the day itself, run again, must come out as it was.
items as (
    select
        sent_messages.seq,
        sent_messages.communication_id,
        sent_messages.company_id,
        sent_messages.as_of_date as claimed_on,
        item.element as item_json
    from sent_messages
    inner join messages_received
        on sent_messages.communication_id = messages_received.communication_id
    inner join business_day
        on sent_messages.as_of_date < business_day.as_of_date
    cross join {{ unnested(json_array_elements(json_text("sent_messages.row_json", "items")), "item") }}
),

final as (
    select
        items.seq,
        items.communication_id,
        items.company_id,
        {{ json_text("items.item_json", "invoice_id") }} as invoice_id,
        cast({{ json_text("items.item_json", "interest_claimed_amount") }} as decimal(18, 2)) as interest_amount,
        cast({{ json_text("items.item_json", "costs_claimed_amount") }} as decimal(18, 2)) as costs_amount,
        items.claimed_on
    from items
    where {{ json_text("items.item_json", "interest_claimed_amount") }} is not null
)

select * from final

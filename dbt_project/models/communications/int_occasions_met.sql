-- One row per occasion a message has left for. A message that bounced reached nobody: its occasion is still to be met,
-- by another route.
with sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

bounced as (
    select distinct dispatched_items.communication_id
    from dispatched_items
    where dispatched_items.state = 'bounced'
),

occasions as (
    select
        sent_messages.communication_id,
        sent_messages.company_id,
        sent_messages.customer_id,
        {{ json_text("sent_messages.row_json", "currency") }} as currency,
        sent_messages.message_kind,
        {{ json_text("sent_messages.row_json", "occasion") }} as occasion
    from sent_messages
),

final as (
    select distinct {{ message_key("occasions") }} as message_key
    from occasions
    left join bounced
        on occasions.communication_id = bounced.communication_id
    where occasions.occasion is not null and bounced.communication_id is null
)

select * from final

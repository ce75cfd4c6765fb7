-- What already left today stands. The frozen rows of those messages, item by item, as they were planned.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

newest as (
    select
        sent_messages.*,
        row_number() over (partition by sent_messages.communication_id order by sent_messages.seq desc) as newest_rank
    from sent_messages
    inner join business_day
        on sent_messages.as_of_date = business_day.as_of_date
    where sent_messages.message_kind in {{ dunning_kinds() }}
),

final as (
    select
        newest.company_id,
        newest.customer_id,
        {{ json_text("newest.row_json", "currency") }} as currency,
        newest.communication_id,
        {{ json_text("item.element", "invoice_id") }} as invoice_id,
        cast({{ json_text("item.element", "stage_no") }} as bigint) as stage_no,
        cast({{ json_text("item.element", "is_acted") }} as boolean) as is_acted,
        cast({{ json_text("newest.row_json", "next_step_on") }} as date) as next_step_on
    from newest
    cross join {{ unnested(json_array_elements(json_text("newest.row_json", "items")), "item") }}
    where newest.newest_rank = 1
)

select * from final

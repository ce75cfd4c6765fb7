with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        message.seq,
        message.communication_id,
        message.as_of_date,
        message.company_id,
        message.customer_id,
        message.message_kind,
        message.row_json
    from {{ source("raw", "sent_messages") }} as message
    cross join business_day
    where
        message.seq <= business_day.dispatch_seq
        and message.as_of_date <= business_day.as_of_date
)

select * from final

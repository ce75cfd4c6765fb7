with business_day as (
    select * from {{ source("control", "business_day") }}
),

final as (
    select
        business_day.as_of_date,
        business_day.run_id,
        business_day.batch_watermark,
        business_day.register_seq,
        business_day.dispatch_seq,
        business_day.policy_version
    from business_day
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        event.seq,
        event.event_id,
        event.recorded_at,
        event.recorded_by,
        event.company_id,
        event.effective_on,
        event.kind,
        event.payload
    from {{ source("raw", "register_events") }} as event
    cross join business_day
    where
        event.seq <= business_day.register_seq
        and event.effective_on <= business_day.as_of_date
)

select * from final

with events as (
    select * from {{ ref("stg_register__events") }}
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        {{ payload_text("events.payload", "status") }} as status,
        events.effective_on as reported_on,
        events.recorded_by
    from events
    where events.kind = 'agency_status'
)

select * from final

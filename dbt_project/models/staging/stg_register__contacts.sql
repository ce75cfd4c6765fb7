with events as (
    select * from {{ ref("stg_register__events") }}
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        events.effective_on as contacted_on,
        {{ payload_text("events.payload", "note") }} as note,
        events.recorded_by
    from events
    where events.kind in ('contact_logged')
)

select * from final

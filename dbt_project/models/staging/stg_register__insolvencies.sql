with events as (
    select * from {{ ref("stg_register__events") }}
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        {{ payload_text("events.payload", "insolvency_kind") }} as insolvency_kind,
        {{ payload_text("events.payload", "reference") }} as reference,
        events.effective_on as opened_on,
        events.recorded_by
    from events
    where events.kind = 'insolvency'
)

select * from final

with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        event_invoices.invoice_id,
        events.effective_on as made_on,
        {{ payload_text("events.payload", "outcome") }} as outcome,
        {{ payload_text("events.payload", "note") }} as note,
        events.recorded_by
    from events
    left join event_invoices
        on events.seq = event_invoices.seq
    where events.kind = 'call_made'
)

select * from final

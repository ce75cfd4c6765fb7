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
        {{ payload_text("events.payload", "agency") }} as agency,
        events.effective_on as handed_over_on,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind = 'handed_over'
        and event_invoices.invoice_id is not null
)

select * from final

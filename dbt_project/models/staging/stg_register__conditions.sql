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
        {{ payload_text("events.payload", "terms") }} as terms,
        {{ payload_text("events.payload", "scenario_id") }} as scenario_id,
        events.effective_on as set_on,
        events.recorded_by
    from events
    left join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind = 'conditions_set'
        and (event_invoices.seq is null or event_invoices.invoice_id is not null)
)

select * from final

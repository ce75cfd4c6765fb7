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
        event_invoices.invoice_id,
        {{ payload_text("events.payload", "channel") }} as channel,
        {{ payload_text("events.payload", "address") }} as address,
        events.effective_on as sent_on,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where events.kind = 'invoice_sent_again' and event_invoices.invoice_id is not null
)

select * from final

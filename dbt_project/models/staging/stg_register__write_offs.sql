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
        {{ payload_amount("events.payload", "amount") }} as amount,
        events.effective_on as written_off_on,
        {{ payload_text("events.payload", "reason") }} as reason,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind = 'write_off'
        and event_invoices.invoice_id is not null
)

select * from final

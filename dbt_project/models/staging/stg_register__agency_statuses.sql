with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

invoices_named as (
    select distinct
        event_invoices.seq,
        event_invoices.invoice_id
    from event_invoices
    where event_invoices.invoice_id is not null
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        {{ payload_text("events.payload", "handover_id") }} as handover_id,
        invoices_named.invoice_id,
        {{ payload_text("events.payload", "status") }} as status,
        {{ payload_amount("events.payload", "paid_amount") }} as paid_amount,
        {{ payload_text("events.payload", "reference") }} as reference,
        {{ payload_text("events.payload", "note") }} as note,
        events.effective_on as reported_on,
        events.recorded_by
    from events
    left join invoices_named
        on events.seq = invoices_named.seq
    where
        events.kind = 'agency_status'
        -- A report that names invoices, none of which we know, is of nothing.
        and (
            invoices_named.invoice_id is not null
            or {{ payload_text("events.payload", "invoices") }} is null
        )
)

select * from final

with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

-- An invoice may be named by its id and by its number in one event.
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
        events.event_id as handover_id,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        invoices_named.invoice_id,
        {{ payload_text("events.payload", "agency") }} as agency,
        coalesce({{ payload_text("events.payload", "destination") }}, 'agency') as destination,
        {{ payload_text("events.payload", "fee_basis") }} as fee_basis,
        {{ payload_amount("events.payload", "success_fee_percent") }} as success_fee_percent,
        {{ payload_text("events.payload", "terms") }} as terms,
        events.effective_on as handed_over_on,
        events.recorded_by
    from events
    inner join invoices_named
        on events.seq = invoices_named.seq
    where events.kind = 'handed_over'
)

select * from final

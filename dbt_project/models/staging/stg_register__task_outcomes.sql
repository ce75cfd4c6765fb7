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
        {{ payload_text("events.payload", "task_id") }} as task_id,
        {{ payload_text("events.payload", "task_kind") }} as task_kind,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        event_invoices.invoice_id,
        {{ payload_text("events.payload", "outcome") }} as outcome,
        {{ payload_text("events.payload", "note") }} as note,
        {{ payload_date("events.payload", "follow_up_on") }} as follow_up_on,
        events.effective_on,
        events.recorded_by
    from events
    left join event_invoices
        on events.seq = event_invoices.seq
    where events.kind = 'task_outcome'
)

select * from final

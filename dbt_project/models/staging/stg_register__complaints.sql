with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

targets as (
    select
        events.seq,
        events.kind,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        event_invoices.invoice_id,
        {{ payload_text("events.payload", "reason") }} as reason,
        {{ payload_text("events.payload", "outcome") }} as outcome,
        events.effective_on,
        events.recorded_by
    from events
    left join event_invoices
        on events.seq = event_invoices.seq
    where events.kind in ('complaint_opened', 'complaint_closed')
),

-- A closing that names no invoice closes every complaint of the customer.
closed as (
    select
        opened.seq,
        min(closing.seq) as closing_seq
    from targets as opened
    inner join targets as closing
        on
            opened.company_id = closing.company_id
            and opened.customer_id = closing.customer_id
            and opened.seq < closing.seq
            and (closing.invoice_id is null or opened.invoice_id = closing.invoice_id)
    where opened.kind = 'complaint_opened' and closing.kind = 'complaint_closed'
    group by opened.seq
),

final as (
    select
        opened.seq,
        opened.company_id,
        opened.customer_id,
        opened.invoice_id,
        opened.effective_on as opened_on,
        closing.effective_on as closed_on,
        opened.reason,
        closing.outcome,
        opened.recorded_by
    from targets as opened
    left join closed
        on opened.seq = closed.seq
    left join targets as closing
        on closed.closing_seq = closing.seq
    where opened.kind = 'complaint_opened'
)

select * from final

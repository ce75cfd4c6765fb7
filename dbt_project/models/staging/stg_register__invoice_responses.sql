with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

-- Answers come as documents, and an old one may arrive late: what was said last counts, not what came last.
ranked as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        {{ payload_text("events.payload", "code") }} as code,
        {{ payload_date("events.payload", "expected_on") }} as expected_on,
        events.effective_on as responded_on,
        events.recorded_by,
        row_number() over (
            partition by events.company_id, event_invoices.invoice_id order by events.effective_on desc, events.seq desc
        ) as newest_rank
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind = 'invoice_response'
        and event_invoices.invoice_id is not null
),

final as (
    select
        ranked.seq,
        ranked.company_id,
        ranked.invoice_id,
        ranked.code,
        ranked.expected_on,
        ranked.responded_on,
        ranked.recorded_by
    from ranked
    where ranked.newest_rank = 1
)

select * from final

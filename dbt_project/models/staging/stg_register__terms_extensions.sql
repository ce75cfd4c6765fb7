with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

ranked as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        {{ payload_date("events.payload", "new_due_on") }} as new_due_on,
        events.effective_on as extended_on,
        events.recorded_by,
        row_number() over (
            partition by events.company_id, event_invoices.invoice_id order by events.seq desc
        ) as newest_rank
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind = 'terms_extended'
        and event_invoices.invoice_id is not null
),

final as (
    select
        ranked.seq,
        ranked.company_id,
        ranked.invoice_id,
        ranked.new_due_on,
        ranked.extended_on,
        ranked.recorded_by
    from ranked
    where ranked.newest_rank = 1
)

select * from final

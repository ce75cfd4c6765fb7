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
        {{ payload_text("events.payload", "entry_key") }} as entry_key,
        event_invoices.invoice_id,
        case when events.kind = 'match_confirmed' then 'confirmed' else 'rejected' end as answer,
        {{ payload_amount("events.payload", "amount") }} as amount,
        events.effective_on as answered_on,
        events.recorded_by,
        row_number() over (
            partition by events.company_id, {{ payload_text("events.payload", "entry_key") }}, event_invoices.invoice_id
            order by events.seq desc
        ) as newest_rank
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind in ('match_confirmed', 'match_rejected')
        and event_invoices.invoice_id is not null
),

final as (
    select
        ranked.seq,
        ranked.company_id,
        ranked.entry_key,
        ranked.invoice_id,
        ranked.answer,
        ranked.amount,
        ranked.answered_on,
        ranked.recorded_by
    from ranked
    where ranked.newest_rank = 1
)

select * from final

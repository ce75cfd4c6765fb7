with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

-- Told to a person, or written into a buyer's answer to the invoice (Peppol).
stated as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        {{ payload_date("events.payload", "expected_on") }} as expected_on,
        events.effective_on as stated_on,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind in ('payment_expected', 'invoice_response')
        and event_invoices.invoice_id is not null
),

ranked as (
    select
        stated.*,
        row_number() over (
            partition by stated.company_id, stated.invoice_id order by stated.stated_on desc, stated.seq desc
        ) as newest_rank
    from stated
    where stated.expected_on is not null
),

final as (
    select
        ranked.seq,
        ranked.company_id,
        ranked.invoice_id,
        ranked.expected_on,
        ranked.stated_on,
        ranked.recorded_by
    from ranked
    where ranked.newest_rank = 1
)

select * from final

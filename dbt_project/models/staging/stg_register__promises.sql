with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

withdrawn as (
    select
        made.seq,
        made.invoice_id,
        min(withdrawal.effective_on) as withdrawn_on
    from event_invoices as made
    inner join event_invoices as withdrawal
        on
            made.company_id = withdrawal.company_id
            and made.invoice_id = withdrawal.invoice_id
            and made.seq < withdrawal.seq
    where made.kind = 'promise_made' and withdrawal.kind = 'promise_withdrawn'
    group by made.seq, made.invoice_id
),

final as (
    select distinct
        events.seq,
        events.event_id as promise_id,
        events.company_id,
        event_invoices.invoice_id,
        {{ payload_date("events.payload", "promised_on") }} as promised_on,
        {{ payload_amount("events.payload", "amount") }} as amount,
        events.effective_on as made_on,
        withdrawn.withdrawn_on,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    left join withdrawn
        on
            event_invoices.seq = withdrawn.seq
            and event_invoices.invoice_id = withdrawn.invoice_id
    where events.kind = 'promise_made' and event_invoices.invoice_id is not null
)

select * from final

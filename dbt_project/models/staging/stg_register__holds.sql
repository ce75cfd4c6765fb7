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
        case
            when event_invoices.seq is null then {{ payload_text("events.payload", "customer") }}
        end as customer_id,
        event_invoices.invoice_id,
        {{ payload_text("events.payload", "reason") }} as reason,
        {{ payload_date("events.payload", "until") }} as until_on,
        events.effective_on,
        events.recorded_by
    from events
    left join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind in ('hold_placed', 'hold_lifted')
        and (event_invoices.seq is null or event_invoices.invoice_id is not null)
),

lifted as (
    select
        placed.seq,
        min(lifting.seq) as lifting_seq
    from targets as placed
    inner join targets as lifting
        on
            placed.company_id = lifting.company_id
            and placed.seq < lifting.seq
            and placed.customer_id is not distinct from lifting.customer_id
            and placed.invoice_id is not distinct from lifting.invoice_id
    where placed.kind = 'hold_placed' and lifting.kind = 'hold_lifted'
    group by placed.seq
),

final as (
    select
        placed.seq,
        placed.company_id,
        placed.customer_id,
        placed.invoice_id,
        placed.effective_on as placed_on,
        placed.until_on,
        lifting.effective_on as lifted_on,
        placed.reason,
        placed.recorded_by
    from targets as placed
    left join lifted
        on placed.seq = lifted.seq
    left join targets as lifting
        on lifted.lifting_seq = lifting.seq
    where placed.kind = 'hold_placed'
)

select * from final

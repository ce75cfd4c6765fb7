with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

-- Of several on one day the last one counts. A waiver claims nothing from its day on.
stated as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        coalesce({{ payload_amount("events.payload", "interest_amount") }}, 0) as interest_amount,
        coalesce({{ payload_amount("events.payload", "costs_amount") }}, 0) as costs_amount,
        events.effective_on as claimed_on,
        row_number() over (
            partition by events.company_id, event_invoices.invoice_id, events.effective_on order by events.seq desc
        ) as newest_rank
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind in ('charges_claimed', 'charges_waived')
        and event_invoices.invoice_id is not null
),

final as (
    select
        stated.seq,
        stated.company_id,
        stated.invoice_id,
        cast(stated.interest_amount as decimal(18, 2)) as interest_amount,
        cast(stated.costs_amount as decimal(18, 2)) as costs_amount,
        stated.claimed_on,
        lead(stated.claimed_on) over (
            partition by stated.company_id, stated.invoice_id order by stated.claimed_on
        ) as next_claimed_on
    from stated
    where stated.newest_rank = 1
)

select * from final

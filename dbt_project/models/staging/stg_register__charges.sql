with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

claimed_in_messages as (
    select * from {{ ref("stg_operations__claimed_charges") }}
),

-- A waiver claims nothing from its day on.
said as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        coalesce({{ payload_amount("events.payload", "interest_amount") }}, 0) as interest_amount,
        coalesce({{ payload_amount("events.payload", "costs_amount") }}, 0) as costs_amount,
        events.effective_on as claimed_on,
        case events.kind when 'charges_waived' then 'waiver' else 'person' end as claimed_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where
        events.kind in ('charges_claimed', 'charges_waived')
        and event_invoices.invoice_id is not null
    union all
    select
        claimed_in_messages.seq,
        claimed_in_messages.company_id,
        claimed_in_messages.invoice_id,
        claimed_in_messages.interest_amount,
        claimed_in_messages.costs_amount,
        claimed_in_messages.claimed_on,
        'message' as claimed_by
    from claimed_in_messages
),

-- Of several on one day the last one counts, and what a person said before what a message of that day claimed.
stated as (
    select
        said.*,
        row_number() over (
            partition by said.company_id, said.invoice_id, said.claimed_on
            order by case when said.claimed_by = 'message' then 1 else 0 end, said.seq desc
        ) as newest_rank
    from said
),

final as (
    select
        stated.seq,
        stated.company_id,
        stated.invoice_id,
        cast(stated.interest_amount as decimal(18, 2)) as interest_amount,
        cast(stated.costs_amount as decimal(18, 2)) as costs_amount,
        stated.claimed_on,
        stated.claimed_by,
        lead(stated.claimed_on) over (
            partition by stated.company_id, stated.invoice_id order by stated.claimed_on
        ) as next_claimed_on
    from stated
    where stated.newest_rank = 1
)

select * from final

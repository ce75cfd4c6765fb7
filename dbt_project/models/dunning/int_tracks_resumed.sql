-- One row per invoice whose track was interrupted and goes on: after an arrangement that broke or was cancelled, or
-- because money that had settled it went back. Breaking and reopening open a new cycle; cancelling does not.
with arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

arrangement_invoices as (
    select * from {{ ref("stg_register__arrangement_invoices") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

after_arrangements as (
    select
        arrangement_statuses.company_id,
        arrangement_invoices.invoice_id,
        coalesce(arrangement_statuses.broken_on, arrangement_statuses.cancelled_on) as resumed_on,
        arrangement_statuses.status = 'broken' as opens_cycle
    from arrangement_statuses
    inner join arrangement_invoices
        on
            arrangement_statuses.company_id = arrangement_invoices.company_id
            and arrangement_statuses.arrangement_id = arrangement_invoices.arrangement_id
    where arrangement_statuses.status in ('broken', 'cancelled')
),

invoices_with_returns as (
    select distinct
        payment_allocations.company_id,
        payment_allocations.invoice_id
    from payment_allocations
    where payment_allocations.amount < 0 and payment_allocations.component = 'principal'
),

-- What was still owed after each movement, in the order of booking. Credit notes and write-offs count from the start.
movements as (
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        payment_allocations.booked_on,
        payment_allocations.amount,
        invoice_balances.total_amount
        - invoice_balances.credited_amount
        - invoice_balances.written_off_amount
        - sum(payment_allocations.amount) over (
            partition by payment_allocations.company_id, payment_allocations.invoice_id
            order by
                payment_allocations.booked_on asc, payment_allocations.amount desc, payment_allocations.entry_key asc
            rows between unbounded preceding and current row
        ) as open_after_amount
    from payment_allocations
    inner join invoices_with_returns
        on
            payment_allocations.company_id = invoices_with_returns.company_id
            and payment_allocations.invoice_id = invoices_with_returns.invoice_id
    inner join invoice_balances
        on
            payment_allocations.company_id = invoice_balances.company_id
            and payment_allocations.invoice_id = invoice_balances.invoice_id
    where payment_allocations.component = 'principal'
),

reopened as (
    select
        movements.company_id,
        movements.invoice_id,
        movements.booked_on as resumed_on,
        true as opens_cycle
    from movements
    where
        movements.amount < 0
        and movements.open_after_amount > 0
        and movements.open_after_amount + movements.amount <= 0
),

interruptions as (
    select * from after_arrangements
    union all
    select * from reopened
),

final as (
    select
        interruptions.company_id,
        interruptions.invoice_id,
        max(interruptions.resumed_on) as resumed_on,
        count(*) filter (where interruptions.opens_cycle) as cycles_opened
    from interruptions
    group by interruptions.company_id, interruptions.invoice_id
)

select * from final

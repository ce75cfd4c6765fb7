-- One row per invoice whose track was interrupted and goes on: after an arrangement that broke or was cancelled,
-- after a dispute, a complaint, a hold or a promise, because money that had settled it went back, or because an
-- agency gave it back. It goes on at the stage it had reached; policy says per kind of pause whether the days of the
-- next step count anew from its end. Breaking an arrangement and reopening open a new cycle; the others do not.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

complaints as (
    select * from {{ ref("stg_register__complaints") }}
),

holds as (
    select * from {{ ref("stg_register__holds") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
),

arrangement_statuses as (
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

handover_items as (
    select * from {{ ref("handover_items") }}
    where is_newest and returned_on is not null
),

after_arrangements as (
    select
        arrangement_statuses.company_id,
        arrangement_invoices.invoice_id,
        coalesce(arrangement_statuses.broken_on, arrangement_statuses.cancelled_on) as resumed_on,
        arrangement_statuses.status = 'broken' as opens_cycle,
        dunning_policy.resume_after_arrangement = 'anew' as counts_anew,
        case when arrangement_statuses.status = 'broken' then arrangement_statuses.next_due_on end
            as instalment_missed_on,
        cast(null as date) as promise_broken_on,
        arrangement_statuses.agreed_on as paused_on
    from arrangement_statuses
    cross join dunning_policy
    inner join arrangement_invoices
        on
            arrangement_statuses.company_id = arrangement_invoices.company_id
            and arrangement_statuses.arrangement_id = arrangement_invoices.arrangement_id
    where arrangement_statuses.status in ('broken', 'cancelled')
),

-- A dispute of part of the invoice paused nothing; the undisputed part went on.
after_disputes as (
    select
        disputes.company_id,
        disputes.invoice_id,
        disputes.closed_on as resumed_on,
        disputes.opened_on as paused_on
    from disputes
    inner join invoice_balances
        on
            disputes.company_id = invoice_balances.company_id
            and disputes.invoice_id = invoice_balances.invoice_id
    where
        disputes.closed_on is not null
        and disputes.line_number is null
        and coalesce(disputes.disputed_amount, invoice_balances.open_amount) >= invoice_balances.open_amount
    union all
    select
        invoice_balances.company_id,
        invoice_balances.invoice_id,
        complaints.closed_on,
        complaints.opened_on
    from complaints
    inner join invoice_balances
        on
            complaints.company_id = invoice_balances.company_id
            and complaints.customer_id = invoice_balances.customer_id
            and coalesce(complaints.invoice_id = invoice_balances.invoice_id, complaints.invoice_id is null)
    where complaints.closed_on is not null and invoice_balances.open_amount > 0
),

holds_ended as (
    select
        holds.company_id,
        holds.customer_id,
        holds.invoice_id,
        holds.placed_on,
        least(holds.lifted_on, holds.until_on + 1) as ended_on
    from holds
    cross join business_day
    where least(holds.lifted_on, holds.until_on + 1) <= business_day.as_of_date
),

after_holds as (
    select
        holds_ended.company_id,
        holds_ended.invoice_id,
        holds_ended.ended_on as resumed_on,
        holds_ended.placed_on as paused_on
    from holds_ended
    where holds_ended.invoice_id is not null
    union all
    select
        invoice_balances.company_id,
        invoice_balances.invoice_id,
        holds_ended.ended_on,
        holds_ended.placed_on
    from holds_ended
    inner join invoice_balances
        on
            holds_ended.company_id = invoice_balances.company_id
            and holds_ended.customer_id = invoice_balances.customer_id
    where holds_ended.invoice_id is null and invoice_balances.open_amount > 0
),

after_promises as (
    select
        promises.company_id,
        promises.invoice_id,
        promise_statuses.judged_on as resumed_on,
        promises.made_on as paused_on,
        promise_statuses.status <> 'withdrawn' as is_broken
    from promise_statuses
    inner join promises
        on
            promise_statuses.company_id = promises.company_id
            and promise_statuses.promise_id = promises.promise_id
    where promise_statuses.status in ('broken', 'partly_kept', 'withdrawn')
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
        true as opens_cycle,
        true as counts_anew,
        cast(null as date) as instalment_missed_on,
        cast(null as date) as promise_broken_on,
        movements.booked_on as paused_on
    from movements
    where
        movements.amount < 0
        and movements.open_after_amount > 0
        and movements.open_after_amount + movements.amount <= 0
),

given_back as (
    select
        handover_items.company_id,
        handover_items.invoice_id,
        handover_items.returned_on as resumed_on,
        false as opens_cycle,
        true as counts_anew,
        cast(null as date) as instalment_missed_on,
        cast(null as date) as promise_broken_on,
        handover_items.handed_over_on as paused_on
    from handover_items
),

interruptions as (
    select * from after_arrangements
    union all
    select * from reopened
    union all
    select
        after_disputes.company_id,
        after_disputes.invoice_id,
        after_disputes.resumed_on,
        false as opens_cycle,
        dunning_policy.resume_after_dispute = 'anew' as counts_anew,
        cast(null as date) as instalment_missed_on,
        cast(null as date) as promise_broken_on,
        after_disputes.paused_on
    from after_disputes
    cross join dunning_policy
    union all
    select
        after_holds.company_id,
        after_holds.invoice_id,
        after_holds.resumed_on,
        false as opens_cycle,
        dunning_policy.resume_after_hold = 'anew' as counts_anew,
        cast(null as date) as instalment_missed_on,
        cast(null as date) as promise_broken_on,
        after_holds.paused_on
    from after_holds
    cross join dunning_policy
    union all
    select
        after_promises.company_id,
        after_promises.invoice_id,
        after_promises.resumed_on,
        false as opens_cycle,
        dunning_policy.resume_after_promise = 'anew' as counts_anew,
        cast(null as date) as instalment_missed_on,
        case when after_promises.is_broken then after_promises.resumed_on end as promise_broken_on,
        after_promises.paused_on
    from after_promises
    cross join dunning_policy
    union all
    select * from given_back
),

-- The pause that ended last, whether or not days count anew after it: while it lasted nobody was asked anything.
ranked as (
    select
        interruptions.*,
        row_number() over (
            partition by interruptions.company_id, interruptions.invoice_id
            order by interruptions.resumed_on desc, interruptions.paused_on asc
        ) as newest_rank
    from interruptions
),

final as (
    select
        ranked.company_id,
        ranked.invoice_id,
        max(case when ranked.counts_anew then ranked.resumed_on end) as resumed_on,
        max(ranked.promise_broken_on) as promise_broken_on,
        max(ranked.instalment_missed_on) as instalment_missed_on,
        max(case when ranked.newest_rank = 1 then ranked.paused_on end) as last_paused_on,
        max(ranked.resumed_on) as last_resumed_on,
        count(*) filter (where ranked.opens_cycle) as cycles_opened
    from ranked
    group by ranked.company_id, ranked.invoice_id
)

select * from final

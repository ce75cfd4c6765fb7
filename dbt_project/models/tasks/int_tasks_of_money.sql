-- Money on the bank that the ladder could not place: a person chooses, finds out, or pays back.
with unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

match_proposals as (
    select * from {{ ref("match_proposals") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

possible_payments as (
    select * from {{ ref("possible_payments") }}
),

entries_with_possible_payments as (
    select distinct possible_payments.entry_key
    from possible_payments
),

entries_with_proposals as (
    select
        match_proposals.entry_key,
        count(*) as proposal_count
    from match_proposals
    group by match_proposals.entry_key
),

-- A refund that nothing we owe explains, or that two things explain, is for a person; one prepayment sent back is not.
prepayments_sent_back as (
    select
        refunds.entry_key,
        count(*) over (partition by refunds.entry_key) as prepayment_count,
        count(*) over (partition by prepayments.entry_key) as refund_count
    from unapplied_payments as refunds
    inner join unapplied_payments as prepayments
        on
            refunds.company_id = prepayments.company_id
            and refunds.customer_id = prepayments.customer_id
            and refunds.currency = prepayments.currency
            and refunds.unapplied_amount + prepayments.unapplied_amount = 0
            and refunds.booked_on >= prepayments.booked_on
    where refunds.reason = 'refund' and prepayments.reason in ('prepayment', 'no_evidence')
),

refunds_explained as (
    select prepayments_sent_back.entry_key
    from prepayments_sent_back
    where prepayments_sent_back.prepayment_count = 1 and prepayments_sent_back.refund_count = 1
),

-- On the day the money went back the task is shown once more, as done.
refunds_paid as (
    select
        'refund' as task_kind,
        paid_too_much.company_id,
        paid_too_much.customer_id,
        cast(null as varchar) as invoice_id,
        paid_too_much.entry_key as opening_fact,
        paid_too_much.booked_on as opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        sent_back.booked_on as closed_on,
        paid_too_much.currency,
        -sent_back.amount as amount,
        paid_too_much.evidence as reason,
        cast(null as varchar) as policy_id
    from payment_allocations as paid_too_much
    inner join payment_allocations as sent_back
        on
            paid_too_much.company_id = sent_back.company_id
            and paid_too_much.invoice_id = sent_back.invoice_id
            and paid_too_much.allocated_on = sent_back.allocated_on
            and position(sent_back.entry_key in paid_too_much.evidence) > 0
    where
        paid_too_much.rule_id = 'overpayment_refunded'
        and sent_back.rule_id = 'refund_of_overpayment'
        and not paid_too_much.is_standing
),

raised as (
    select
        case
            when unapplied_payments.reason in ('overpaid', 'duplicate_payment', 'already_settled') then 'refund'
            when
                unapplied_payments.reason = 'ambiguous'
                or (entries_with_proposals.entry_key is not null and unapplied_payments.unapplied_amount > 0)
                or entries_with_possible_payments.entry_key is not null
                then 'ambiguous_payment'
            else 'unplaced_money'
        end as task_kind,
        unapplied_payments.company_id,
        unapplied_payments.customer_id,
        cast(null as varchar) as invoice_id,
        unapplied_payments.entry_key as opening_fact,
        unapplied_payments.booked_on as opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        unapplied_payments.currency,
        unapplied_payments.unapplied_amount as amount,
        case
            when unapplied_payments.reason in ('overpaid', 'duplicate_payment', 'already_settled')
                then
                    unapplied_payments.explanation || ' Bank entry ' || unapplied_payments.entry_key || ' of '
                    || unapplied_payments.booked_on || '.'
            else unapplied_payments.explanation
        end as reason,
        cast(null as varchar) as policy_id
    from unapplied_payments
    left join entries_with_proposals
        on unapplied_payments.entry_key = entries_with_proposals.entry_key
    left join entries_with_possible_payments
        on unapplied_payments.entry_key = entries_with_possible_payments.entry_key
    left join refunds_explained
        on unapplied_payments.entry_key = refunds_explained.entry_key
    where
        unapplied_payments.reason <> 'not_a_receipt'
        -- A prepayment waits for its invoice, unless somebody else's may be meant.
        and (unapplied_payments.reason <> 'prepayment' or entries_with_possible_payments.entry_key is not null)
        and refunds_explained.entry_key is null
),

final as (
    select * from raised
    union all
    select * from refunds_paid
)

select * from final

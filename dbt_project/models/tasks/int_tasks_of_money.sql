-- Money on the bank that the ladder could not place: a person chooses, finds out, or pays back.
with unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

match_proposals as (
    select * from {{ ref("match_proposals") }}
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

final as (
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
        unapplied_payments.explanation as reason,
        cast(null as varchar) as policy_id
    from unapplied_payments
    left join entries_with_proposals
        on unapplied_payments.entry_key = entries_with_proposals.entry_key
    left join entries_with_possible_payments
        on unapplied_payments.entry_key = entries_with_possible_payments.entry_key
    where unapplied_payments.reason not in ('not_a_receipt', 'refund', 'prepayment')
)

select * from final

-- Allocations that are written anew each day: those that were looked at and stand, and those of today. All others are
-- the record itself (`int_standing_recorded`).
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

standing as (
    select * from {{ ref("int_standing_reviewed") }}
),

matches as (
    select * from {{ ref("int_matches_unioned") }}
),

scores as (
    select * from {{ ref("int_rules_scored") }}
),

unioned as (
    select
        standing.entry_key,
        standing.company_id,
        standing.current_customer_id as customer_id,
        standing.invoice_id,
        standing.component,
        standing.amount,
        standing.currency,
        standing.rung,
        standing.rule_id,
        scores.score,
        standing.evidence,
        standing.policy_id,
        standing.booked_on,
        standing.allocated_on,
        true as is_standing
    from standing
    left join scores
        on
            standing.rule_id = scores.rule_id
            and standing.policy_id = scores.policy_id
    where standing.undone_reason is null
    union all
    select
        matches.entry_key,
        matches.company_id,
        matches.customer_id,
        matches.invoice_id,
        matches.component,
        matches.amount,
        matches.currency,
        matches.rung,
        matches.rule_id,
        matches.score,
        matches.evidence,
        matches.policy_id,
        matches.booked_on,
        business_day.as_of_date as allocated_on,
        false as is_standing
    from matches
    cross join business_day
),

-- More of an entry placed on the same invoice later: one row, told by its newest proof, of the whole amount. Only an
-- entry that got something new can have two.
matched_entries as (
    select distinct matches.entry_key
    from matches
),

told as (
    select
        unioned.*,
        unioned.amount as whole_amount,
        1 as telling_rank
    from unioned
    left join matched_entries
        on unioned.entry_key = matched_entries.entry_key
    where matched_entries.entry_key is null
    union all
    select
        unioned.*,
        sum(unioned.amount) over (
            partition by unioned.entry_key, unioned.company_id, unioned.invoice_id, unioned.component
        ) as whole_amount,
        row_number() over (
            partition by unioned.entry_key, unioned.company_id, unioned.invoice_id, unioned.component
            order by unioned.is_standing, unioned.rung, unioned.rule_id
        ) as telling_rank
    from unioned
    inner join matched_entries
        on unioned.entry_key = matched_entries.entry_key
),

final as (
    select
        told.entry_key,
        told.company_id,
        business_day.as_of_date,
        told.customer_id,
        told.invoice_id,
        told.component,
        cast(told.whole_amount as decimal(18, 2)) as amount,
        told.currency,
        told.rung,
        told.rule_id,
        cast(told.score as bigint) as score,
        told.evidence,
        told.policy_id,
        told.booked_on,
        told.allocated_on,
        told.is_standing
    from told
    cross join business_day
    where told.telling_rank = 1
)

select * from final

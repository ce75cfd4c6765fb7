with matched as (
    select
        laddered.entry_key,
        laddered.company_id,
        laddered.customer_id,
        laddered.invoice_id,
        'principal' as component,
        laddered.rung,
        laddered.rule_id,
        laddered.amount,
        laddered.currency,
        laddered.score,
        laddered.evidence,
        laddered.policy_id,
        laddered.booked_on
    from {{ ref("int_matches_laddered") }} as laddered
    union all
    select
        returned.entry_key,
        returned.company_id,
        returned.customer_id,
        returned.invoice_id,
        returned.component,
        returned.rung,
        returned.rule_id,
        returned.amount,
        returned.currency,
        returned.score,
        returned.evidence,
        returned.policy_id,
        returned.booked_on
    from {{ ref("int_matches_returned") }} as returned
),

charged as (
    select * from {{ ref("int_matches_charged") }}
),

-- Of what a rung placed on an invoice, the part that pays interest or costs is no principal.
moved as (
    select
        charged.entry_key,
        charged.company_id,
        charged.invoice_id,
        charged.rule_id,
        sum(charged.amount) as amount
    from charged
    where charged.component = 'principal' and charged.amount < 0
    group by charged.entry_key, charged.company_id, charged.invoice_id, charged.rule_id
),

final as (
    select
        matched.entry_key,
        matched.company_id,
        matched.customer_id,
        matched.invoice_id,
        matched.component,
        matched.rung,
        matched.rule_id,
        cast(matched.amount + coalesce(moved.amount, 0) as decimal(18, 2)) as amount,
        matched.currency,
        matched.score,
        matched.evidence,
        matched.policy_id,
        matched.booked_on
    from matched
    left join moved
        on
            matched.entry_key = moved.entry_key
            and matched.company_id = moved.company_id
            and matched.invoice_id = moved.invoice_id
            and matched.rule_id = moved.rule_id
    where matched.amount + coalesce(moved.amount, 0) <> 0
    union all
    select
        charged.entry_key,
        charged.company_id,
        charged.customer_id,
        charged.invoice_id,
        charged.component,
        charged.rung,
        charged.rule_id,
        charged.amount,
        charged.currency,
        charged.score,
        charged.evidence,
        charged.policy_id,
        charged.booked_on
    from charged
    where charged.component <> 'principal' or charged.amount > 0
)

select * from final

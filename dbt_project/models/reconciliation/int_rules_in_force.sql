with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

reconciliation_rules as (
    select * from {{ ref("reconciliation_rules") }}
),

final as (
    select
        reconciliation_rules.rule_id,
        reconciliation_rules.policy_id,
        reconciliation_rules.rung,
        reconciliation_rules.score,
        reconciliation_rules.is_automatic,
        reconciliation_rules.teaches_account,
        reconciliation_rules.leans_on_account
    from reconciliation_rules
    cross join business_day
    where
        reconciliation_rules.valid_from <= business_day.as_of_date
        and coalesce(reconciliation_rules.valid_to, business_day.as_of_date) >= business_day.as_of_date
)

select * from final

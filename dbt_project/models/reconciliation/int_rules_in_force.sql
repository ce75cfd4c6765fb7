-- The rules of the day. One that has ended without a successor places nothing any more; what it placed stays what it
-- was: it taught whose an account is, leaned on it, and falls with it.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

reconciliation_rules as (
    select * from {{ ref("reconciliation_rules") }}
),

begun as (
    select
        reconciliation_rules.*,
        coalesce(reconciliation_rules.valid_to, business_day.as_of_date) >= business_day.as_of_date as is_in_force,
        row_number() over (
            partition by reconciliation_rules.rule_id order by reconciliation_rules.valid_from desc
        ) as newest_rank
    from reconciliation_rules
    cross join business_day
    where reconciliation_rules.valid_from <= business_day.as_of_date
),

final as (
    select
        begun.rule_id,
        begun.policy_id,
        begun.rung,
        begun.score,
        begun.is_automatic and begun.is_in_force as is_automatic,
        begun.teaches_account,
        begun.leans_on_account
    from begun
    where begun.newest_rank = 1
)

select * from final

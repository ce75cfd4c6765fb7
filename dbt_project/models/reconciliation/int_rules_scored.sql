-- A view of a seed: a few rows.
{{ config(materialized="view") }}

with rules as (
    select * from {{ ref("reconciliation_rules") }}
),

final as (
    select
        rules.rule_id,
        rules.policy_id,
        max(rules.score) as score
    from rules
    group by rules.rule_id, rules.policy_id
)

select * from final

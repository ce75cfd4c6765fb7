-- A view: what stands as it was recorded is not written again every day.
{{ config(materialized="view") }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

recorded as (
    select * from {{ ref("int_standing_recorded") }}
),

told as (
    select * from {{ ref("int_allocations_told") }}
),

scores as (
    select * from {{ ref("int_rules_scored") }}
),

final as (
    select
        recorded.entry_key,
        recorded.company_id,
        business_day.as_of_date,
        recorded.customer_id,
        recorded.invoice_id,
        recorded.component,
        recorded.amount,
        recorded.currency,
        recorded.rung,
        recorded.rule_id,
        cast(scores.score as bigint) as score,
        recorded.evidence,
        recorded.policy_id,
        recorded.booked_on,
        recorded.allocated_on,
        true as is_standing
    from recorded
    cross join business_day
    left join scores
        on
            recorded.rule_id = scores.rule_id
            and recorded.policy_id = scores.policy_id
    union all
    select
        told.entry_key,
        told.company_id,
        told.as_of_date,
        told.customer_id,
        told.invoice_id,
        told.component,
        told.amount,
        told.currency,
        told.rung,
        told.rule_id,
        told.score,
        told.evidence,
        told.policy_id,
        told.booked_on,
        told.allocated_on,
        told.is_standing
    from told
)

select * from final

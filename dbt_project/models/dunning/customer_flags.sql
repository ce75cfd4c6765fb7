with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

facts_flagged as (
    select * from {{ ref("int_customer_facts_flagged") }}
),

flag_rules as (
    select * from {{ ref("int_customer_flag_rules") }}
),

-- The threshold of the currency itself goes before that of any other.
ruled as (
    select
        facts_flagged.*,
        coalesce(own_rules.unit, other_rules.unit) as unit,
        coalesce(own_rules.threshold, other_rules.threshold) as threshold,
        coalesce(own_rules.minimum_customers, other_rules.minimum_customers) as minimum_customers,
        coalesce(own_rules.policy_id, other_rules.policy_id) as policy_id
    from facts_flagged
    left join flag_rules as own_rules
        on
            facts_flagged.flag = own_rules.flag
            and facts_flagged.currency = own_rules.currency
    left join flag_rules as other_rules
        on
            facts_flagged.flag = other_rules.flag
            and other_rules.currency = '*'
),

final as (
    select
        business_day.as_of_date,
        ruled.company_id,
        ruled.customer_id,
        ruled.flag,
        ruled.currency,
        ruled.unit,
        cast(ruled.figure as decimal(18, 2)) as figure,
        cast(ruled.threshold as decimal(18, 2)) as threshold,
        ruled.flag as reason_code,
        ruled.reason,
        ruled.policy_id
    from ruled
    cross join business_day
    where
        ruled.figure >= ruled.threshold
        and coalesce(ruled.debtor_count >= ruled.minimum_customers, true)
)

select * from final

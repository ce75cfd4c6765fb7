-- Customers whose credit somebody should look into: new ones of whom nothing is known, a limit that is exceeded, a risk
-- that became high. A review is asked at most once a quarter for one reason, and ends with the quarter, the reason, or
-- the outcome somebody recorded.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

quarter as (
    select
        cast(date_trunc('quarter', business_day.as_of_date) as date) as begins_on,
        {{ months_after("cast(date_trunc('quarter', business_day.as_of_date) as date)", 3) }} - 1 as ends_on
    from business_day
),

credit_risks as (
    select * from {{ ref("credit_risks") }}
),

credit_advice as (
    select * from {{ ref("credit_advice") }}
),

credit_limit_uses as (
    select * from {{ ref("credit_limit_uses") }}
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

policy as (
    select credit_policy.*
    from {{ ref("credit_policy") }} as credit_policy
    cross join business_day
    where {{ in_force("credit_policy") }}
),

-- Of little money nobody's credit is looked into; of a customer that has no invoice yet, always.
exposed as (
    select
        customer_balances.company_id,
        customer_balances.customer_id,
        count(*) filter (where customer_balances.open_amount >= policy.review_from_amount) as large_count
    from customer_balances
    cross join policy
    group by customer_balances.company_id, customer_balances.customer_id
),

newcomers as (
    select
        credit_advice.company_id,
        credit_advice.customer_id,
        'new_customer' as opening_fact,
        credit_advice.customer_since_on as since_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        'A new customer since ' || cast(credit_advice.customer_since_on as varchar)
        || ' without a risk class that counts: ' || credit_advice.reason as reason,
        credit_advice.policy_id
    from credit_advice
    left join exposed
        on
            credit_advice.company_id = exposed.company_id
            and credit_advice.customer_id = exposed.customer_id
    where
        credit_advice.risk_class = 'unknown'
        and (credit_advice.first_invoice_on is null or exposed.large_count > 0)
),

limits_exceeded as (
    select
        credit_limit_uses.company_id,
        credit_limit_uses.customer_id,
        'limit_exceeded/' || credit_limit_uses.currency as opening_fact,
        credit_limit_uses.exceeded_since_on as since_on,
        credit_limit_uses.currency,
        credit_limit_uses.used_amount as amount,
        credit_limit_uses.currency || ' ' || cast(credit_limit_uses.used_amount as varchar)
        || ' is open, and the credit limit is ' || cast(credit_limit_uses.limit_amount as varchar) as reason,
        credit_limit_uses.policy_id
    from credit_limit_uses
    cross join policy
    where credit_limit_uses.warning = 'exceeded' and credit_limit_uses.used_amount >= policy.review_from_amount
),

risks_high as (
    select
        credit_risks.company_id,
        credit_risks.customer_id,
        'risk_high/' || credit_risks.reason_code as opening_fact,
        credit_risks.since_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        'Decide whether to go on delivering. ' || credit_risks.reason as reason,
        credit_risks.policy_id
    from credit_risks
    inner join exposed
        on
            credit_risks.company_id = exposed.company_id
            and credit_risks.customer_id = exposed.customer_id
    where
        credit_risks.risk_class = 'high'
        and credit_risks.asks_review
        and credit_risks.reason_code <> 'limit_far_exceeded'
        and exposed.large_count > 0
),

gathered as (
    select * from newcomers
    union all
    select * from limits_exceeded
    union all
    select * from risks_high
),

final as (
    select
        'credit_review' as task_kind,
        gathered.company_id,
        gathered.customer_id,
        cast(null as varchar) as invoice_id,
        gathered.opening_fact || '/' || cast(quarter.begins_on as varchar) as opening_fact,
        greatest(gathered.since_on, quarter.begins_on) as opened_on,
        quarter.ends_on as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        gathered.policy_id
    from gathered
    cross join quarter
)

select * from final

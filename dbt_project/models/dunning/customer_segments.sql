with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

segment_rules as (
    select * from {{ ref("segment_rules") }}
),

rules as (
    select segment_rules.*
    from segment_rules
    cross join business_day
    where {{ in_force("segment_rules") }}
),

-- The longest window any rule asks for; today all rules use the same one.
window_start as (
    select
        {{ months_before("business_day.as_of_date", "max(rules.window_months)") }} as after_on,
        max(rules.policy_id) as policy_id
    from rules
    cross join business_day
    group by business_day.as_of_date
),

documents as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        invoice_balances.total_amount
    from invoice_balances
    cross join window_start
    where
        invoice_balances.issued_on > window_start.after_on
        and not invoice_balances.is_cancelled
),

-- Shares are taken in the one currency the company invoices most in: amounts of different currencies are never added.
currencies_ranked as (
    select
        documents.company_id,
        documents.currency,
        row_number() over (
            partition by documents.company_id order by count(*) desc, documents.currency asc
        ) as currency_rank
    from documents
    group by documents.company_id, documents.currency
),

turnovers as (
    select
        documents.company_id,
        documents.customer_id,
        documents.currency,
        sum(documents.total_amount) as turnover_amount
    from documents
    inner join currencies_ranked
        on
            documents.company_id = currencies_ranked.company_id
            and documents.currency = currencies_ranked.currency
            and currencies_ranked.currency_rank = 1
    group by documents.company_id, documents.customer_id, documents.currency
),

company_turnovers as (
    select
        turnovers.company_id,
        turnovers.currency,
        sum(turnovers.turnover_amount) as company_turnover_amount,
        count(*) as customer_count
    from turnovers
    where turnovers.turnover_amount > 0
    group by turnovers.company_id, turnovers.currency
),

matched as (
    select
        turnovers.company_id,
        turnovers.customer_id,
        rules.segment,
        row_number() over (partition by turnovers.company_id, turnovers.customer_id order by rules.rank) as rule_rank
    from turnovers
    inner join company_turnovers
        on turnovers.company_id = company_turnovers.company_id
    cross join rules
    where
        company_turnovers.customer_count >= rules.minimum_customers
        and turnovers.turnover_amount * 10000
        >= company_turnovers.company_turnover_amount * rules.minimum_share_basis_points
        and turnovers.turnover_amount * 100 * company_turnovers.customer_count
        >= company_turnovers.company_turnover_amount * rules.minimum_percent_of_average
),

final as (
    select
        business_day.as_of_date,
        customers.company_id,
        customers.customer_id,
        coalesce(matched.segment, 'standard') as segment,
        company_turnovers.currency,
        cast(coalesce(turnovers.turnover_amount, 0) as decimal(18, 2)) as turnover_amount,
        cast(coalesce(company_turnovers.company_turnover_amount, 0) as decimal(18, 2)) as company_turnover_amount,
        coalesce(company_turnovers.customer_count, 0) as customer_count,
        coalesce(
            {{ basis_points("greatest(turnovers.turnover_amount, 0)", "company_turnovers.company_turnover_amount") }}, 0
        ) as share_basis_points,
        window_start.policy_id
    from customers
    cross join business_day
    cross join window_start
    left join turnovers
        on
            customers.company_id = turnovers.company_id
            and customers.customer_id = turnovers.customer_id
    left join company_turnovers
        on customers.company_id = company_turnovers.company_id
    left join matched
        on
            customers.company_id = matched.company_id
            and customers.customer_id = matched.customer_id
            and matched.rule_rank = 1
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
    where credit_limit is not null
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

open_invoices as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

policy as (
    select * from {{ ref("int_credit_policy") }}
),

-- Billing gives the limit no currency. It is held against each currency by itself: amounts of two are never added.
used as (
    select
        customers.company_id,
        customers.customer_id,
        customer_balances.currency,
        customers.credit_limit,
        customer_balances.open_amount,
        customer_balances.unapplied_credit,
        greatest(customer_balances.open_amount - customer_balances.unapplied_credit, 0) as used_amount
    from customers
    inner join customer_balances
        on
            customers.company_id = customer_balances.company_id
            and customers.customer_id = customer_balances.customer_id
    where customer_balances.open_amount > 0
),

-- The invoice that took what is open today over the limit: since when, as far as today's open invoices tell.
running as (
    select
        used.company_id,
        used.customer_id,
        used.currency,
        open_invoices.issued_on,
        sum(open_invoices.open_amount) over (
            partition by used.company_id, used.customer_id, used.currency
            order by open_invoices.issued_on, open_invoices.invoice_id
            rows between unbounded preceding and current row
        ) - used.unapplied_credit as running_amount,
        used.credit_limit
    from used
    inner join open_invoices
        on
            used.company_id = open_invoices.company_id
            and used.customer_id = open_invoices.customer_id
            and used.currency = open_invoices.currency
    where used.used_amount > used.credit_limit
),

exceeded as (
    select
        running.company_id,
        running.customer_id,
        running.currency,
        min(running.issued_on) as exceeded_since_on
    from running
    where running.running_amount > running.credit_limit
    group by running.company_id, running.customer_id, running.currency
),

final as (
    select
        business_day.as_of_date,
        used.company_id,
        used.customer_id,
        used.currency,
        cast(used.credit_limit as decimal(18, 2)) as limit_amount,
        cast(used.open_amount as decimal(18, 2)) as open_amount,
        cast(used.unapplied_credit as decimal(18, 2)) as unapplied_amount,
        cast(used.used_amount as decimal(18, 2)) as used_amount,
        -- A limit of nothing is used in full by the first cent.
        coalesce({{ basis_points("used.used_amount", "used.credit_limit") }}, 1000000) as limit_use_basis_points,
        case
            when used.used_amount > used.credit_limit then 'exceeded'
            when used.used_amount * 10000 >= used.credit_limit * policy.limit_near_basis_points then 'near'
            else 'within'
        end as warning,
        exceeded.exceeded_since_on,
        policy.policy_id
    from used
    cross join business_day
    cross join policy
    left join exceeded
        on
            used.company_id = exceeded.company_id
            and used.customer_id = exceeded.customer_id
            and used.currency = exceeded.currency
)

select * from final

-- One row per customer, flag and currency that could be raised: the figure it is judged by. A new flag is a further
-- part of the union and a row of thresholds.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

promises_broken as (
    select * from {{ ref("promise_statuses") }}
    where status in ('broken', 'partly_kept')
),

customers_reachable as (
    select * from {{ ref("int_customers_reachable") }}
),

flag_rules as (
    select * from {{ ref("int_customer_flag_rules") }}
),

shares as (
    select
        customer_balances.company_id,
        customer_balances.customer_id,
        customer_balances.currency,
        customer_balances.open_amount,
        {{ basis_points(
            "customer_balances.open_amount",
            "sum(customer_balances.open_amount) over (partition by customer_balances.company_id, customer_balances.currency)",
        ) }} as share_basis_points,
        count(*) over (partition by customer_balances.company_id, customer_balances.currency) as debtor_count
    from customer_balances
    where customer_balances.open_amount > 0
),

promises_counted as (
    select
        promises_broken.company_id,
        promises_broken.customer_id,
        count(*) as broken_count
    from promises_broken
    cross join business_day
    inner join flag_rules
        on flag_rules.flag = 'broken_promises' and flag_rules.currency = '*'
    where
        promises_broken.judged_on > {{ months_before("business_day.as_of_date", "flag_rules.window_months") }}
    group by promises_broken.company_id, promises_broken.customer_id
),

final as (
    select
        customer_balances.company_id,
        customer_balances.customer_id,
        'large_exposure' as flag,
        customer_balances.currency,
        customer_balances.open_amount as figure,
        cast(null as bigint) as debtor_count,
        customer_balances.currency || ' ' || cast(customer_balances.open_amount as varchar) || ' is open' as reason
    from customer_balances
    where customer_balances.open_amount > 0
    union all
    select
        shares.company_id,
        shares.customer_id,
        'receivables_share' as flag,
        shares.currency,
        cast(shares.share_basis_points as decimal(18, 2)) as figure,
        shares.debtor_count,
        {{ percent_text("shares.share_basis_points") }} || ' % of all that is open in ' || shares.currency as reason
    from shares
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'long_overdue' as flag,
        cast(null as varchar) as currency,
        cast(payer_profiles.longest_days_overdue as decimal(18, 2)) as figure,
        cast(null as bigint) as debtor_count,
        'An invoice is ' || cast(payer_profiles.longest_days_overdue as varchar) || ' days overdue' as reason
    from payer_profiles
    where payer_profiles.longest_days_overdue is not null
    union all
    select
        promises_counted.company_id,
        promises_counted.customer_id,
        'broken_promises' as flag,
        cast(null as varchar) as currency,
        cast(promises_counted.broken_count as decimal(18, 2)) as figure,
        cast(null as bigint) as debtor_count,
        cast(promises_counted.broken_count as varchar) || ' promises to pay were not kept' as reason
    from promises_counted
    union all
    select
        customers_reachable.company_id,
        customers_reachable.customer_id,
        'bounced_address' as flag,
        cast(null as varchar) as currency,
        cast(1 as decimal(18, 2)) as figure,
        cast(null as bigint) as debtor_count,
        'E-mail to the present address came back' as reason
    from customers_reachable
    where customers_reachable.is_email_bounced
    union all
    select
        customer_balances.company_id,
        customer_balances.customer_id,
        'in_dispute' as flag,
        customer_balances.currency,
        customer_balances.disputed_amount as figure,
        cast(null as bigint) as debtor_count,
        customer_balances.currency || ' ' || cast(customer_balances.disputed_amount as varchar) || ' is in dispute'
            as reason
    from customer_balances
    where customer_balances.disputed_amount > 0
    union all
    -- Whoever pays less early than before is still early.
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'payments_later' as flag,
        cast(null as varchar) as currency,
        cast(payer_profiles.trend_days as decimal(18, 2)) as figure,
        cast(null as bigint) as debtor_count,
        'Paid at a median of ' || cast(payer_profiles.recent_median_days_late as varchar)
        || ' days after the due date lately, of ' || cast(payer_profiles.earlier_median_days_late as varchar)
        || ' before' as reason
    from payer_profiles
    where payer_profiles.trend_days > 0 and payer_profiles.recent_median_days_late > 0
)

select * from final

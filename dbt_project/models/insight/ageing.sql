with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

final as (
    select
        business_day.as_of_date,
        open_items.company_id,
        open_items.currency,
        open_items.ageing_bucket,
        cast(min(open_items.days_overdue) as bigint) as least_days_overdue,
        count(*) as invoice_count,
        count(distinct open_items.customer_id) as customer_count,
        cast(sum(open_items.open_amount) as decimal(18, 2)) as open_amount,
        cast(sum(open_items.disputed_amount) as decimal(18, 2)) as disputed_amount
    from open_items
    cross join business_day
    group by business_day.as_of_date, open_items.company_id, open_items.currency, open_items.ageing_bucket
)

select * from final

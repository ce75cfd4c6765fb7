-- One row per calendar month that the key figures look at, the running one up to today, counted back from 1.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

policy as (
    select insight_policy.*
    from {{ ref("insight_policy") }} as insight_policy
    cross join business_day
    where {{ in_force("insight_policy") }}
),

days as (
    select
        cast(date_trunc('month', bank_days.date_day) as date) as month_on,
        bank_days.date_day
    from bank_days
    cross join business_day
    cross join policy
    where
        bank_days.date_day <= business_day.as_of_date
        and bank_days.date_day > {{ months_before("business_day.as_of_date", "policy.count_back_months + 1") }}
),

months as (
    select
        days.month_on,
        count(*) as day_count,
        row_number() over (order by days.month_on desc) as month_no
    from days
    group by days.month_on
),

final as (
    select
        months.month_on,
        months.day_count,
        months.month_no,
        months.month_no <= policy.sales_months as is_sales_month,
        policy.policy_id
    from months
    cross join policy
    where months.month_no <= policy.count_back_months
)

select * from final

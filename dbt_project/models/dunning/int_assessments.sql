-- One row per month end at which segments are assessed, the newest first: months that are over, never the running one,
-- so that a segment is the same on every day of a month.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

policy as (
    select * from {{ ref("int_segment_policy") }}
),

month_ends as (
    select
        bank_days.date_day as assessed_on,
        row_number() over (order by bank_days.date_day desc) as assessment_no
    from bank_days
    cross join business_day
    where
        bank_days.date_day < business_day.as_of_date
        and extract(day from bank_days.date_day + 1) = 1
),

final as (
    select
        month_ends.assessment_no,
        month_ends.assessed_on,
        {{ months_before("month_ends.assessed_on + 1", "policy.window_months") }} as window_from_on,
        {{ months_before("month_ends.assessed_on + 1", "policy.minimum_months") }} as known_from_on,
        policy.policy_id
    from month_ends
    cross join policy
    where month_ends.assessment_no <= policy.remembered_months
)

select * from final

with target_holidays as (
    select * from {{ ref("target_holidays") }}
),

days as (
    {{ date_rows("date '2009-01-01'", "date '2040-12-31'") }}
),

marked as (
    select
        days.date_day,
        target_holidays.holiday_on is null and {{ iso_weekday("days.date_day") }} <= 5 as is_bank_day
    from days
    left join target_holidays
        on days.date_day = target_holidays.holiday_on
),

final as (
    select
        marked.date_day,
        marked.is_bank_day,
        -- On a closed day the number is that of the last bank day before it, so "+ n bank days" is an equality join.
        count(*) filter (where marked.is_bank_day) over (order by marked.date_day) as bank_day_no
    from marked
)

select * from final

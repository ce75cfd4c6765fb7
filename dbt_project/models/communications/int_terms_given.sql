-- One row per kind of message that is no stage of a track: the last day of the term it gives for what has fallen due.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

today_in_bank_days as (
    select bank_days.bank_day_no
    from bank_days
    inner join business_day
        on bank_days.date_day = business_day.as_of_date
),

final as (
    select
        message_policy.message_kind,
        bank_days.date_day as pay_by_on
    from message_policy
    cross join today_in_bank_days
    left join bank_days
        on
            today_in_bank_days.bank_day_no + message_policy.pay_by_bank_days = bank_days.bank_day_no
            and bank_days.is_bank_day
)

select * from final

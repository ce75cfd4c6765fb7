-- One row per day and number of bank days that a step or the grace asks for: the day they lead to. From a closed day
-- the count begins at the bank day before it; no days at all, or days back, at the one after it.
with dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

offsets as (
    select steps.offset_days
    from steps
    where steps.day_kind = 'bank'
    union
    select dunning_policy.grace_days as offset_days
    from dunning_policy
    where dunning_policy.grace_day_kind = 'bank'
),

targeted as (
    select
        bank_days.date_day,
        offsets.offset_days,
        bank_days.bank_day_no
        + offsets.offset_days
        + case when not bank_days.is_bank_day and offsets.offset_days <= 0 then 1 else 0 end as target_no
    from bank_days
    cross join offsets
),

final as (
    select
        targeted.date_day,
        targeted.offset_days,
        target.date_day as counted_on
    from targeted
    inner join bank_days as target
        on
            targeted.target_no = target.bank_day_no
            and target.is_bank_day
)

select * from final

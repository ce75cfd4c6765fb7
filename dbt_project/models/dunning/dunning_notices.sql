with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

notices as (
    select * from {{ ref("int_notices_weighed") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

today_in_bank_days as (
    select bank_days.bank_day_no
    from bank_days
    inner join business_day
        on bank_days.date_day = business_day.as_of_date
),

planned as (
    select notices.*
    from notices
    where notices.is_sendable
),

final as (
    select
        business_day.as_of_date,
        planned.company_id,
        planned.customer_id,
        planned.currency,
        planned.scenario_id,
        cast(planned.stage_no as bigint) as stage_no,
        planned.cycle,
        steps.message_kind,
        steps.class,
        steps.tone,
        planned.channel,
        steps.requires_release,
        planned.stage_amount,
        planned.items_amount,
        cast(least(planned.unapplied_credit, planned.items_amount) as decimal(18, 2)) as credit_amount,
        cast(
            planned.items_amount - least(planned.unapplied_credit, planned.items_amount) as decimal(18, 2)
        ) as total_amount,
        planned.oldest_due_on,
        case when planned.is_pre_due then planned.oldest_due_on else pay_by.date_day end as pay_by_on,
        steps.next_message_kind,
        case
            when steps.next_message_kind is null then null
            when steps.next_message_after_days is null then planned.oldest_due_on + dunning_policy.grace_days + 1
            else business_day.as_of_date + steps.next_message_after_days
        end as next_step_on,
        planned.policy_id || '/' || steps.policy_id as policy_id
    from planned
    cross join business_day
    cross join dunning_policy
    cross join today_in_bank_days
    inner join steps
        on
            planned.scenario_id = steps.scenario_id
            and planned.stage_no = steps.stage_no
    left join bank_days as pay_by
        on
            today_in_bank_days.bank_day_no + steps.pay_by_bank_days = pay_by.bank_day_no
            and pay_by.is_bank_day
)

select * from final

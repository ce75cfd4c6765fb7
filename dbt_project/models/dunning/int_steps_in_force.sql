-- The steps of every scenario as they count today, each with the message that would come after it. A task in between
-- adds its own days: the customer is told the earliest day of the next message, not of the task.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

scenario_steps as (
    select * from {{ ref("scenario_steps") }}
),

-- Five bank days are a week at least: what is told to a customer is the earliest day.
in_force as (
    select
        scenario_steps.*,
        case
            when scenario_steps.day_kind = 'bank' and scenario_steps.offset_days > 0
                then cast(
                    scenario_steps.offset_days + 2 * {{ whole_days("scenario_steps.offset_days", 5) }} as integer
                )
            else scenario_steps.offset_days
        end as calendar_days
    from scenario_steps
    cross join business_day
    where {{ in_force("scenario_steps") }}
),

looked_ahead as (
    select
        in_force.*,
        lead(in_force.step_kind) over step_order as next_step_kind,
        lead(in_force.message_kind) over step_order as next_kind,
        lead(in_force.base) over step_order as next_base,
        lead(in_force.calendar_days) over step_order as next_offset_days,
        lead(in_force.message_kind, 2) over step_order as second_next_kind,
        lead(in_force.calendar_days, 2) over step_order as second_next_offset_days,
        cast(
            sum(case when in_force.stage_no > 0 then in_force.calendar_days else 0 end) over (
                partition by in_force.scenario_id
                order by in_force.stage_no rows between unbounded preceding and current row
            ) as integer
        ) as days_from_first_day,
        max(case when in_force.step_kind = 'message' and in_force.stage_no > 0 then in_force.stage_no end) over (
            partition by in_force.scenario_id
            order by in_force.stage_no rows between unbounded preceding and 1 preceding
        ) as lower_message_stage_no
    from in_force
    window step_order as (partition by in_force.scenario_id order by in_force.stage_no)
),

final as (
    select
        looked_ahead.policy_id,
        looked_ahead.scenario_id,
        looked_ahead.stage_no,
        looked_ahead.step_kind,
        looked_ahead.message_kind,
        looked_ahead.class,
        looked_ahead.tone,
        looked_ahead.base,
        looked_ahead.offset_days,
        looked_ahead.day_kind,
        looked_ahead.expires_after_days,
        looked_ahead.channels,
        looked_ahead.requires_release,
        looked_ahead.pay_by_bank_days,
        looked_ahead.minimum_share_basis_points,
        looked_ahead.claims_interest,
        looked_ahead.claims_costs,
        looked_ahead.task_kind,
        looked_ahead.owner_role,
        looked_ahead.days_from_first_day,
        looked_ahead.lower_message_stage_no,
        case when looked_ahead.next_base <> 'due_date' then looked_ahead.next_offset_days end as next_step_after_days,
        case
            when looked_ahead.next_step_kind = 'task' then looked_ahead.second_next_kind
            else looked_ahead.next_kind
        end as next_message_kind,
        case
            when looked_ahead.next_step_kind = 'task' and looked_ahead.stage_no > 0
                then looked_ahead.next_offset_days + looked_ahead.second_next_offset_days
            when looked_ahead.next_step_kind = 'message' and looked_ahead.next_base <> 'due_date'
                then looked_ahead.next_offset_days
        end as next_message_after_days
    from looked_ahead
)

select * from final

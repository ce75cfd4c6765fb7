-- Outcomes that asked to be followed up: one task per outcome, from the day that was named.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

tasks_raised as (
    select * from {{ ref("int_tasks_raised") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

-- An answered call is no task any more; its invoice still tells whose it was.
calls_answered as (
    select
        {{ task_id(
            "'call'", "decisions.company_id", "decisions.customer_id", "decisions.invoice_id",
            "concat_ws('/', cast(decisions.previous_stage_no as varchar), cast(decisions.cycle as varchar))"
        ) }} as task_id,
        decisions.customer_id,
        decisions.invoice_id,
        decisions.currency,
        decisions.open_amount
    from decisions
    where decisions.previous_stage_no > 0
),

newest_outcomes as (
    select
        task_outcomes.*,
        row_number() over (partition by task_outcomes.task_id order by task_outcomes.seq desc) as newest_rank
    from task_outcomes
),

final as (
    select
        {{ task_id(
            "'follow_up'", "newest_outcomes.company_id",
            "coalesce(tasks_raised.customer_id, calls_answered.customer_id)",
            "coalesce(tasks_raised.invoice_id, calls_answered.invoice_id)",
            "newest_outcomes.task_id || '/' || cast(newest_outcomes.follow_up_on as varchar)"
        ) }} as task_id,
        'follow_up' as task_kind,
        newest_outcomes.company_id,
        coalesce(tasks_raised.customer_id, calls_answered.customer_id) as customer_id,
        coalesce(tasks_raised.invoice_id, calls_answered.invoice_id) as invoice_id,
        newest_outcomes.task_id || '/' || cast(newest_outcomes.follow_up_on as varchar) as opening_fact,
        newest_outcomes.follow_up_on as opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        coalesce(tasks_raised.currency, calls_answered.currency) as currency,
        coalesce(tasks_raised.amount, calls_answered.open_amount) as amount,
        'To be followed up: ' || coalesce(newest_outcomes.note, newest_outcomes.outcome, 'no note') as reason,
        cast(null as varchar) as policy_id
    from newest_outcomes
    cross join business_day
    left join tasks_raised
        on newest_outcomes.task_id = tasks_raised.task_id
    left join calls_answered
        on newest_outcomes.task_id = calls_answered.task_id
    where
        newest_outcomes.newest_rank = 1
        and newest_outcomes.follow_up_on <= business_day.as_of_date
)

select * from final

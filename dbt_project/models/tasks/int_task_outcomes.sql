-- The newest outcome of each task, with what the task was about: as the outcome says itself, else as the task still
-- stands today, else as the call it closed.
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

outcome_rules as (
    select outcome_rules.*
    from {{ ref("outcome_rules") }} as outcome_rules
    cross join business_day
    where {{ in_force("outcome_rules") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

-- An answered call is no task any more; its invoice still tells whose it was.
calls_answered as (
    select
        {{ task_id(
            "'call'", "decisions.company_id", "decisions.customer_id", "decisions.invoice_id",
            "concat_ws('/', cast(decisions.previous_stage_no as varchar), cast(decisions.cycle as varchar))"
        ) }} as task_id,
        decisions.customer_id,
        decisions.invoice_id
    from decisions
    where decisions.previous_stage_no > 0
),

newest_outcomes as (
    select
        task_outcomes.*,
        row_number() over (partition by task_outcomes.task_id order by task_outcomes.seq desc) as newest_rank
    from task_outcomes
),

described as (
    select
        newest_outcomes.seq,
        newest_outcomes.company_id,
        newest_outcomes.task_id,
        newest_outcomes.outcome,
        newest_outcomes.note,
        newest_outcomes.follow_up_on,
        newest_outcomes.effective_on,
        newest_outcomes.recorded_by,
        coalesce(
            newest_outcomes.task_kind,
            tasks_raised.task_kind,
            case when calls_answered.task_id is not null then 'call' end
        ) as task_kind,
        coalesce(newest_outcomes.customer_id, tasks_raised.customer_id, calls_answered.customer_id) as customer_id,
        coalesce(newest_outcomes.invoice_id, tasks_raised.invoice_id, calls_answered.invoice_id) as invoice_id,
        tasks_raised.currency as raised_currency,
        tasks_raised.amount as raised_amount
    from newest_outcomes
    left join tasks_raised
        on newest_outcomes.task_id = tasks_raised.task_id
    left join calls_answered
        on newest_outcomes.task_id = calls_answered.task_id
    where newest_outcomes.newest_rank = 1
),

-- A rule for the kind itself comes before the one for every kind.
ruled as (
    select
        described.task_id,
        outcome_rules.raises_task_kind,
        outcome_rules.follow_up_bank_days,
        outcome_rules.policy_id,
        row_number() over (
            partition by described.task_id order by case when outcome_rules.task_kind = '*' then 1 else 0 end
        ) as rule_rank
    from described
    inner join outcome_rules
        on
            described.outcome = outcome_rules.outcome
            and outcome_rules.task_kind in (described.task_kind, '*')
),

final as (
    select
        described.seq,
        described.company_id,
        described.task_id,
        described.task_kind,
        described.customer_id,
        described.invoice_id,
        described.outcome,
        described.note,
        described.follow_up_on,
        described.effective_on,
        described.recorded_by,
        invoice_balances.invoice_number,
        coalesce(described.raised_currency, invoice_balances.currency) as currency,
        coalesce(described.raised_amount, invoice_balances.open_amount) as amount,
        invoice_balances.open_amount,
        ruled.raises_task_kind,
        ruled.follow_up_bank_days,
        ruled.policy_id
    from described
    left join ruled
        on
            described.task_id = ruled.task_id
            and ruled.rule_rank = 1
    left join invoice_balances
        on
            described.company_id = invoice_balances.company_id
            and described.invoice_id = invoice_balances.invoice_id
)

select * from final

-- One row per open invoice: the next step of its scenario, the first day that step may be taken, and whether that day
-- has come. By steps, an invoice first seen long overdue starts at stage 1 whatever its age; where policy says jump, it
-- goes to the message its age asks for.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

invoice_stages as (
    select * from {{ ref("int_invoice_stages") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

bank_days_counted as (
    select * from {{ ref("int_bank_days_counted") }}
),

calls_closed as (
    select * from {{ ref("int_calls_closed") }}
),

with_tasks as (
    select
        invoice_stages.company_id,
        invoice_stages.customer_id,
        invoice_stages.invoice_id,
        invoice_stages.currency,
        invoice_stages.open_amount,
        invoice_stages.claimable_amount,
        invoice_stages.issued_on,
        invoice_stages.due_on,
        invoice_stages.days_overdue,
        invoice_stages.segment,
        invoice_stages.payer_profile,
        invoice_stages.scenario_id,
        invoice_stages.scenario_reason,
        invoice_stages.choice_policy_id,
        invoice_stages.is_reached_proved,
        invoice_stages.last_acted_on,
        invoice_stages.promise_broken_on,
        invoice_stages.instalment_missed_on,
        invoice_stages.cycle,
        invoice_stages.resumed_on,
        coalesce(calls_closed.stage_no, invoice_stages.reached_stage_no) as reached_stage_no,
        coalesce(calls_closed.closed_on, invoice_stages.reached_on) as reached_on
    from invoice_stages
    left join calls_closed
        on
            invoice_stages.company_id = calls_closed.company_id
            and invoice_stages.invoice_id = calls_closed.invoice_id
),

-- The highest message whose day has come by the age of the invoice alone; tasks in between are passed over.
jumps as (
    select
        with_tasks.company_id,
        with_tasks.invoice_id,
        max(steps.stage_no) as stage_no,
        max(steps.days_from_first_day) as days_from_first_day
    from with_tasks
    cross join business_day
    inner join dunning_policy
        on dunning_policy.escalation = 'jump'
    inner join steps
        on
            with_tasks.scenario_id = steps.scenario_id
            and steps.stage_no > coalesce(with_tasks.reached_stage_no, 0) + 1
    where
        steps.step_kind = 'message'
        and greatest(with_tasks.due_on, with_tasks.resumed_on)
        + dunning_policy.grace_days + 1 + steps.days_from_first_day <= business_day.as_of_date
    group by with_tasks.company_id, with_tasks.invoice_id
),

wanting as (
    select
        with_tasks.*,
        jumps.days_from_first_day as jumped_days,
        case
            when with_tasks.reached_stage_no is null and with_tasks.days_overdue <= 0 then 0
            else coalesce(jumps.stage_no, coalesce(with_tasks.reached_stage_no, 0) + 1)
        end as wanted_stage_no
    from with_tasks
    left join jumps
        on
            with_tasks.company_id = jumps.company_id
            and with_tasks.invoice_id = jumps.invoice_id
),

{{ scheduled_steps("wanting") }},

weighed as (
    select
        scheduled.*,
        business_day.as_of_date > scheduled.grace_ends_on as is_past_grace
    from scheduled
    cross join business_day
),

final as (
    select
        weighed.*,
        case
            when
                weighed.step_stage_no = 0
                and business_day.as_of_date between weighed.step_on and weighed.step_on + weighed.expires_after_days
                then 'due'
            when weighed.days_overdue <= 0 then 'not_due'
            when not weighed.is_past_grace then 'grace'
            when weighed.step_stage_no is null then 'completed'
            when business_day.as_of_date < weighed.step_on then 'early'
            else 'due'
        end as step_state,
        -- A formal step needs proof that the step before it left.
        coalesce(weighed.class = 'formal' and not coalesce(weighed.is_reached_proved, true), false) as lacks_proof
    from weighed
    cross join business_day
)

select * from final

-- One row per open invoice: the next step of its scenario, the first day that step may be taken, and whether that day
-- has come. One step at a time: an invoice first seen long overdue starts at stage 1 whatever its age.
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

calls_closed as (
    select * from {{ ref("int_calls_closed") }}
),

with_calls as (
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

wanting as (
    select
        with_calls.*,
        case
            when with_calls.reached_stage_no is null and with_calls.days_overdue <= 0 then 0
            else coalesce(with_calls.reached_stage_no, 0) + 1
        end as wanted_stage_no
    from with_calls
),

scheduled as (
    select
        wanting.*,
        steps.stage_no as step_stage_no,
        steps.step_kind,
        steps.message_kind,
        steps.class,
        steps.expires_after_days,
        steps.next_step_after_days,
        steps.policy_id as step_policy_id,
        coalesce(steps.requires_release, false) as requires_release,
        case
            when steps.stage_no is null then null
            when steps.stage_no = 0 then wanting.due_on + steps.offset_days
            when steps.base = 'due_date'
                then
                    greatest(wanting.due_on, coalesce(wanting.resumed_on, wanting.due_on))
                    + dunning_policy.grace_days + 1 + steps.offset_days
            else
                greatest(
                    wanting.due_on + dunning_policy.grace_days + 1,
                    greatest(wanting.reached_on, coalesce(wanting.resumed_on, wanting.reached_on)) + steps.offset_days
                )
        end as step_on,
        wanting.days_overdue > dunning_policy.grace_days as is_past_grace,
        dunning_policy.policy_id
    from wanting
    cross join dunning_policy
    left join steps
        on
            wanting.scenario_id = steps.scenario_id
            and wanting.wanted_stage_no = steps.stage_no
),

final as (
    select
        scheduled.*,
        case
            when
                scheduled.step_stage_no = 0
                and business_day.as_of_date
                between scheduled.step_on and scheduled.step_on + scheduled.expires_after_days
                then 'due'
            when scheduled.days_overdue <= 0 then 'not_due'
            when not scheduled.is_past_grace then 'grace'
            when scheduled.step_stage_no is null then 'completed'
            when business_day.as_of_date < scheduled.step_on then 'early'
            else 'due'
        end as step_state,
        -- A formal step needs proof that the step before it left.
        coalesce(scheduled.class = 'formal' and not coalesce(scheduled.is_reached_proved, true), false) as lacks_proof
    from scheduled
    cross join business_day
)

select * from final

-- One row per open invoice whose next step is a call that has been closed: by a call, by an outcome of its task, or
-- because its time ran out, so that a call nobody made never stops the track.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_stages as (
    select * from {{ ref("int_invoice_stages") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

calls as (
    select * from {{ ref("stg_register__calls") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

calls_wanted as (
    select
        invoice_stages.company_id,
        invoice_stages.customer_id,
        invoice_stages.invoice_id,
        steps.stage_no,
        greatest(
            invoice_stages.reached_on, coalesce(invoice_stages.resumed_on, invoice_stages.reached_on)
        ) as counted_from_on,
        steps.offset_days,
        steps.expires_after_days,
        {{ task_id(
            "'call'", "invoice_stages.company_id", "invoice_stages.customer_id", "invoice_stages.invoice_id",
            "concat_ws('/', cast(steps.stage_no as varchar), cast(invoice_stages.cycle as varchar))"
        ) }} as task_id
    from invoice_stages
    inner join steps
        on
            invoice_stages.scenario_id = steps.scenario_id
            and invoice_stages.reached_stage_no + 1 = steps.stage_no
    where steps.task_kind = 'call'
),

scheduled as (
    select
        calls_wanted.*,
        calls_wanted.counted_from_on + calls_wanted.offset_days as step_on,
        calls_wanted.counted_from_on + calls_wanted.offset_days + calls_wanted.expires_after_days as expires_on
    from calls_wanted
),

closings as (
    select
        scheduled.company_id,
        scheduled.invoice_id,
        calls.made_on as closed_on
    from scheduled
    inner join calls
        on
            scheduled.company_id = calls.company_id
            and scheduled.invoice_id = calls.invoice_id
            and scheduled.counted_from_on <= calls.made_on
    union all
    select
        scheduled.company_id,
        scheduled.invoice_id,
        calls.made_on
    from scheduled
    inner join calls
        on
            scheduled.company_id = calls.company_id
            and scheduled.customer_id = calls.customer_id
            and calls.invoice_id is null
            and scheduled.counted_from_on <= calls.made_on
    union all
    select
        scheduled.company_id,
        scheduled.invoice_id,
        task_outcomes.effective_on
    from scheduled
    inner join task_outcomes
        on scheduled.task_id = task_outcomes.task_id
    union all
    select
        scheduled.company_id,
        scheduled.invoice_id,
        scheduled.expires_on
    from scheduled
    cross join business_day
    where scheduled.expires_on <= business_day.as_of_date
),

first_closings as (
    select
        closings.company_id,
        closings.invoice_id,
        min(closings.closed_on) as closed_on
    from closings
    group by closings.company_id, closings.invoice_id
),

final as (
    select
        scheduled.company_id,
        scheduled.invoice_id,
        scheduled.stage_no,
        -- A call made early still leaves the customer the days until the step was due.
        greatest(first_closings.closed_on, scheduled.step_on) as closed_on
    from scheduled
    inner join first_closings
        on
            scheduled.company_id = first_closings.company_id
            and scheduled.invoice_id = first_closings.invoice_id
    cross join business_day
    where greatest(first_closings.closed_on, scheduled.step_on) <= business_day.as_of_date
)

select * from final

-- One row per open invoice whose next step is a task of a person that has been closed: by a call, by an outcome of the
-- task, by the customer's own answer, or because its time ran out, so that a task nobody did never stops the track.
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

tracks_resumed as (
    select * from {{ ref("int_tracks_resumed") }}
),

exemptions as (
    select * from {{ ref("int_exemptions") }}
),

calls as (
    select * from {{ ref("stg_register__calls") }}
),

contacts as (
    select * from {{ ref("stg_register__contacts") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

tasks_wanted as (
    select
        invoice_stages.*,
        coalesce(invoice_stages.reached_stage_no, 0) + 1 as wanted_stage_no,
        cast(null as integer) as jumped_days
    from invoice_stages
    inner join steps
        on
            invoice_stages.scenario_id = steps.scenario_id
            and coalesce(invoice_stages.reached_stage_no, 0) + 1 = steps.stage_no
    where steps.step_kind = 'task' and invoice_stages.days_overdue > 0
),

{{ scheduled_steps("tasks_wanted") }},

-- Answers count from the step before; where there is none, from the due date.
timed as (
    select
        scheduled.company_id,
        scheduled.customer_id,
        scheduled.invoice_id,
        scheduled.step_stage_no as stage_no,
        scheduled.task_kind,
        scheduled.last_paid_on,
        scheduled.step_on,
        coalesce(greatest(scheduled.reached_on, scheduled.resumed_on), scheduled.due_on) as counted_from_on,
        -- While the track was paused nobody was asked: a task that had not run out by then has its days from the end of
        -- the pause.
        case
            when
                scheduled.step_on < tracks_resumed.last_resumed_on
                and tracks_resumed.last_paused_on <= scheduled.step_on + scheduled.expires_after_days
                then tracks_resumed.last_resumed_on
            else scheduled.step_on
        end + scheduled.expires_after_days as expires_on,
        {{ task_id(
            "scheduled.task_kind", "scheduled.company_id", "scheduled.customer_id", "scheduled.invoice_id",
            "concat_ws('/', cast(scheduled.step_stage_no as varchar), cast(scheduled.cycle as varchar))"
        ) }} as task_id
    from scheduled
    left join tracks_resumed
        on
            scheduled.company_id = tracks_resumed.company_id
            and scheduled.invoice_id = tracks_resumed.invoice_id
),

exempt_since as (
    select
        exemptions.company_id,
        exemptions.invoice_id,
        min(exemptions.since_on) as since_on
    from exemptions
    group by exemptions.company_id, exemptions.invoice_id
),

-- No response is no payment, promise, dispute or contact since: whoever has answered need not be phoned.
answers as (
    select
        calls.company_id,
        calls.customer_id,
        calls.invoice_id,
        calls.made_on as answered_on
    from calls
    union all
    select
        contacts.company_id,
        contacts.customer_id,
        cast(null as varchar) as invoice_id,
        contacts.contacted_on
    from contacts
    union all
    select
        promises.company_id,
        cast(null as varchar) as customer_id,
        promises.invoice_id,
        promises.made_on
    from promises
    union all
    select
        disputes.company_id,
        cast(null as varchar) as customer_id,
        disputes.invoice_id,
        disputes.opened_on
    from disputes
),

closings as (
    select
        timed.company_id,
        timed.invoice_id,
        answers.answered_on as closed_on
    from timed
    inner join answers
        on
            timed.company_id = answers.company_id
            and timed.invoice_id = answers.invoice_id
            and timed.counted_from_on <= answers.answered_on
    where timed.task_kind = 'call'
    union all
    select
        timed.company_id,
        timed.invoice_id,
        answers.answered_on
    from timed
    inner join answers
        on
            timed.company_id = answers.company_id
            and timed.customer_id = answers.customer_id
            and answers.invoice_id is null
            and timed.counted_from_on <= answers.answered_on
    where timed.task_kind = 'call'
    union all
    select
        timed.company_id,
        timed.invoice_id,
        timed.last_paid_on
    from timed
    where timed.task_kind = 'call' and timed.counted_from_on < timed.last_paid_on
    union all
    select
        timed.company_id,
        timed.invoice_id,
        task_outcomes.effective_on
    from timed
    inner join task_outcomes
        on timed.task_id = task_outcomes.task_id
    union all
    select
        timed.company_id,
        timed.invoice_id,
        timed.expires_on
    from timed
    cross join business_day
    where timed.expires_on <= business_day.as_of_date
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
        timed.company_id,
        timed.invoice_id,
        timed.stage_no,
        -- A call made early still leaves the customer the days until the step was due.
        greatest(first_closings.closed_on, timed.step_on) as closed_on
    from timed
    inner join first_closings
        on
            timed.company_id = first_closings.company_id
            and timed.invoice_id = first_closings.invoice_id
    cross join business_day
    left join exempt_since
        on
            timed.company_id = exempt_since.company_id
            and timed.invoice_id = exempt_since.invoice_id
    where
        greatest(first_closings.closed_on, timed.step_on) <= business_day.as_of_date
        -- The track stands still while the invoice is exempt: nothing that began before is closed meanwhile.
        and coalesce(greatest(first_closings.closed_on, timed.step_on) < exempt_since.since_on, true)
)

select * from final

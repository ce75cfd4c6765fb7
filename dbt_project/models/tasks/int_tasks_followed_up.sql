-- What the outcome of a task asks for next: to come back to it, on the day that was named or after the bank days of the
-- policy, and the task it leads to, such as sending an invoice again that did not arrive.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

outcomes as (
    select * from {{ ref("int_task_outcomes") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

deliveries as (
    select * from {{ ref("stg_register__deliveries") }}
),

open_bank_days as (
    select
        bank_days.bank_day_no,
        bank_days.date_day
    from bank_days
    where bank_days.is_bank_day
),

dated as (
    select
        outcomes.*,
        coalesce(outcomes.follow_up_on, open_bank_days.date_day) as back_on
    from outcomes
    left join bank_days as outcome_days
        on outcomes.effective_on = outcome_days.date_day
    left join open_bank_days
        on outcome_days.bank_day_no + outcomes.follow_up_bank_days = open_bank_days.bank_day_no
),

follow_ups as (
    select
        'follow_up' as task_kind,
        dated.company_id,
        dated.customer_id,
        dated.invoice_id,
        dated.task_id || '/' || cast(dated.back_on as varchar) as opening_fact,
        dated.back_on as opened_on,
        cast(null as date) as closed_on,
        dated.currency,
        dated.amount,
        'To be followed up: '
        || coalesce(dated.note, replace(dated.outcome, '_', ' '), 'no note')
        || coalesce(' (' || replace(dated.task_kind, '_', ' ') || ', ' || dated.recorded_by || ')', '') as reason,
        dated.policy_id
    from dated
    cross join business_day
    where
        dated.back_on <= business_day.as_of_date
        -- What was asked about an invoice is no question any more once it is paid; a day that a person named stands.
        and (dated.follow_up_on is not null or dated.open_amount is null or dated.open_amount > 0)
),

first_deliveries as (
    select
        outcomes.task_id,
        min(deliveries.sent_on) as sent_on
    from outcomes
    inner join deliveries
        on
            outcomes.company_id = deliveries.company_id
            and outcomes.invoice_id = deliveries.invoice_id
            and outcomes.effective_on <= deliveries.sent_on
    group by outcomes.task_id
),

-- A credit note with its new invoice is followed by the chain of these documents, not here.
led_to as (
    select
        outcomes.raises_task_kind as task_kind,
        outcomes.company_id,
        outcomes.customer_id,
        outcomes.invoice_id,
        'outcome/' || outcomes.task_id as opening_fact,
        outcomes.effective_on as opened_on,
        case when outcomes.raises_task_kind = 'send_again' then first_deliveries.sent_on end as closed_on,
        outcomes.currency,
        outcomes.amount,
        case
            when outcomes.raises_task_kind = 'send_again'
                then
                    'The customer does not have invoice ' || coalesce(outcomes.invoice_number, '(which one?)')
                    || ' (' || outcomes.recorded_by || ', ' || cast(outcomes.effective_on as varchar) || ')'
            else
                'Asked for by ' || outcomes.recorded_by || ' on ' || cast(outcomes.effective_on as varchar) || ': '
                || replace(outcomes.outcome, '_', ' ')
        end || coalesce('. ' || outcomes.note, '') as reason,
        outcomes.policy_id
    from outcomes
    cross join business_day
    left join first_deliveries
        on outcomes.task_id = first_deliveries.task_id
    where
        outcomes.raises_task_kind <> 'credit_and_rebill'
        -- What was done is shown for a week.
        and (first_deliveries.sent_on is null or first_deliveries.sent_on + 7 >= business_day.as_of_date)
        and (outcomes.open_amount is null or outcomes.open_amount > 0)
),

gathered as (
    select * from follow_ups
    union all
    select * from led_to
),

final as (
    select
        {{ task_id(
            "gathered.task_kind", "gathered.company_id", "gathered.customer_id", "gathered.invoice_id",
            "gathered.opening_fact"
        ) }} as task_id,
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.opening_fact,
        gathered.opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        gathered.closed_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        gathered.policy_id,
        cast(null as varchar) as owner_role,
        false as is_cancelled
    from gathered
)

select * from final

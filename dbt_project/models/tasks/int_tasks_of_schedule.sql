-- The contact schedule before the due date: what is asked about an invoice, in what order, with days in between. A step
-- opens when the one before it is closed or has run out, and then has its own days. What the system can see for itself
-- is not asked, and after the due date no further step opens: from there on it is the dunning track that asks.
{% set most_steps = 6 %}
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

credit_risks as (
    select * from {{ ref("credit_risks") }}
),

orders as (
    select * from {{ ref("stg_billing__orders") }}
),

expected_payments as (
    select * from {{ ref("stg_register__expected_payments") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

deliveries as (
    select * from {{ ref("stg_register__deliveries") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

schedule as (
    select key_account_schedule.*
    from {{ ref("key_account_schedule") }} as key_account_schedule
    cross join business_day
    where {{ in_force("key_account_schedule") }}
),

scope as (
    select schedule_scope.*
    from {{ ref("schedule_scope") }} as schedule_scope
    cross join business_day
    where {{ in_force("schedule_scope") }}
),

invoices_in_scope as (
    select distinct
        decisions.company_id,
        decisions.invoice_id
    from decisions
    left join credit_risks
        on
            decisions.company_id = credit_risks.company_id
            and decisions.customer_id = credit_risks.customer_id
    inner join scope
        on
            (scope.scope_kind = 'segment' and decisions.segment = scope.scope_value)
            or (scope.scope_kind = 'risk_class' and credit_risks.risk_class = scope.scope_value)
            or (
                scope.scope_kind = 'amount'
                and decisions.currency = scope.currency
                and decisions.open_amount >= scope.minimum_amount
            )
),

customers_with_orders as (
    select distinct
        orders.company_id,
        orders.customer_id
    from orders
),

dates_stated as (
    select
        expected_payments.company_id,
        expected_payments.invoice_id,
        min(expected_payments.stated_on) as stated_on
    from expected_payments
    group by expected_payments.company_id, expected_payments.invoice_id
    union all
    select
        promises.company_id,
        promises.invoice_id,
        min(promises.made_on) as stated_on
    from promises
    group by promises.company_id, promises.invoice_id
),

first_dates_stated as (
    select
        dates_stated.company_id,
        dates_stated.invoice_id,
        min(dates_stated.stated_on) as stated_on
    from dates_stated
    group by dates_stated.company_id, dates_stated.invoice_id
),

newest_deliveries as (
    select
        deliveries.company_id,
        deliveries.invoice_id,
        max(deliveries.sent_on) as sent_again_on
    from deliveries
    group by deliveries.company_id, deliveries.invoice_id
),

known as (
    select
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        decisions.currency,
        decisions.open_amount,
        invoices.invoice_number,
        invoices.issued_on,
        decisions.due_on,
        invoices.delivery_status,
        newest_deliveries.sent_again_on,
        invoices.order_number,
        invoices.project_number,
        customers.required_references,
        invoices_in_scope.invoice_id is not null as is_in_scope,
        coalesce(invoices.delivery_status = 'failed', false) as is_delivery_failed,
        coalesce(invoices.delivery_status = 'received', false) as is_received,
        coalesce(customers.required_references, '') like '%order_number%'
        and (
            coalesce(invoices.order_number, '') = ''
            or (customers_with_orders.customer_id is not null and orders.order_number is null)
        ) as is_order_doubtful,
        coalesce(customers.required_references, '') like '%project_number%'
        and coalesce(invoices.project_number, '') = '' as is_project_missing,
        coalesce(customers.required_references, '') like '%project_number%'
        and orders.project_number <> ''
        and invoices.project_number <> ''
        and orders.project_number <> invoices.project_number as is_project_wrong,
        first_dates_stated.stated_on,
        -- What failed and was not sent again has nobody to ask about it yet.
        coalesce(invoices.delivery_status = 'failed', false) and newest_deliveries.sent_again_on is null
            as is_undelivered
    from decisions
    inner join invoices
        on
            decisions.company_id = invoices.company_id
            and decisions.invoice_id = invoices.invoice_id
    left join customers
        on
            decisions.company_id = customers.company_id
            and decisions.customer_id = customers.customer_id
    left join invoices_in_scope
        on
            decisions.company_id = invoices_in_scope.company_id
            and decisions.invoice_id = invoices_in_scope.invoice_id
    left join customers_with_orders
        on
            decisions.company_id = customers_with_orders.company_id
            and decisions.customer_id = customers_with_orders.customer_id
    left join orders
        on
            decisions.company_id = orders.company_id
            and decisions.customer_id = orders.customer_id
            and invoices.order_number = orders.order_number
    left join first_dates_stated
        on
            decisions.company_id = first_dates_stated.company_id
            and decisions.invoice_id = first_dates_stated.invoice_id
    left join newest_deliveries
        on
            decisions.company_id = newest_deliveries.company_id
            and decisions.invoice_id = newest_deliveries.invoice_id
),

-- Outside the scope only what has gone wrong is asked: an invoice that did not arrive, a reference that is missing.
steps as (
    select
        known.*,
        schedule.step_no,
        schedule.task_kind,
        schedule.gap_days,
        schedule.expires_after_days,
        schedule.policy_id,
        schedule.task_kind = 'receipt_check' and known.is_undelivered as is_too_early,
        -- An invoice that was sent again is asked after as if it were issued on that day.
        case
            when schedule.task_kind = 'receipt_check' and known.sent_again_on is not null
                then known.sent_again_on + schedule.offset_days
            when known.is_in_scope then known.issued_on + schedule.offset_days
            else known.issued_on
        end as scheduled_on,
        case schedule.task_kind
            when 'receipt_check' then case when known.is_received then known.issued_on end
            when 'conditions_check'
                then
                    case
                        when
                            not (
                                known.is_order_doubtful
                                or known.is_project_missing
                                or coalesce(known.is_project_wrong, false)
                            )
                            then known.issued_on
                    end
            when 'expected_payment_date' then known.stated_on
        end as seen_on,
        {{ task_id(
            "schedule.task_kind", "known.company_id", "known.customer_id", "known.invoice_id",
            "'schedule/' || cast(schedule.step_no as varchar)"
        ) }} as task_id
    from known
    cross join schedule
    where
        known.is_in_scope
        or (schedule.task_kind = 'receipt_check' and known.is_delivery_failed)
        or (
            schedule.task_kind = 'conditions_check'
            and (known.is_order_doubtful or known.is_project_missing or coalesce(known.is_project_wrong, false))
        )
),

-- An invoice that did not arrive is answered for on the day it went out again, not on the day we were told.
outcomes as (
    select
        task_outcomes.task_id,
        min(case when task_outcomes.outcome <> 'not_received' then task_outcomes.effective_on end) as answered_on,
        min(case when task_outcomes.outcome = 'not_received' then task_outcomes.effective_on end) as not_received_on
    from task_outcomes
    group by task_outcomes.task_id
),

answered as (
    select
        steps.*,
        least(
            outcomes.answered_on,
            case
                when steps.sent_again_on >= outcomes.not_received_on then steps.sent_again_on
            end,
            steps.seen_on
        ) as answered_on,
        steps.is_too_early
        or coalesce(
            outcomes.not_received_on is not null
            and outcomes.answered_on is null
            and coalesce(steps.sent_again_on < outcomes.not_received_on, true),
            false
        ) as is_without_end,
        row_number() over (partition by steps.company_id, steps.invoice_id order by steps.step_no) as position
    from steps
    left join outcomes
        on steps.task_id = outcomes.task_id
),

-- Step by step: when it opens follows from when the ones before it were over, and from that when it is over itself.
{% for position in range(1, most_steps + 1) -%}
    opened_{{ position }} as (
        select
            answered.*,
            {% if position == 1 -%}
                cast(null as date) as previous_over_on,
                answered.scheduled_on as opened_on
            {%- else -%}
                over_{{ position - 1 }}.all_over_on as previous_over_on,
                greatest(answered.scheduled_on, over_{{ position - 1 }}.all_over_on + answered.gap_days) as opened_on
            {%- endif %}
        from answered
        {% if position > 1 -%}
            inner join over_{{ position - 1 }}
                on
                    answered.company_id = over_{{ position - 1 }}.company_id
                    and answered.invoice_id = over_{{ position - 1 }}.invoice_id
        {%- endif %}
        where answered.position = {{ position }}
    ),

    over_{{ position }} as (
        select
            opened_{{ position }}.*,
            greatest(
                coalesce(opened_{{ position }}.previous_over_on, opened_{{ position }}.issued_on),
                case
                    when opened_{{ position }}.is_without_end then business_day.as_of_date + 1
                    else
                        least(
                            coalesce(
                                opened_{{ position }}.answered_on,
                                opened_{{ position }}.opened_on + opened_{{ position }}.expires_after_days + 1
                            ),
                            opened_{{ position }}.opened_on + opened_{{ position }}.expires_after_days + 1
                        )
                end
            ) as all_over_on
        from opened_{{ position }}
        cross join business_day
    ),

{% endfor -%}

ordered as (
    {% for position in range(1, most_steps + 1) -%}
        select * from over_{{ position }}
        {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        ordered.task_kind,
        ordered.company_id,
        ordered.customer_id,
        ordered.invoice_id,
        'schedule/' || cast(ordered.step_no as varchar) as opening_fact,
        ordered.opened_on,
        ordered.opened_on + ordered.expires_after_days as expires_on,
        ordered.is_too_early or ordered.opened_on > business_day.as_of_date as is_waiting,
        cast(null as date) as closed_on,
        ordered.currency,
        ordered.open_amount as amount,
        case
            when ordered.task_kind = 'receipt_check' and ordered.sent_again_on is not null
                then
                    'Invoice ' || ordered.invoice_number || ' was sent again on '
                    || cast(ordered.sent_again_on as varchar) || ': it is not known whether it arrived'
            when ordered.task_kind = 'receipt_check'
                then 'It is not known whether invoice ' || ordered.invoice_number || ' arrived'
            when
                ordered.task_kind = 'conditions_check'
                and ordered.is_order_doubtful
                and coalesce(ordered.order_number, '') = ''
                then 'Invoice ' || ordered.invoice_number || ' lacks the order number this customer asks for'
            when ordered.task_kind = 'conditions_check' and ordered.is_order_doubtful
                then
                    'Invoice ' || ordered.invoice_number || ' has order number ' || ordered.order_number
                    || ', which is none of this customer''s'
            when ordered.task_kind = 'conditions_check' and ordered.is_project_missing
                then 'Invoice ' || ordered.invoice_number || ' lacks the project number this customer asks for'
            when ordered.task_kind = 'conditions_check'
                then
                    'Invoice ' || ordered.invoice_number || ' has project number ' || ordered.project_number
                    || ', which is not the one of order ' || ordered.order_number
            when ordered.task_kind = 'lines_check'
                then
                    'The lines of invoice ' || ordered.invoice_number || ' have not been gone through with the customer'
            else 'No payment date is known for invoice ' || ordered.invoice_number
        end as reason,
        ordered.policy_id
    from ordered
    cross join business_day
    where
        ordered.seen_on is null
        and ordered.scheduled_on <= business_day.as_of_date
        -- What went wrong is asked whenever it is learnt; the rest of the schedule belongs before the due date.
        and (
            ordered.opened_on <= ordered.due_on
            or (ordered.task_kind = 'receipt_check' and ordered.is_delivery_failed)
            or ordered.task_kind = 'conditions_check'
        )
        -- What ran out a month ago is history.
        and ordered.opened_on + ordered.expires_after_days + 30 >= business_day.as_of_date
)

select * from final

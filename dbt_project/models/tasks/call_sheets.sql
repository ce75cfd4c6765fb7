with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

tasks as (
    select all_tasks.*
    from {{ ref("tasks") }} as all_tasks
    inner join {{ ref("stg_control__business_day") }} as today
        on all_tasks.as_of_date = today.as_of_date
),

facts as (
    select * from {{ ref("int_call_sheet_facts") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

kinds_called as (
    select call_sheet_kinds.*
    from {{ ref("call_sheet_kinds") }} as call_sheet_kinds
    cross join business_day
    where {{ in_force("call_sheet_kinds") }}
),

dunning_policy as (
    select dunning_policy.*
    from {{ ref("dunning_policy") }} as dunning_policy
    cross join business_day
    where {{ in_force("dunning_policy") }}
),

scenario_steps as (
    select scenario_steps.*
    from {{ ref("scenario_steps") }} as scenario_steps
    cross join business_day
    where {{ in_force("scenario_steps") }}
),

sections as (
    select
        facts.company_id,
        facts.customer_id,
        {% for section in [
            "items", "conditions", "payments", "problems", "promises", "disputes", "complaints", "arrangements",
            "correspondence", "tasks",
        ] -%}
            {{ json_array(
                "case when facts.section = '" ~ section ~ "' then facts.element end", "facts.position"
            ) }} as {{ section }},
        {% endfor -%}
        count(*) as fact_count
    from facts
    group by facts.company_id, facts.customer_id
),

-- What comes after this call when nothing is agreed: the step behind it, at the earliest on the day its interval ends.
steps_behind as (
    select
        decisions.company_id,
        decisions.invoice_id,
        coalesce(scenario_steps.message_kind, scenario_steps.task_kind) as next_kind,
        business_day.as_of_date + scenario_steps.offset_days as next_on
    from decisions
    cross join business_day
    inner join scenario_steps
        on
            decisions.scenario_id = scenario_steps.scenario_id
            and decisions.stage_no + 1 = scenario_steps.stage_no
    where decisions.action = 'task' and scenario_steps.base = 'previous_step'
),

next_bank_days as (
    select
        today_numbered.date_day as today_on,
        min(bank_days.date_day) as next_on
    from bank_days as today_numbered
    inner join bank_days
        on today_numbered.bank_day_no + 1 = bank_days.bank_day_no
    where bank_days.is_bank_day
    group by today_numbered.date_day
),

totals as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        count(*) filter (where invoice_balances.open_amount > 0) as item_count
    from invoice_balances
    group by invoice_balances.company_id, invoice_balances.customer_id
),

final as (
    select
        business_day.as_of_date,
        tasks.task_id,
        tasks.company_id,
        tasks.customer_id,
        tasks.invoice_id,
        tasks.task_kind,
        tasks.owner,
        tasks.due_on,
        tasks.reason,
        tasks.next_step,
        tasks.currency,
        tasks.amount,
        invoice_balances.invoice_number,
        coalesce(nullif(lower(trim(companies.language)), ''), 'en') as language,
        companies.name as company_name,
        companies.phone as company_phone,
        customers.name as customer_name,
        customers.phone as customer_phone,
        customers.email as customer_email,
        customers.department as customer_department,
        customers.country as customer_country,
        customers.account_manager,
        customers.collector,
        customers.payment_terms_days,
        cast(customers.credit_limit as decimal(18, 2)) as credit_limit,
        tasks.segment,
        tasks.risk_class,
        tasks.broken_promise_count,
        customers.created_on as customer_since_on,
        payer_profiles.payer_profile,
        payer_profiles.paid_invoice_count,
        payer_profiles.late_invoice_count,
        payer_profiles.average_days_late,
        payer_profiles.longest_days_late,
        totals.item_count,
        steps_behind.next_kind,
        steps_behind.next_on,
        next_bank_days.next_on as confirmation_on,
        cast(dunning_policy.promise_grace_days as bigint) as promise_grace_days,
        {% for section in [
            "items", "conditions", "payments", "problems", "promises", "disputes", "complaints", "arrangements",
            "correspondence", "tasks",
        ] -%}
            coalesce(sections.{{ section }}, '[]') as {{ section }},
        {% endfor -%}
        tasks.policy_id
    from tasks
    cross join business_day
    cross join dunning_policy
    inner join kinds_called
        on tasks.task_kind = kinds_called.task_kind
    left join next_bank_days
        on business_day.as_of_date = next_bank_days.today_on
    left join companies
        on tasks.company_id = companies.company_id
    left join customers
        on
            tasks.company_id = customers.company_id
            and tasks.customer_id = customers.customer_id
    left join payer_profiles
        on
            tasks.company_id = payer_profiles.company_id
            and tasks.customer_id = payer_profiles.customer_id
    left join totals
        on
            tasks.company_id = totals.company_id
            and tasks.customer_id = totals.customer_id
    left join sections
        on
            tasks.company_id = sections.company_id
            and tasks.customer_id = sections.customer_id
    left join invoice_balances
        on
            tasks.company_id = invoice_balances.company_id
            and tasks.invoice_id = invoice_balances.invoice_id
    left join steps_behind
        on
            tasks.company_id = steps_behind.company_id
            and tasks.invoice_id = steps_behind.invoice_id
    where tasks.status = 'open' and tasks.customer_id is not null
)

select * from final

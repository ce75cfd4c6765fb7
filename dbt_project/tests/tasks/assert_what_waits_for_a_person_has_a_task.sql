{{ config(meta={"dagster": {"ref": {"name": "tasks"}}}) }}

-- A row here is a decision that leaves an invoice to people while nobody has a task for it today.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join business_day
        on dunning_decisions.as_of_date = business_day.as_of_date
),

today_tasks as (
    select tasks.*
    from {{ ref("tasks") }} as tasks
    inner join business_day
        on tasks.as_of_date = business_day.as_of_date
)

select
    decisions.company_id,
    decisions.customer_id,
    decisions.invoice_id,
    decisions.action,
    decisions.reason_code
from decisions
left join today_tasks
    on
        decisions.company_id = today_tasks.company_id
        and decisions.customer_id = today_tasks.customer_id
        and (today_tasks.invoice_id is null or decisions.invoice_id = today_tasks.invoice_id)
where
    today_tasks.task_id is null
    and (
        (decisions.action = 'task' and decisions.reason_code <> 'key_account')
        or (decisions.reason_code = 'key_account' and decisions.days_overdue > 0)
        or (decisions.action = 'message' and decisions.requires_release)
    )

{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

tasks_scored as (
    select * from {{ ref("int_tasks_scored") }}
),

task_outcomes as (
    select * from {{ ref("int_task_outcomes") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

with_agency as (
    select distinct
        handover_items.company_id,
        handover_items.invoice_id
    from {{ ref("handover_items") }} as handover_items
    where handover_items.is_with_agency
),

kinds_after_handover as (
    select kinds_after_handover.*
    from {{ ref("kinds_after_handover") }} as kinds_after_handover
    cross join business_day
    where {{ in_force("kinds_after_handover") }}
),

kinds as (
    select task_kinds.*
    from {{ ref("task_kinds") }} as task_kinds
    cross join business_day
    where {{ in_force("task_kinds") }}
),

due_days as (
    select
        bank_days.bank_day_no,
        bank_days.date_day
    from bank_days
    where bank_days.is_bank_day
),

-- The step of a scenario may name its own kind of owner. Of a relation, account managers serve the big ones and
-- collectors the rest.
assigned as (
    select
        tasks_scored.*,
        kinds.due_bank_days,
        kinds.next_step,
        kinds.fallback_owner,
        kinds.policy_id as kind_policy_id,
        nullif(trim(customers.account_manager), '') as account_manager,
        nullif(trim(customers.collector), '') as collector,
        case
            when coalesce(tasks_scored.owner_role, kinds.owner_role) in ('cash', 'account_manager', 'collector')
                then coalesce(tasks_scored.owner_role, kinds.owner_role)
            when tasks_scored.segment in ('key', 'near_key') then 'account_manager'
            else 'collector'
        end as role
    from tasks_scored
    inner join kinds
        on tasks_scored.task_kind = kinds.task_kind
    left join customers
        on
            tasks_scored.company_id = customers.company_id
            and tasks_scored.customer_id = customers.customer_id
),

final as (
    select
        business_day.as_of_date,
        assigned.task_id,
        assigned.task_kind,
        assigned.company_id,
        assigned.customer_id,
        assigned.invoice_id,
        -- Nobody's task is done by nobody: the relation's own people first, then the desk that always answers.
        case assigned.role
            when 'cash' then assigned.fallback_owner
            when 'account_manager'
                then coalesce(assigned.account_manager, assigned.collector, assigned.fallback_owner)
            else coalesce(assigned.collector, assigned.account_manager, assigned.fallback_owner)
        end as owner,
        cast(assigned.priority as bigint) as priority,
        cast(
            assigned.kind_points + assigned.amount_points + assigned.age_points + assigned.segment_points
            + assigned.risk_points + assigned.broken_promise_points as bigint
        ) as priority_score,
        cast(assigned.kind_points as bigint) as kind_points,
        cast(assigned.amount_points as bigint) as amount_points,
        cast(assigned.age_points as bigint) as age_points,
        cast(assigned.segment_points as bigint) as segment_points,
        cast(assigned.risk_points as bigint) as risk_points,
        cast(assigned.broken_promise_points as bigint) as broken_promise_points,
        cast(assigned.age_days as bigint) as age_days,
        assigned.segment,
        assigned.risk_class,
        cast(assigned.broken_promise_count as bigint) as broken_promise_count,
        assigned.opened_on,
        coalesce(due_days.date_day, assigned.opened_on + assigned.due_bank_days) as due_on,
        assigned.expires_on,
        assigned.currency,
        assigned.amount,
        assigned.reason,
        case
            when task_outcomes.task_id is not null or assigned.closed_on is not null then 'done'
            when assigned.is_cancelled then 'cancelled'
            -- Nobody calls about an invoice that is with an agency.
            when with_agency.invoice_id is not null and kinds_after_handover.task_kind is null then 'cancelled'
            when assigned.expires_on < business_day.as_of_date then 'expired'
            when assigned.is_waiting then 'waiting'
            else 'open'
        end as status,
        coalesce(task_outcomes.effective_on, assigned.closed_on) as closed_on,
        task_outcomes.outcome,
        assigned.next_step,
        coalesce(assigned.policy_id || '/', '') || assigned.kind_policy_id || '/' || assigned.points_policy_id
            as policy_id
    from assigned
    cross join business_day
    left join with_agency
        on
            assigned.company_id = with_agency.company_id
            and assigned.invoice_id = with_agency.invoice_id
    left join kinds_after_handover
        on assigned.task_kind = kinds_after_handover.task_kind
    left join task_outcomes
        on assigned.task_id = task_outcomes.task_id
    left join bank_days as opening_days
        on assigned.opened_on = opening_days.date_day
    left join due_days
        on opening_days.bank_day_no + assigned.due_bank_days = due_days.bank_day_no
)

select * from final

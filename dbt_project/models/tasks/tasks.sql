{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

tasks_raised as (
    select * from {{ ref("int_tasks_raised") }}
),

tasks_followed_up as (
    select * from {{ ref("int_tasks_followed_up") }}
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

kinds as (
    select task_kinds.*
    from {{ ref("task_kinds") }} as task_kinds
    cross join business_day
    where {{ in_force("task_kinds") }}
),

gathered as (
    select * from tasks_raised
    union all
    select * from tasks_followed_up
),

newest_outcomes as (
    select
        task_outcomes.*,
        row_number() over (partition by task_outcomes.task_id order by task_outcomes.seq desc) as newest_rank
    from task_outcomes
),

due_days as (
    select
        bank_days.bank_day_no,
        bank_days.date_day
    from bank_days
    where bank_days.is_bank_day
),

final as (
    select
        business_day.as_of_date,
        gathered.task_id,
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        -- Nobody's task is done by nobody: the relation's own people first, then the desk that always answers.
        case
            when kinds.owner_role = 'cash' then kinds.fallback_owner
            when coalesce(customer_segments.segment, 'standard') in ('key', 'near_key')
                then coalesce(
                    nullif(trim(customers.account_manager), ''), nullif(trim(customers.collector), ''),
                    kinds.fallback_owner
                )
            else coalesce(
                nullif(trim(customers.collector), ''), nullif(trim(customers.account_manager), ''),
                kinds.fallback_owner
            )
        end as owner,
        cast(kinds.priority as bigint) as priority,
        gathered.opened_on,
        coalesce(due_days.date_day, gathered.opened_on + kinds.due_bank_days) as due_on,
        gathered.expires_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        case
            when newest_outcomes.task_id is not null or gathered.closed_on is not null then 'done'
            when gathered.expires_on < business_day.as_of_date then 'expired'
            when gathered.is_waiting then 'waiting'
            else 'open'
        end as status,
        coalesce(newest_outcomes.effective_on, gathered.closed_on) as closed_on,
        newest_outcomes.outcome,
        kinds.next_step,
        coalesce(gathered.policy_id || '/' || kinds.policy_id, kinds.policy_id) as policy_id
    from gathered
    cross join business_day
    inner join kinds
        on gathered.task_kind = kinds.task_kind
    left join newest_outcomes
        on
            gathered.task_id = newest_outcomes.task_id
            and newest_outcomes.newest_rank = 1
    left join customers
        on
            gathered.company_id = customers.company_id
            and gathered.customer_id = customers.customer_id
    left join customer_segments
        on
            gathered.company_id = customer_segments.company_id
            and gathered.customer_id = customer_segments.customer_id
    left join bank_days as opening_days
        on gathered.opened_on = opening_days.date_day
    left join due_days
        on opening_days.bank_day_no + kinds.due_bank_days = due_days.bank_day_no
)

select * from final

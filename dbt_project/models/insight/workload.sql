with tasks as (
    select all_tasks.*
    from {{ ref("tasks") }} as all_tasks
    inner join {{ ref("stg_control__business_day") }} as today
        on all_tasks.as_of_date = today.as_of_date
),

final as (
    select
        tasks.as_of_date,
        tasks.company_id,
        tasks.owner,
        tasks.task_kind,
        count(*) filter (where tasks.status = 'open') as open_count,
        count(*) filter (where tasks.status = 'open' and tasks.due_on < tasks.as_of_date) as late_count,
        count(*) filter (where tasks.status = 'waiting') as waiting_count,
        count(*) filter (where tasks.status = 'done') as done_count
    from tasks
    group by tasks.as_of_date, tasks.company_id, tasks.owner, tasks.task_kind
)

select * from final

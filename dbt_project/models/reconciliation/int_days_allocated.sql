with recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

last_of_days as (
    select
        recorded.as_of_date,
        max(recorded.seq) as seq,
        min(recorded.run_id) <> max(recorded.run_id) as has_several_runs
    from recorded
    group by recorded.as_of_date
),

final as (
    select
        last_of_days.as_of_date,
        recorded.run_id as last_run_id,
        last_of_days.has_several_runs
    from last_of_days
    inner join recorded
        on last_of_days.seq = recorded.seq
)

select * from final

-- A row here is a scenario step without its predecessor, or a task right after a task: the track could stop or skip.
with steps as (
    select
        scenario_steps.*,
        lag(scenario_steps.stage_no) over step_order as previous_stage_no,
        lag(scenario_steps.step_kind) over step_order as previous_step_kind
    from {{ ref("scenario_steps") }} as scenario_steps
    window step_order as (
        partition by scenario_steps.scenario_id, scenario_steps.valid_from order by scenario_steps.stage_no
    )
)

select *
from steps
where
    (previous_stage_no is null and stage_no > 1)
    or (previous_stage_no is not null and stage_no <> previous_stage_no + 1)
    or (
        step_kind = 'task'
        and (previous_step_kind = 'task' or expires_after_days is null or task_kind is null or stage_no < 1)
    )
    or (step_kind = 'message' and (message_kind is null or class is null or channels is null))

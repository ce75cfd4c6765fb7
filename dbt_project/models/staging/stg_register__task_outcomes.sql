with events as (
    select * from {{ ref("stg_register__events") }}
),

final as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "task_id") }} as task_id,
        {{ payload_text("events.payload", "outcome") }} as outcome,
        {{ payload_text("events.payload", "note") }} as note,
        {{ payload_date("events.payload", "follow_up_on") }} as follow_up_on,
        events.effective_on,
        events.recorded_by
    from events
    where events.kind = 'task_outcome'
)

select * from final

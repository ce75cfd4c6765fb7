with events as (
    select * from {{ ref("stg_register__events") }}
),

ranked as (
    select
        events.seq,
        events.company_id,
        {{ payload_text("events.payload", "communication_id") }} as communication_id,
        {{ payload_text("events.payload", "tracking_number") }} as tracking_number,
        {{ payload_date("events.payload", "received_on") }} as received_on,
        events.effective_on as registered_on,
        events.recorded_by,
        row_number() over (
            partition by events.company_id, {{ payload_text("events.payload", "communication_id") }}
            order by events.seq desc
        ) as newest_rank
    from events
    where events.kind = 'registered_letter'
),

final as (
    select
        ranked.seq,
        ranked.company_id,
        ranked.communication_id,
        ranked.tracking_number,
        ranked.received_on,
        ranked.registered_on,
        ranked.recorded_by
    from ranked
    where ranked.newest_rank = 1
)

select * from final

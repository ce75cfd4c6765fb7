with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

events as (
    select
        event.*,
        row_number() over (
            partition by event.communication_id, event.invoice_id order by event.seq desc
        ) as newest_rank,
        min(case when event.state = 'sent' then event.occurred_at end) over (
            partition by event.communication_id, event.invoice_id
        ) as first_sent_at
    from {{ source("raw", "dispatch_events") }} as event
    cross join business_day
    where
        event.seq <= business_day.dispatch_seq
        and event.as_of_date <= business_day.as_of_date
),

final as (
    select
        events.communication_id,
        events.company_id,
        events.customer_id,
        events.invoice_id,
        events.message_kind,
        events.class,
        events.channel,
        events.stage_no,
        events.cycle,
        coalesce(events.is_acted, false) as is_acted,
        events.state,
        -- A message leaves on its own business day or never, so that day is the day of dispatch.
        events.as_of_date as dispatched_on,
        events.first_sent_at as sent_at,
        events.occurred_at,
        events.seq
    from events
    where events.newest_rank = 1
)

select * from final

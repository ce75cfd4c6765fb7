-- One row per invoice with a step taken before today: the highest stage that is known to have left, and when. A
-- planned, failed or bounced message is no step; nor is a formal one of which nobody knows whether it left. A stage
-- asked for once more was reached the first time.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

opening_stages as (
    select * from {{ ref("stg_billing__opening_stages") }}
),

steps_taken as (
    select
        dispatched_items.company_id,
        dispatched_items.invoice_id,
        dispatched_items.stage_no,
        dispatched_items.dispatched_on,
        dispatched_items.communication_id,
        dispatched_items.state <> 'closed_unknown' as is_proved
    from dispatched_items
    where
        dispatched_items.is_acted
        and dispatched_items.message_kind in {{ dunning_kinds() }}
        and (
            dispatched_items.state in ('sent', 'delivered')
            or (dispatched_items.state = 'closed_unknown' and dispatched_items.class = 'friendly')
        )
    union all
    select
        opening_stages.company_id,
        opening_stages.invoice_id,
        opening_stages.stage_no,
        opening_stages.dispatched_on,
        null as communication_id,
        true as is_proved
    from opening_stages
),

ranked as (
    select
        steps_taken.*,
        max(steps_taken.dispatched_on) over (
            partition by steps_taken.company_id, steps_taken.invoice_id
        ) as last_acted_on,
        row_number() over (
            partition by steps_taken.company_id, steps_taken.invoice_id
            order by
                steps_taken.stage_no desc,
                steps_taken.is_proved desc,
                steps_taken.dispatched_on asc,
                steps_taken.communication_id asc
        ) as newest_rank
    from steps_taken
    cross join business_day
    where steps_taken.dispatched_on < business_day.as_of_date
),

final as (
    select
        ranked.company_id,
        ranked.invoice_id,
        ranked.stage_no,
        ranked.dispatched_on,
        ranked.last_acted_on,
        ranked.communication_id,
        ranked.is_proved
    from ranked
    where ranked.newest_rank = 1
)

select * from final

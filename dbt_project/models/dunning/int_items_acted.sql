-- One row per invoice whose message is due: the level it stands at, what keeps it from being asked at that level, and
-- whether the message of today acts on it, and at which stage.
with ready_items as (
    select * from {{ ref("int_invoices_weighed") }}
    where is_ready
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

levels as (
    select * from {{ ref("int_notice_levels") }}
    where not is_dropped
),

notices as (
    select * from {{ ref("int_notices_weighed") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

leveled as (
    select
        ready_items.company_id,
        ready_items.customer_id,
        ready_items.currency,
        ready_items.invoice_id,
        ready_items.scenario_id,
        ready_items.step_stage_no,
        ready_items.message_kind,
        ready_items.requires_release,
        ready_items.last_acted_on,
        {{ level_no("ready_items.class", "ready_items.step_stage_no") }} as level_no
    from ready_items
),

judged as (
    select
        leveled.*,
        case when leveled.step_stage_no = 0 then notices.pre_due_obstacle else levels.obstacle end as obstacle,
        coalesce(notices.is_within_gap, false) as is_within_gap,
        case
            when leveled.step_stage_no = 0 then coalesce(notices.is_pre_due, false)
            else coalesce(notices.level_no >= leveled.level_no, false)
        end as is_at_its_stage,
        -- Dropped with the item that leads: to the same message, and only when it was not asked lately.
        coalesce(
            notices.is_dropped
            and leveled.step_stage_no > 0
            and notices.level_no < leveled.level_no
            and notices.scenario_id = leveled.scenario_id
            and levels.obstacle = 'below_minimum'
            and coalesce(
                leveled.last_acted_on + dunning_policy.repeat_after_days <= business_day.as_of_date, true
            ), false
        ) as is_dropped,
        notices.stage_no as notice_stage_no
    from leveled
    cross join business_day
    cross join dunning_policy
    left join notices
        on
            leveled.company_id = notices.company_id
            and leveled.customer_id = notices.customer_id
            and leveled.currency = notices.currency
    left join levels
        on
            leveled.company_id = levels.company_id
            and leveled.customer_id = levels.customer_id
            and leveled.currency = levels.currency
            and leveled.level_no = levels.level_no
),

final as (
    select
        judged.company_id,
        judged.customer_id,
        judged.currency,
        judged.invoice_id,
        judged.level_no,
        judged.obstacle,
        judged.is_within_gap,
        judged.is_dropped,
        judged.is_at_its_stage or judged.is_dropped as is_acted,
        case when judged.is_dropped then judged.notice_stage_no else judged.step_stage_no end as acted_stage_no,
        case when judged.is_dropped then steps.message_kind else judged.message_kind end as acted_message_kind,
        case when judged.is_dropped then steps.requires_release else judged.requires_release end
            as acted_requires_release,
        case
            when judged.is_within_gap then 'min_gap'
            when judged.is_dropped then 'dropped_stage'
            when not judged.is_at_its_stage then judged.obstacle
        end as message_reason
    from judged
    left join steps
        on
            judged.is_dropped
            and judged.scenario_id = steps.scenario_id
            and judged.notice_stage_no = steps.stage_no
)

select * from final

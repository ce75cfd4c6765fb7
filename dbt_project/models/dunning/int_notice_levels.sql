-- One row per customer, currency and level at which something is claimed today. Credits net in this order: those that
-- name an invoice have lowered it already; free ones and money not yet placed eat from the highest level down; and
-- the first level that is left with enough leads. What stands at a level is all that is claimed from it upwards, less
-- credit.
--
-- A level is the stage of a step, a formal one above every friendly one. An item whose step is not due stands at the
-- stage it has reached.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

free_items as (
    select * from {{ ref("int_invoices_weighed") }}
    where not is_exempt and is_claimed
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

customers_reachable as (
    select * from {{ ref("int_customers_reachable") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

message_minimums as (
    select * from {{ ref("message_minimums") }}
),

minimums as (
    select message_minimums.*
    from message_minimums
    cross join business_day
    where {{ in_force("message_minimums") }}
),

leveled as (
    select
        free_items.company_id,
        free_items.customer_id,
        free_items.currency,
        free_items.invoice_id,
        free_items.claimable_amount,
        free_items.due_on,
        free_items.is_ready,
        free_items.scenario_id,
        free_items.cycle,
        free_items.step_stage_no,
        free_items.last_acted_on,
        case
            when free_items.is_ready then {{ level_no("free_items.class", "free_items.step_stage_no") }}
            else {{ level_no("reached.class", "coalesce(free_items.reached_stage_no, 0)") }}
        end as level_no
    from free_items
    left join steps as reached
        on
            not free_items.is_ready
            and free_items.scenario_id = reached.scenario_id
            and free_items.reached_stage_no = reached.stage_no
),

sums as (
    select
        leveled.company_id,
        leveled.customer_id,
        leveled.currency,
        leveled.level_no,
        sum(leveled.claimable_amount) as level_amount,
        count(*) filter (where leveled.is_ready) as ready_count
    from leveled
    group by leveled.company_id, leveled.customer_id, leveled.currency, leveled.level_no
),

-- The item that speaks for its level: the oldest.
leaders as (
    select
        leveled.*,
        row_number() over (
            partition by leveled.company_id, leveled.customer_id, leveled.currency, leveled.level_no
            order by leveled.due_on asc, leveled.invoice_id asc
        ) as leader_rank
    from leveled
    where leveled.is_ready
),

standing as (
    select
        sums.company_id,
        sums.customer_id,
        sums.currency,
        sums.level_no,
        sums.ready_count,
        sum(sums.level_amount) over (
            partition by sums.company_id, sums.customer_id, sums.currency order by sums.level_no desc
        ) as standing_amount
    from sums
),

own_levels as (
    select
        standing.company_id,
        standing.customer_id,
        standing.currency,
        standing.level_no,
        standing.standing_amount,
        leaders.scenario_id,
        leaders.step_stage_no as stage_no,
        leaders.cycle,
        false as is_dropped,
        coalesce(
            leaders.last_acted_on + dunning_policy.repeat_after_days <= business_day.as_of_date, true
        ) as may_repeat
    from standing
    cross join business_day
    cross join dunning_policy
    inner join leaders
        on
            standing.company_id = leaders.company_id
            and standing.customer_id = leaders.customer_id
            and standing.currency = leaders.currency
            and standing.level_no = leaders.level_no
            and leaders.leader_rank = 1
),

judged as (
    {{ judged_levels("own_levels") }}
),

-- Below the minimum an item drops to the message before it rather than into silence: asked again, but not every week.
dropped as (
    select
        judged.company_id,
        judged.customer_id,
        judged.currency,
        {{ level_no("lower.class", "lower.stage_no") }} as level_no,
        max(standing.standing_amount) as standing_amount,
        judged.scenario_id,
        lower.stage_no,
        judged.cycle,
        true as is_dropped,
        true as may_repeat
    from judged
    inner join dunning_policy
        on dunning_policy.below_minimum = 'drop_stage'
    inner join steps as step
        on
            judged.scenario_id = step.scenario_id
            and judged.stage_no = step.stage_no
    inner join steps as lower
        on
            step.scenario_id = lower.scenario_id
            and step.lower_message_stage_no = lower.stage_no
    inner join standing
        on
            judged.company_id = standing.company_id
            and judged.customer_id = standing.customer_id
            and judged.currency = standing.currency
            and standing.level_no >= {{ level_no("lower.class", "lower.stage_no") }}
    where judged.obstacle = 'below_minimum' and judged.may_repeat
    group by
        judged.company_id,
        judged.customer_id,
        judged.currency,
        lower.class,
        judged.scenario_id,
        lower.stage_no,
        judged.cycle
),

dropped_judged as (
    {{ judged_levels("dropped") }}
),

gathered as (
    select * from judged
    union all
    select * from dropped_judged
),

final as (
    select
        gathered.*,
        row_number() over (
            partition by gathered.company_id, gathered.customer_id, gathered.currency
            order by
                case when gathered.obstacle is null then 0 else 1 end asc,
                gathered.level_no desc,
                gathered.is_dropped asc,
                gathered.scenario_id asc
        ) = 1 and gathered.obstacle is null as is_leading
    from gathered
)

select * from final

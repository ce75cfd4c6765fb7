-- One row per customer and currency with something that could be claimed today: how much, which stage would lead, and
-- what stands in the way. One message carries the highest stage whose step is due and lists all that is overdue; the
-- notice of what falls due soon goes only when nothing older is overdue.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

free_items as (
    select * from {{ ref("int_invoices_weighed") }}
    where not is_exempt
),

levels as (
    select * from {{ ref("int_notice_levels") }}
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

contacts_made as (
    select * from {{ ref("int_contacts_made") }}
),

message_minimums as (
    select * from {{ ref("message_minimums") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

customers_reachable as (
    select * from {{ ref("int_customers_reachable") }}
),

minimums as (
    select message_minimums.*
    from message_minimums
    cross join business_day
    where {{ in_force("message_minimums") }}
),

sums as (
    select
        free_items.company_id,
        free_items.customer_id,
        free_items.currency,
        cast(sum(case when free_items.is_claimed then free_items.claimable_amount else 0 end) as decimal(18, 2))
            as overdue_amount,
        cast(
            sum(
                case
                    when free_items.is_ready and free_items.step_stage_no = 0 then free_items.claimable_amount
                    else 0
                end
            ) as decimal(18, 2)
        ) as pre_due_amount,
        min(case when free_items.is_claimed then free_items.due_on end) as oldest_overdue_on,
        min(
            case when free_items.is_ready and free_items.step_stage_no = 0 then free_items.due_on end
        ) as oldest_pre_due_on,
        max(case when free_items.days_overdue > 0 then 1 else 0 end) = 1 as has_overdue
    from free_items
    where free_items.is_claimed or free_items.is_ready or free_items.days_overdue > 0
    group by free_items.company_id, free_items.customer_id, free_items.currency
),

pre_due_ranked as (
    select
        free_items.company_id,
        free_items.customer_id,
        free_items.currency,
        free_items.scenario_id,
        free_items.cycle,
        row_number() over (
            partition by free_items.company_id, free_items.customer_id, free_items.currency
            order by free_items.due_on asc, free_items.invoice_id asc
        ) as leader_rank
    from free_items
    where free_items.is_ready and free_items.step_stage_no = 0
),

pre_due_levels as (
    select
        sums.company_id,
        sums.customer_id,
        sums.currency,
        0 as level_no,
        sums.pre_due_amount as standing_amount,
        pre_due_ranked.scenario_id,
        0 as stage_no,
        pre_due_ranked.cycle,
        false as is_dropped,
        false as may_repeat
    from sums
    inner join pre_due_ranked
        on
            sums.company_id = pre_due_ranked.company_id
            and sums.customer_id = pre_due_ranked.customer_id
            and sums.currency = pre_due_ranked.currency
            and pre_due_ranked.leader_rank = 1
),

pre_due_judged as (
    {{ judged_levels("pre_due_levels") }}
),

gathered as (
    select
        sums.*,
        coalesce(customer_balances.credit_note_amount, 0) as credit_note_amount,
        greatest(coalesce(customer_balances.unapplied_credit, 0), 0) as unapplied_credit,
        levels.scenario_id as level_scenario_id,
        levels.level_no,
        levels.stage_no as level_stage_no,
        levels.cycle as level_cycle,
        levels.class as level_class,
        levels.channel as level_channel,
        levels.is_dropped,
        levels.left_amount as level_left_amount,
        pre_due_judged.scenario_id as pre_due_scenario_id,
        pre_due_judged.cycle as pre_due_cycle,
        pre_due_judged.channel as pre_due_channel,
        pre_due_judged.left_amount as pre_due_left_amount,
        case
            when pre_due_judged.scenario_id is null then null
            when sums.has_overdue then 'older_overdue'
            else pre_due_judged.obstacle
        end as pre_due_obstacle,
        levels.level_no is null and pre_due_judged.scenario_id is not null and not sums.has_overdue
        and pre_due_judged.obstacle is null as is_pre_due
    from sums
    left join customer_balances
        on
            sums.company_id = customer_balances.company_id
            and sums.customer_id = customer_balances.customer_id
            and sums.currency = customer_balances.currency
    left join levels
        on
            sums.company_id = levels.company_id
            and sums.customer_id = levels.customer_id
            and sums.currency = levels.currency
            and levels.is_leading
    left join pre_due_judged
        on
            sums.company_id = pre_due_judged.company_id
            and sums.customer_id = pre_due_judged.customer_id
            and sums.currency = pre_due_judged.currency
),

led as (
    select
        gathered.*,
        coalesce(
            business_day.as_of_date - contacts_made.last_dispatched_on < dunning_policy.min_gap_days, false
        ) as is_within_gap,
        case
            when gathered.overdue_amount - gathered.unapplied_credit > 0 or gathered.overdue_amount = 0 then null
            when gathered.overdue_amount <= gathered.credit_note_amount then 'customer_in_credit'
            else 'unplaced_money'
        end as overdue_credit_reason,
        dunning_policy.policy_id
    from gathered
    cross join business_day
    cross join dunning_policy
    left join contacts_made
        on
            gathered.company_id = contacts_made.company_id
            and gathered.customer_id = contacts_made.customer_id
),

final as (
    select
        led.company_id,
        led.customer_id,
        led.currency,
        led.overdue_credit_reason,
        led.pre_due_obstacle,
        led.is_within_gap,
        led.is_pre_due,
        led.level_no,
        coalesce(led.is_dropped, false) as is_dropped,
        case when led.is_pre_due then 'friendly' else led.level_class end as leading_class,
        case when led.is_pre_due then led.pre_due_scenario_id else led.level_scenario_id end as scenario_id,
        case when led.is_pre_due then 0 else led.level_stage_no end as stage_no,
        case when led.is_pre_due then led.pre_due_cycle else led.level_cycle end as cycle,
        case when led.is_pre_due then led.pre_due_channel else led.level_channel end as channel,
        cast(case when led.is_pre_due then led.pre_due_left_amount else led.level_left_amount end as decimal(18, 2))
            as stage_amount,
        case when led.is_pre_due then led.pre_due_amount else led.overdue_amount end as items_amount,
        case when led.is_pre_due then led.oldest_pre_due_on else led.oldest_overdue_on end as oldest_due_on,
        led.unapplied_credit,
        led.policy_id,
        -- A message goes when a step is due, something is left to claim, and nobody was written to lately.
        (led.is_pre_due or led.level_no is not null) and not led.is_within_gap as is_sendable
    from led
)

select * from final

-- One row per customer and currency with something that could be claimed today: how much, which stage would lead, and
-- what stands in the way. One message carries the highest stage whose step is due and lists all that is overdue.
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

-- The item whose step leads, per class: the highest stage, then the oldest.
leaders_ranked as (
    select
        free_items.company_id,
        free_items.customer_id,
        free_items.currency,
        free_items.class,
        free_items.scenario_id,
        free_items.step_stage_no as stage_no,
        free_items.cycle,
        row_number() over (
            partition by free_items.company_id, free_items.customer_id, free_items.currency, free_items.class
            order by free_items.step_stage_no desc, free_items.due_on asc, free_items.invoice_id asc
        ) as leader_rank
    from free_items
    where free_items.is_ready
),

-- Each with the first route of its step by which the customer can be reached.
leaders as (
    select
        leaders_ranked.*,
        case
            when {{ route_usable("split_part(steps.channels, ';', 1)", "customers_reachable") }}
                then split_part(steps.channels, ';', 1)
            when {{ route_usable("split_part(steps.channels, ';', 2)", "customers_reachable") }}
                then split_part(steps.channels, ';', 2)
        end as channel
    from leaders_ranked
    inner join steps
        on
            leaders_ranked.scenario_id = steps.scenario_id
            and leaders_ranked.stage_no = steps.stage_no
    left join customers_reachable
        on
            leaders_ranked.company_id = customers_reachable.company_id
            and leaders_ranked.customer_id = customers_reachable.customer_id
    where leaders_ranked.leader_rank = 1
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
        ) as oldest_pre_due_on
    from free_items
    where free_items.is_claimed or free_items.is_ready
    group by free_items.company_id, free_items.customer_id, free_items.currency
),

-- Loose credit notes and money not yet placed lower what is claimed, whatever they turn out to be for.
netted as (
    select
        sums.*,
        formal.scenario_id as formal_scenario_id,
        formal.stage_no as formal_stage_no,
        formal.cycle as formal_cycle,
        formal.channel as formal_channel,
        friendly.scenario_id as friendly_scenario_id,
        friendly.stage_no as friendly_stage_no,
        friendly.cycle as friendly_cycle,
        friendly.channel as friendly_channel,
        coalesce(friendly.stage_no, -1) = 0 as is_friendly_pre_due,
        coalesce(customer_balances.credit_note_amount, 0) as credit_note_amount,
        greatest(coalesce(customer_balances.unapplied_credit, 0), 0) as unapplied_credit,
        coalesce(formal_own.minimum_amount, formal_any.minimum_amount, 0) as formal_minimum_amount,
        coalesce(friendly_own.minimum_amount, friendly_any.minimum_amount, 0) as friendly_minimum_amount
    from sums
    left join leaders as formal
        on
            sums.company_id = formal.company_id
            and sums.customer_id = formal.customer_id
            and sums.currency = formal.currency
            and formal.class = 'formal'
    left join leaders as friendly
        on
            sums.company_id = friendly.company_id
            and sums.customer_id = friendly.customer_id
            and sums.currency = friendly.currency
            and friendly.class = 'friendly'
    left join customer_balances
        on
            sums.company_id = customer_balances.company_id
            and sums.customer_id = customer_balances.customer_id
            and sums.currency = customer_balances.currency
    left join minimums as formal_own
        on formal_own.class = 'formal' and sums.currency = formal_own.currency
    left join minimums as formal_any
        on formal_any.class = 'formal' and formal_any.currency = '*'
    left join minimums as friendly_own
        on friendly_own.class = 'friendly' and sums.currency = friendly_own.currency
    left join minimums as friendly_any
        on friendly_any.class = 'friendly' and friendly_any.currency = '*'
),

judged as (
    select
        netted.*,
        case
            when netted.overdue_amount - netted.unapplied_credit > 0 or netted.overdue_amount = 0 then null
            when netted.overdue_amount <= netted.credit_note_amount then 'customer_in_credit'
            else 'unplaced_money'
        end as overdue_credit_reason,
        case
            when netted.pre_due_amount - netted.unapplied_credit > 0 or netted.pre_due_amount = 0 then null
            when netted.pre_due_amount <= netted.credit_note_amount then 'customer_in_credit'
            else 'unplaced_money'
        end as pre_due_credit_reason,
        case
            when netted.formal_stage_no is null then null
            when netted.overdue_amount - netted.unapplied_credit < netted.formal_minimum_amount then 'below_minimum'
            when netted.formal_channel is null then 'no_channel'
        end as formal_obstacle,
        case
            when netted.friendly_stage_no is null then null
            when
                case when netted.is_friendly_pre_due then netted.pre_due_amount else netted.overdue_amount end
                - netted.unapplied_credit < netted.friendly_minimum_amount
                then 'below_minimum'
            when netted.friendly_channel is null then 'no_channel'
        end as friendly_obstacle
    from netted
),

-- An obstacle to the formal step is no reason for silence: the friendly step of another invoice still goes.
led as (
    select
        judged.*,
        case
            when judged.formal_stage_no is not null and judged.formal_obstacle is null then 'formal'
            when judged.friendly_stage_no is not null and judged.friendly_obstacle is null then 'friendly'
        end as leading_class,
        coalesce(
            business_day.as_of_date - contacts_made.last_dispatched_on < dunning_policy.min_gap_days, false
        ) as is_within_gap,
        dunning_policy.policy_id
    from judged
    cross join business_day
    cross join dunning_policy
    left join contacts_made
        on
            judged.company_id = contacts_made.company_id
            and judged.customer_id = contacts_made.customer_id
),

messaged as (
    select
        led.*,
        led.leading_class = 'friendly' and led.is_friendly_pre_due as is_pre_due,
        case led.leading_class
            when 'formal' then led.formal_scenario_id
            when 'friendly' then led.friendly_scenario_id
        end as scenario_id,
        case led.leading_class when 'formal' then led.formal_stage_no when 'friendly' then led.friendly_stage_no end
            as stage_no,
        case led.leading_class when 'formal' then led.formal_cycle when 'friendly' then led.friendly_cycle end
            as cycle,
        case led.leading_class when 'formal' then led.formal_channel when 'friendly' then led.friendly_channel end
            as channel
    from led
),

final as (
    select
        messaged.company_id,
        messaged.customer_id,
        messaged.currency,
        messaged.overdue_credit_reason,
        messaged.pre_due_credit_reason,
        messaged.formal_obstacle,
        messaged.friendly_obstacle,
        messaged.is_friendly_pre_due,
        messaged.is_within_gap,
        messaged.leading_class,
        coalesce(messaged.is_pre_due, false) as is_pre_due,
        messaged.scenario_id,
        messaged.stage_no,
        messaged.cycle,
        messaged.channel,
        case when messaged.is_pre_due then messaged.pre_due_amount else messaged.overdue_amount end as items_amount,
        case when messaged.is_pre_due then messaged.oldest_pre_due_on else messaged.oldest_overdue_on end
            as oldest_due_on,
        messaged.unapplied_credit,
        messaged.policy_id,
        -- A message goes when a step is due, nobody was written to lately, and something is left to claim.
        messaged.leading_class is not null
        and not messaged.is_within_gap
        and case when messaged.is_pre_due then messaged.pre_due_credit_reason else messaged.overdue_credit_reason end
        is null as is_sendable
    from messaged
)

select * from final

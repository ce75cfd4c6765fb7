{#
    The steps of invoices with the first day each may be taken: two CTEs, `based` and `scheduled`, over a relation of
    invoices that names the stage it wants (`wanted_stage_no`) and from where days count. The one place where the days of
    a track are counted; needs the CTEs `dunning_policy`, `steps` and `bank_days_counted`.

    Before the due date only the base counts. After it nothing is asked before grace is over, and grace counts anew from
    the day a pause ended where policy says so (`resumed_on`).
#}
{% macro scheduled_steps(relation) -%}
graced as (
    select
        {{ relation }}.*,
        steps.stage_no as step_stage_no,
        steps.step_kind,
        steps.message_kind,
        steps.class,
        steps.task_kind,
        steps.base,
        steps.offset_days,
        steps.day_kind,
        steps.expires_after_days,
        steps.next_step_after_days,
        steps.policy_id as step_policy_id,
        coalesce(steps.requires_release, false) as requires_release,
        coalesce(grace_days.counted_on, {{ relation }}.due_on + dunning_policy.grace_days) as grace_ends_on,
        coalesce(
            resumed_grace_days.counted_on,
            greatest({{ relation }}.due_on, {{ relation }}.resumed_on) + dunning_policy.grace_days
        ) + 1 as first_day_on,
        dunning_policy.policy_id
    from {{ relation }}
    cross join dunning_policy
    left join steps
        on
            {{ relation }}.scenario_id = steps.scenario_id
            and {{ relation }}.wanted_stage_no = steps.stage_no
    left join bank_days_counted as grace_days
        on
            dunning_policy.grace_day_kind = 'bank'
            and {{ relation }}.due_on = grace_days.date_day
            and dunning_policy.grace_days = grace_days.offset_days
    left join bank_days_counted as resumed_grace_days
        on
            dunning_policy.grace_day_kind = 'bank'
            and greatest({{ relation }}.due_on, {{ relation }}.resumed_on) = resumed_grace_days.date_day
            and dunning_policy.grace_days = resumed_grace_days.offset_days
),

based as (
    select
        graced.*,
        case
            when graced.base = 'invoice_date' then graced.issued_on
            when graced.base = 'due_date' and (graced.step_stage_no = 0 or graced.offset_days < 0) then graced.due_on
            when graced.base = 'due_date' then graced.first_day_on
            when graced.base = 'promise' and graced.promise_broken_on is not null
                then greatest(graced.promise_broken_on, graced.resumed_on)
            when graced.base = 'instalment' and graced.instalment_missed_on is not null
                then greatest(graced.instalment_missed_on, graced.resumed_on)
            when graced.reached_on is null then graced.first_day_on
            else greatest(graced.reached_on, graced.resumed_on)
        end as base_on
    from graced
),

scheduled as (
    select
        based.*,
        case
            when based.step_stage_no is null then null
            when based.step_stage_no = 0
                then coalesce(step_days.counted_on, based.base_on + based.offset_days)
            when based.jumped_days is not null
                then greatest(based.first_day_on + based.jumped_days, based.reached_on + 1)
            else
                greatest(
                    based.grace_ends_on + 1,
                    based.reached_on + 1,
                    coalesce(step_days.counted_on, based.base_on + based.offset_days)
                )
        end as step_on
    from based
    left join bank_days_counted as step_days
        on
            based.day_kind = 'bank'
            and based.base_on = step_days.date_day
            and based.offset_days = step_days.offset_days
)
{%- endmacro %}

{# The level of a step among all steps of a customer: by stage, and a formal one above every friendly one. #}
{% macro level_no(class, stage_no) -%}
({{ stage_no }} + case when {{ class }} = 'formal' then 100 else 0 end)
{%- endmacro %}

{#
    What stands in the way of a message at a level: credit that covers it, a minimum of amount or share, or no route to the
    customer. Needs the CTEs `steps`, `customer_balances`, `minimums` and `customers_reachable`.
#}
{% macro judged_levels(relation) -%}
select
        {{ relation }}.company_id,
        {{ relation }}.customer_id,
        {{ relation }}.currency,
        {{ relation }}.level_no,
        {{ relation }}.standing_amount,
        {{ relation }}.scenario_id,
        {{ relation }}.stage_no,
        {{ relation }}.cycle,
        {{ relation }}.is_dropped,
        {{ relation }}.may_repeat,
        steps.class,
        steps.message_kind,
        case
            when {{ route_usable("split_part(steps.channels, ';', 1)", "customers_reachable") }}
                then split_part(steps.channels, ';', 1)
            when {{ route_usable("split_part(steps.channels, ';', 2)", "customers_reachable") }}
                then split_part(steps.channels, ';', 2)
        end as channel,
        {{ relation }}.standing_amount - greatest(coalesce(customer_balances.unapplied_credit, 0), 0) as left_amount,
        case
            when {{ relation }}.standing_amount <= greatest(coalesce(customer_balances.unapplied_credit, 0), 0)
                then
                    case
                        when {{ relation }}.standing_amount <= coalesce(customer_balances.credit_note_amount, 0)
                            then 'customer_in_credit'
                        else 'unplaced_money'
                    end
            when
                {{ relation }}.standing_amount - greatest(coalesce(customer_balances.unapplied_credit, 0), 0)
                < coalesce(own_minimum.minimum_amount, any_minimum.minimum_amount, 0)
                or (
                    {{ relation }}.standing_amount - greatest(coalesce(customer_balances.unapplied_credit, 0), 0)
                ) * 10000
                < coalesce(customer_balances.open_amount, 0) * coalesce(steps.minimum_share_basis_points, 0)
                then 'below_minimum'
            when
                not coalesce(
                    {{ route_usable("split_part(steps.channels, ';', 1)", "customers_reachable") }}
                    or {{ route_usable("split_part(steps.channels, ';', 2)", "customers_reachable") }}, false
                )
                then 'no_channel'
        end as obstacle
    from {{ relation }}
    inner join steps
        on
            {{ relation }}.scenario_id = steps.scenario_id
            and {{ relation }}.stage_no = steps.stage_no
    left join customer_balances
        on
            {{ relation }}.company_id = customer_balances.company_id
            and {{ relation }}.customer_id = customer_balances.customer_id
            and {{ relation }}.currency = customer_balances.currency
    left join minimums as own_minimum
        on
            steps.class = own_minimum.class
            and {{ relation }}.currency = own_minimum.currency
    left join minimums as any_minimum
        on
            steps.class = any_minimum.class
            and any_minimum.currency = '*'
    left join customers_reachable
        on
            {{ relation }}.company_id = customers_reachable.company_id
            and {{ relation }}.customer_id = customers_reachable.customer_id
{%- endmacro %}

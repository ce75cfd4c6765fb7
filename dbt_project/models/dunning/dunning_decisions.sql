{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoices_weighed as (
    select * from {{ ref("int_invoices_weighed") }}
),

invoice_reasons as (
    select * from {{ ref("int_invoice_reasons") }}
),

reason_order as (
    select * from {{ ref("reason_order") }}
),

items_acted as (
    select * from {{ ref("int_items_acted") }}
),

sent_today as (
    select * from {{ ref("int_notices_sent_today") }}
),

contacts_made as (
    select * from {{ ref("int_contacts_made") }}
),

order_in_force as (
    select reason_order.*
    from reason_order
    cross join business_day
    where {{ in_force("reason_order") }}
),

ranked_reasons as (
    select
        invoice_reasons.company_id,
        invoice_reasons.invoice_id,
        invoice_reasons.reason_code,
        order_in_force.rank,
        order_in_force.action,
        row_number() over (
            partition by invoice_reasons.company_id, invoice_reasons.invoice_id order by order_in_force.rank
        ) as reason_rank
    from invoice_reasons
    inner join order_in_force
        on invoice_reasons.reason_code = order_in_force.reason_code
),

leading_reasons as (
    select ranked_reasons.*
    from ranked_reasons
    where ranked_reasons.reason_rank = 1
),

other_reasons as (
    select
        ranked_reasons.company_id,
        ranked_reasons.invoice_id,
        string_agg(ranked_reasons.reason_code, ';' order by ranked_reasons.rank) as other_reasons
    from ranked_reasons
    where ranked_reasons.reason_rank > 1
    group by ranked_reasons.company_id, ranked_reasons.invoice_id
),

-- What already left today stands, whatever has been learnt since; nothing is added to it today.
sent_items as (
    select
        sent_today.company_id,
        sent_today.invoice_id,
        max(sent_today.stage_no) as stage_no,
        max(sent_today.next_step_on) as next_step_on
    from sent_today
    where sent_today.is_acted
    group by sent_today.company_id, sent_today.invoice_id
),

customers_sent_today as (
    select distinct
        sent_today.company_id,
        sent_today.customer_id,
        sent_today.currency
    from sent_today
),

reasoned as (
    select
        invoices_weighed.*,
        items_acted.acted_stage_no,
        items_acted.acted_message_kind,
        items_acted.acted_requires_release,
        sent_items.invoice_id is not null as is_sent_today,
        sent_items.stage_no as sent_stage_no,
        case
            when sent_items.invoice_id is not null and leading_reasons.action <> 'message' then 'step_due'
            when
                sent_items.invoice_id is null
                and customers_sent_today.customer_id is not null
                and leading_reasons.action = 'message'
                and invoices_weighed.step_kind = 'message'
                then 'min_gap'
            else leading_reasons.reason_code
        end as reason_code,
        other_reasons.other_reasons
    from invoices_weighed
    left join leading_reasons
        on
            invoices_weighed.company_id = leading_reasons.company_id
            and invoices_weighed.invoice_id = leading_reasons.invoice_id
    left join items_acted
        on
            invoices_weighed.company_id = items_acted.company_id
            and invoices_weighed.invoice_id = items_acted.invoice_id
    left join other_reasons
        on
            invoices_weighed.company_id = other_reasons.company_id
            and invoices_weighed.invoice_id = other_reasons.invoice_id
    left join sent_items
        on
            invoices_weighed.company_id = sent_items.company_id
            and invoices_weighed.invoice_id = sent_items.invoice_id
    left join customers_sent_today
        on
            invoices_weighed.company_id = customers_sent_today.company_id
            and invoices_weighed.customer_id = customers_sent_today.customer_id
            and invoices_weighed.currency = customers_sent_today.currency
),

decided as (
    select
        reasoned.*,
        case
            when reasoned.is_sent_today then 'message'
            when order_in_force.action = 'message' and reasoned.step_kind = 'task' then 'task'
            else order_in_force.action
        end as action
    from reasoned
    left join order_in_force
        on reasoned.reason_code = order_in_force.reason_code
),

final as (
    select
        {{ decision_id("business_day.as_of_date", "decided.company_id", "decided.invoice_id") }} as decision_id,
        business_day.as_of_date,
        decided.company_id,
        decided.customer_id,
        decided.invoice_id,
        decided.currency,
        decided.open_amount,
        decided.claimable_amount,
        decided.due_on,
        decided.days_overdue,
        decided.segment,
        decided.payer_profile,
        decided.scenario_id,
        decided.scenario_reason,
        -- An older stage learnt of after the message left does not put that message behind it.
        least(
            coalesce(decided.reached_stage_no, 0), coalesce(decided.sent_stage_no, decided.reached_stage_no, 0)
        ) as previous_stage_no,
        case
            when decided.is_sent_today then decided.sent_stage_no
            when decided.action = 'message' then coalesce(decided.acted_stage_no, decided.step_stage_no)
            when decided.action = 'task' and decided.reason_code in ('step_due', 'catch_up')
                then decided.step_stage_no
            else coalesce(decided.reached_stage_no, 0)
        end as stage_no,
        decided.cycle,
        decided.action,
        decided.reason_code,
        decided.other_reasons,
        case
            when decided.action in ('message', 'task') then coalesce(decided.acted_message_kind, decided.message_kind)
        end as message_kind,
        decided.action = 'message'
        and coalesce(decided.acted_requires_release, decided.requires_release) as requires_release,
        decided.action = 'hold' as is_held,
        case
            when decided.action = 'message' then business_day.as_of_date + decided.next_step_after_days
            else decided.step_on
        end as next_step_on,
        decided.step_on as step_due_on,
        contacts_made.last_dispatched_on,
        decided.reached_on as previous_step_on,
        concat_ws('/', decided.policy_id, decided.choice_policy_id, decided.step_policy_id) as policy_id
    from decided
    cross join business_day
    left join contacts_made
        on
            decided.company_id = contacts_made.company_id
            and decided.customer_id = contacts_made.customer_id
)

select * from final

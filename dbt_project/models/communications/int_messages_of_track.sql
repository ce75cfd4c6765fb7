-- The message of a dunning track's stage: what the dunning chapter decided to say to a customer in a currency. One
-- customer, one currency, one such message a day: after the first has left, nothing is added that day.
with dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

sent_today as (
    select distinct
        company_id,
        customer_id,
        currency
    from {{ ref("int_messages_sent_today") }}
    where message_kind in {{ dunning_kinds() }}
),

final as (
    select
        dunning_notices.company_id,
        dunning_notices.customer_id,
        dunning_notices.currency,
        dunning_notices.message_kind,
        cast(null as varchar) as occasion,
        dunning_notices.class,
        dunning_notices.scenario_id,
        dunning_notices.stage_no,
        dunning_notices.cycle,
        dunning_notices.channel as channel_decided,
        dunning_notices.requires_release,
        dunning_notices.items_amount,
        dunning_notices.credit_amount,
        dunning_notices.total_amount,
        dunning_notices.pay_by_on,
        dunning_notices.oldest_due_on,
        dunning_notices.next_message_kind,
        dunning_notices.next_step_on,
        '{}' as particulars,
        dunning_notices.policy_id
    from dunning_notices
    left join sent_today
        on
            dunning_notices.company_id = sent_today.company_id
            and dunning_notices.customer_id = sent_today.customer_id
            and dunning_notices.currency = sent_today.currency
    where sent_today.company_id is null
)

select * from final

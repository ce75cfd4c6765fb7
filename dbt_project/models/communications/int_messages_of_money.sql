-- Money that certainly came from a customer and has not been placed for some days: the customer is asked what it is
-- for. What was paid twice or too much, ahead, or back, raises another question than which invoice.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'unplaced_money_request'
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
    where
        customer_id is not null
        and unapplied_amount > 0
        and reason in ('no_evidence', 'ambiguous', 'invoice_unknown')
),

final as (
    select
        unapplied_payments.company_id,
        unapplied_payments.customer_id,
        unapplied_payments.currency,
        'unplaced_money_request' as message_kind,
        'entry/' || unapplied_payments.entry_key as occasion,
        message_policy.class,
        cast(null as varchar) as scenario_id,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        cast(null as varchar) as channel_decided,
        message_policy.requires_release,
        cast(0 as decimal(18, 2)) as items_amount,
        cast(0 as decimal(18, 2)) as credit_amount,
        cast(0 as decimal(18, 2)) as total_amount,
        cast(null as date) as pay_by_on,
        cast(null as date) as oldest_due_on,
        cast(null as varchar) as next_message_kind,
        cast(null as date) as next_step_on,
        {{ json_object({
            "received_on": "cast(unapplied_payments.booked_on as varchar)",
            "received_amount": "cast(unapplied_payments.entry_amount as varchar)",
            "unplaced_amount": "cast(unapplied_payments.unapplied_amount as varchar)",
        }) }} as particulars,
        message_policy.policy_id
    from unapplied_payments
    cross join business_day
    cross join message_policy
    where
        unapplied_payments.booked_on + message_policy.wait_days <= business_day.as_of_date
        and unapplied_payments.booked_on + message_policy.wait_days + message_policy.within_days
        >= business_day.as_of_date
)

select * from final

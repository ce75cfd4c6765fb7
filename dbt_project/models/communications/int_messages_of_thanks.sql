-- Thanks for an episode that was settled by payment.
with thanks as (
    select * from {{ ref("int_episodes_to_thank_for") }}
),

final as (
    select
        thanks.company_id,
        thanks.customer_id,
        thanks.currency,
        'thank_you' as message_kind,
        thanks.occasion,
        min(thanks.class) as class,
        cast(null as varchar) as scenario_id,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        cast(null as varchar) as channel_decided,
        bool_or(thanks.requires_release) as requires_release,
        cast(0 as decimal(18, 2)) as items_amount,
        cast(0 as decimal(18, 2)) as credit_amount,
        cast(0 as decimal(18, 2)) as total_amount,
        cast(null as date) as pay_by_on,
        min(thanks.due_on) as oldest_due_on,
        cast(null as varchar) as next_message_kind,
        cast(null as date) as next_step_on,
        {{ json_object({"settled_amount": "cast(sum(thanks.paid_amount) as varchar)"}) }} as particulars,
        min(thanks.policy_id) as policy_id
    from thanks
    group by thanks.company_id, thanks.customer_id, thanks.currency, thanks.occasion
)

select * from final

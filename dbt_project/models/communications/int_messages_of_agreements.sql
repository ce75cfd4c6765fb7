-- What was agreed by word of mouth, confirmed in writing: what the customer does, what we do, and what follows
-- otherwise.
with agreements as (
    select * from {{ ref("int_agreements_to_confirm") }}
),

final as (
    select
        agreements.company_id,
        agreements.customer_id,
        agreements.currency,
        'agreement_confirmation' as message_kind,
        agreements.occasion,
        min(agreements.class) as class,
        cast(null as varchar) as scenario_id,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        cast(null as varchar) as channel_decided,
        bool_or(agreements.requires_release) as requires_release,
        cast(sum(agreements.claimed_amount) as decimal(18, 2)) as items_amount,
        cast(0 as decimal(18, 2)) as credit_amount,
        cast(sum(agreements.claimed_amount) as decimal(18, 2)) as total_amount,
        min(agreements.pay_by_on) as pay_by_on,
        min(agreements.due_on) as oldest_due_on,
        cast(null as varchar) as next_message_kind,
        cast(null as date) as next_step_on,
        {{ json_object({
            "agreement": "min(agreements.agreement)",
            "agreed_on": "cast(min(agreements.agreed_on) as varchar)",
            "was_due_on": "cast(min(agreements.original_due_on) as varchar)",
            "resumes_on": "cast(min(agreements.resumes_on) as varchar)",
        }) }} as particulars,
        min(agreements.policy_id) as policy_id
    from agreements
    group by agreements.company_id, agreements.customer_id, agreements.currency, agreements.occasion
)

select * from final

-- An invoice that did not arrive is sent again.
with deliveries as (
    select * from {{ ref("int_deliveries_to_repeat") }}
),

final as (
    select
        deliveries.company_id,
        deliveries.customer_id,
        deliveries.currency,
        'receipt_check' as message_kind,
        deliveries.occasion,
        deliveries.class,
        cast(null as varchar) as scenario_id,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        cast(null as varchar) as channel_decided,
        deliveries.requires_release,
        deliveries.open_amount as items_amount,
        cast(0 as decimal(18, 2)) as credit_amount,
        deliveries.open_amount as total_amount,
        deliveries.pay_by_on,
        deliveries.due_on as oldest_due_on,
        cast(null as varchar) as next_message_kind,
        cast(null as date) as next_step_on,
        {{ json_object({"document_path": "deliveries.document_path"}) }} as particulars,
        deliveries.policy_id
    from deliveries
)

select * from final

-- The invoices on messages that are no stage of a track. They are named, and none is taken a stage further by it.
with agreements as (
    select * from {{ ref("int_agreements_to_confirm") }}
),

disputes as (
    select * from {{ ref("int_disputes_to_acknowledge") }}
),

rebills as (
    select * from {{ ref("int_rebills_to_tell") }}
),

deliveries as (
    select * from {{ ref("int_deliveries_to_repeat") }}
),

thanks as (
    select * from {{ ref("int_episodes_to_thank_for") }}
),

named as (
    select
        agreements.company_id,
        agreements.customer_id,
        agreements.currency,
        'agreement_confirmation' as message_kind,
        agreements.occasion,
        agreements.invoice_id,
        agreements.claimed_amount as open_amount
    from agreements
    union all
    select
        disputes.company_id,
        disputes.customer_id,
        disputes.currency,
        'dispute_received' as message_kind,
        disputes.occasion,
        disputes.invoice_id,
        disputes.undisputed_amount as open_amount
    from disputes
    union all
    select
        rebills.company_id,
        rebills.customer_id,
        rebills.currency,
        'rebill_notice' as message_kind,
        rebills.occasion,
        rebills.invoice_id,
        rebills.open_amount
    from rebills
    union all
    select
        deliveries.company_id,
        deliveries.customer_id,
        deliveries.currency,
        'receipt_check' as message_kind,
        deliveries.occasion,
        deliveries.invoice_id,
        deliveries.open_amount
    from deliveries
    union all
    select
        thanks.company_id,
        thanks.customer_id,
        thanks.currency,
        'thank_you' as message_kind,
        thanks.occasion,
        thanks.invoice_id,
        cast(0 as decimal(18, 2)) as open_amount
    from thanks
),

final as (
    select
        named.company_id,
        named.customer_id,
        named.currency,
        named.message_kind,
        named.occasion,
        named.invoice_id,
        named.open_amount,
        cast(0 as bigint) as stage_no,
        cast(0 as bigint) as cycle,
        false as is_acted
    from named
)

select * from final

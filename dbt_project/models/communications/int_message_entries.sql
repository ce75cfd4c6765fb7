-- One row per bank entry weighed for a message planned today: what was placed on its invoices, and what certainly came
-- from this customer but is not placed yet and therefore lowers the claim.
with message_items as (
    select * from {{ ref("int_message_items") }}
),

dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

entries as (
    select * from {{ ref("entries") }}
),

weighed as (
    select
        message_items.company_id,
        message_items.customer_id,
        message_items.currency,
        message_items.invoice_id,
        payment_allocations.entry_key,
        payment_allocations.amount,
        payment_allocations.rung,
        payment_allocations.rule_id,
        payment_allocations.component,
        'allocated' as weighed_as
    from message_items
    inner join payment_allocations
        on
            message_items.company_id = payment_allocations.company_id
            and message_items.invoice_id = payment_allocations.invoice_id
    union all
    select
        dunning_notices.company_id,
        dunning_notices.customer_id,
        dunning_notices.currency,
        null as invoice_id,
        unapplied_payments.entry_key,
        unapplied_payments.unapplied_amount as amount,
        null as rung,
        unapplied_payments.reason as rule_id,
        null as component,
        'unapplied' as weighed_as
    from dunning_notices
    inner join unapplied_payments
        on
            dunning_notices.company_id = unapplied_payments.company_id
            and dunning_notices.customer_id = unapplied_payments.customer_id
            and dunning_notices.currency = unapplied_payments.currency
),

final as (
    select
        weighed.company_id,
        weighed.customer_id,
        weighed.currency,
        weighed.invoice_id,
        weighed.entry_key,
        weighed.component,
        {{ json_object({
            "invoice_id": "weighed.invoice_id",
            "entry_key": "weighed.entry_key",
            "component": "weighed.component",
            "amount": "cast(weighed.amount as varchar)",
            "rung": "weighed.rung",
            "rule_id": "weighed.rule_id",
            "file_sha256": "entries.file_sha256",
            "ordinal": "entries.ordinal",
            "weighed_as": "weighed.weighed_as",
        }) }} as entry_json
    from weighed
    left join entries
        on weighed.entry_key = entries.entry_key
)

select * from final

-- One row per bank entry weighed for a message raised today: what was placed on its invoices, and what certainly came
-- from this customer but is not placed yet: it lowers a claim, or is what the message asks about.
with message_items as (
    select * from {{ ref("int_message_items") }}
),

messages_raised as (
    select * from {{ ref("int_messages_raised") }}
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
        message_items.message_key,
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
        messages_raised.message_key,
        null as invoice_id,
        unapplied_payments.entry_key,
        unapplied_payments.unapplied_amount as amount,
        null as rung,
        unapplied_payments.reason as rule_id,
        null as component,
        'unapplied' as weighed_as
    from messages_raised
    inner join unapplied_payments
        on
            messages_raised.company_id = unapplied_payments.company_id
            and messages_raised.customer_id = unapplied_payments.customer_id
            and messages_raised.currency = unapplied_payments.currency
    where
        messages_raised.occasion is null
        or messages_raised.occasion = 'entry/' || unapplied_payments.entry_key
),

final as (
    select
        weighed.message_key,
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

-- One row per invoice on a message planned today, with everything the message prints of it, as JSON.
with notice_items as (
    select * from {{ ref("dunning_notice_items") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

final as (
    select
        notice_items.company_id,
        notice_items.customer_id,
        notice_items.currency,
        notice_items.invoice_id,
        notice_items.due_on,
        notice_items.open_amount,
        invoice_balances.invoice_number,
        invoice_balances.payment_reference,
        {{ json_object({
            "invoice_id": "notice_items.invoice_id",
            "invoice_number": "invoice_balances.invoice_number",
            "issued_on": "cast(notice_items.issued_on as varchar)",
            "due_on": "cast(notice_items.due_on as varchar)",
            "days_overdue": "notice_items.days_overdue",
            "total_amount": "cast(invoice_balances.total_amount as varchar)",
            "paid_amount": "cast(invoice_balances.paid_amount as varchar)",
            "open_amount": "cast(notice_items.open_amount as varchar)",
            "currency": "notice_items.currency",
            "order_number": "invoice_balances.order_number",
            "project_number": "invoice_balances.project_number",
            "payment_reference": "invoice_balances.payment_reference",
            "stage_no": "notice_items.stage_no",
            "cycle": "notice_items.cycle",
            "is_acted": "notice_items.is_acted",
        }) }} as item_json
    from notice_items
    inner join invoice_balances
        on
            notice_items.company_id = invoice_balances.company_id
            and notice_items.invoice_id = invoice_balances.invoice_id
)

select * from final

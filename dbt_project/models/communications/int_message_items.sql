-- One row per invoice on a message raised today, with everything the message prints of it, as JSON.
{% set families = ["int_message_items_of_track", "int_message_items_of_occasions"] -%}
with gathered as (
    {% for family in families -%}
        select * from {{ ref(family) }}
        {{ "union all" if not loop.last }}
    {% endfor %}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

notice_charges as (
    select * from {{ ref("notice_charges") }}
),

final as (
    select
        {{ message_key("gathered") }} as message_key,
        gathered.company_id,
        gathered.customer_id,
        gathered.currency,
        gathered.invoice_id,
        invoice_balances.due_on,
        gathered.open_amount,
        invoice_balances.invoice_number,
        invoice_balances.payment_reference,
        {{ json_object({
            "invoice_id": "gathered.invoice_id",
            "invoice_number": "invoice_balances.invoice_number",
            "issued_on": "cast(invoice_balances.issued_on as varchar)",
            "due_on": "cast(invoice_balances.due_on as varchar)",
            "days_overdue": "invoice_balances.days_overdue",
            "total_amount": "cast(invoice_balances.total_amount as varchar)",
            "paid_amount": "cast(invoice_balances.paid_amount as varchar)",
            "open_amount": "cast(gathered.open_amount as varchar)",
            "currency": "gathered.currency",
            "order_number": "invoice_balances.order_number",
            "project_number": "invoice_balances.project_number",
            "payment_reference": "invoice_balances.payment_reference",
            "stage_no": "gathered.stage_no",
            "cycle": "gathered.cycle",
            "is_acted": "gathered.is_acted",
            "interest_amount": "cast(notice_charges.interest_amount as varchar)",
            "costs_amount": "cast(notice_charges.costs_amount as varchar)",
            "interest_claimed_amount": "cast(notice_charges.interest_claimed_amount as varchar)",
            "costs_claimed_amount": "cast(notice_charges.costs_claimed_amount as varchar)",
        }) }} as item_json
    from gathered
    inner join invoice_balances
        on
            gathered.company_id = invoice_balances.company_id
            and gathered.invoice_id = invoice_balances.invoice_id
    left join notice_charges
        on
            gathered.occasion is null
            and gathered.company_id = notice_charges.company_id
            and gathered.customer_id = notice_charges.customer_id
            and gathered.currency = notice_charges.currency
            and gathered.invoice_id = notice_charges.invoice_id
)

select * from final

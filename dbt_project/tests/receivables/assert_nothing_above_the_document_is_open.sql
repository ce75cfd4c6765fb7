-- A row here is a document with more open than it was issued for, or, unless billing lowered it after it was paid,
-- with less than nothing open. The second is a credit of the customer and counted as one; a person should see it.
{{ config(severity="warn", meta={"dagster": {"ref": {"name": "invoice_balances"}}}) }}

select
    invoice_balances.company_id,
    invoice_balances.invoice_id,
    invoice_balances.total_amount,
    invoice_balances.open_amount
from {{ ref("invoice_balances") }} as invoice_balances
where
    abs(invoice_balances.open_amount) > abs(invoice_balances.total_amount)
    or invoice_balances.open_amount * invoice_balances.total_amount < 0

-- A row here is a company and currency where netting a credit note took more, or less, from its invoice than it gave.
{{ config(meta={"dagster": {"ref": {"name": "invoice_balances"}}}) }}

select
    invoice_balances.company_id,
    invoice_balances.currency,
    sum(invoice_balances.credited_amount) as credited_amount
from {{ ref("invoice_balances") }} as invoice_balances
group by invoice_balances.company_id, invoice_balances.currency
having sum(invoice_balances.credited_amount) <> 0

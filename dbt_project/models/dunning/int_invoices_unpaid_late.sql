-- One row per customer: its open invoices that are late for certain. Not what is disputed, paused by an arrangement,
-- perhaps paid already, or covered by credit; and only some days later than a paid one, since payments are seen late.
with invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

paused_invoices as (
    select * from {{ ref("paused_invoices") }}
),

rules as (
    select * from {{ ref("int_payer_profile_rules") }}
),

final as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        count(*) as invoice_count,
        max(invoice_balances.days_overdue) as longest_days_overdue
    from invoice_balances
    cross join rules
    inner join customer_balances
        on
            invoice_balances.company_id = customer_balances.company_id
            and invoice_balances.customer_id = customer_balances.customer_id
            and invoice_balances.currency = customer_balances.currency
    left join paused_invoices
        on
            invoice_balances.company_id = paused_invoices.company_id
            and invoice_balances.invoice_id = paused_invoices.invoice_id
    where
        invoice_balances.kind = 'invoice'
        and invoice_balances.open_amount > 0
        and invoice_balances.days_overdue > rules.overdue_after_days
        and invoice_balances.disputed_amount + invoice_balances.doubtful_amount < invoice_balances.open_amount
        and customer_balances.dunnable_amount > 0
        and paused_invoices.invoice_id is null
    group by invoice_balances.company_id, invoice_balances.customer_id
)

select * from final

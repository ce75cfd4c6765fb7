-- One row per company, currency and month looked at: what was invoiced, credit notes taken off; zero when nothing was.
with invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

sales_months as (
    select * from {{ ref("int_sales_months") }}
),

currencies as (
    select distinct
        invoice_balances.company_id,
        invoice_balances.currency
    from invoice_balances
),

invoiced as (
    select
        invoice_balances.company_id,
        invoice_balances.currency,
        cast(date_trunc('month', invoice_balances.issued_on) as date) as month_on,
        sum(invoice_balances.total_amount) as sales_amount
    from invoice_balances
    group by
        invoice_balances.company_id,
        invoice_balances.currency,
        cast(date_trunc('month', invoice_balances.issued_on) as date)
),

final as (
    select
        currencies.company_id,
        currencies.currency,
        sales_months.month_on,
        sales_months.month_no,
        sales_months.day_count,
        sales_months.is_sales_month,
        sales_months.policy_id,
        cast(coalesce(invoiced.sales_amount, 0) as decimal(18, 2)) as sales_amount
    from currencies
    cross join sales_months
    left join invoiced
        on
            currencies.company_id = invoiced.company_id
            and currencies.currency = invoiced.currency
            and sales_months.month_on = invoiced.month_on
)

select * from final

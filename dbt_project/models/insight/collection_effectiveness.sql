with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

sales_months as (
    select * from {{ ref("int_sales_months") }}
),

days_sales_outstanding as (
    select * from {{ ref("days_sales_outstanding") }}
),

period as (
    select min(sales_months.month_on) as from_on
    from sales_months
    where sales_months.is_sales_month
),

documents_before as (
    select
        invoice_balances.company_id,
        invoice_balances.currency,
        sum(invoice_balances.total_amount - invoice_balances.written_off_amount) as amount
    from invoice_balances
    cross join period
    where invoice_balances.issued_on < period.from_on
    group by invoice_balances.company_id, invoice_balances.currency
),

payments_before as (
    select
        payment_allocations.company_id,
        payment_allocations.currency,
        sum(payment_allocations.amount) as amount
    from payment_allocations
    cross join period
    where payment_allocations.booked_on < period.from_on and payment_allocations.component = 'principal'
    group by payment_allocations.company_id, payment_allocations.currency
),

summed as (
    select
        days_sales_outstanding.company_id,
        days_sales_outstanding.currency,
        period.from_on,
        cast(coalesce(documents_before.amount, 0) - coalesce(payments_before.amount, 0) as decimal(18, 2))
            as begin_receivable_amount,
        days_sales_outstanding.sales_amount,
        days_sales_outstanding.receivable_amount as end_receivable_amount,
        days_sales_outstanding.current_amount as end_current_amount,
        days_sales_outstanding.policy_id
    from days_sales_outstanding
    cross join period
    left join documents_before
        on
            days_sales_outstanding.company_id = documents_before.company_id
            and days_sales_outstanding.currency = documents_before.currency
    left join payments_before
        on
            days_sales_outstanding.company_id = payments_before.company_id
            and days_sales_outstanding.currency = payments_before.currency
),

final as (
    select
        business_day.as_of_date,
        summed.company_id,
        summed.currency,
        summed.from_on,
        summed.begin_receivable_amount,
        summed.sales_amount,
        summed.end_receivable_amount,
        summed.end_current_amount,
        cast(
            case
                when summed.begin_receivable_amount + summed.sales_amount - summed.end_current_amount > 0
                    then
                        {{ part_of(
                            "cast(100 as decimal(18, 2))",
                            "cast((summed.begin_receivable_amount + summed.sales_amount - summed.end_receivable_amount) * 100 as bigint)",
                            "cast((summed.begin_receivable_amount + summed.sales_amount - summed.end_current_amount) * 100 as bigint)",
                        ) }}
            end as decimal(18, 2)
        ) as effectiveness_percent,
        summed.policy_id
    from summed
    cross join business_day
)

select * from final

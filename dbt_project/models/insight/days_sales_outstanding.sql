with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

sales_by_month as (
    select * from {{ ref("int_sales_by_month") }}
),

-- Loose credit notes are part of what is receivable, with their own sign; money not yet placed is not taken off.
receivables as (
    select
        invoice_balances.company_id,
        invoice_balances.currency,
        cast(greatest(sum(invoice_balances.open_amount), 0) as decimal(18, 2)) as receivable_amount,
        cast(
            greatest(sum(case when invoice_balances.days_overdue <= 0 then invoice_balances.open_amount else 0 end), 0)
            as decimal(18, 2)
        ) as current_amount
    from invoice_balances
    group by invoice_balances.company_id, invoice_balances.currency
),

sales as (
    select
        sales_by_month.company_id,
        sales_by_month.currency,
        max(sales_by_month.policy_id) as policy_id,
        cast(sum(case when sales_by_month.is_sales_month then sales_by_month.sales_amount else 0 end) as decimal(18, 2))
            as sales_amount,
        cast(sum(case when sales_by_month.is_sales_month then sales_by_month.day_count else 0 end) as bigint)
            as sales_days,
        cast(sum(greatest(sales_by_month.sales_amount, 0)) as decimal(18, 2)) as counted_sales_amount
    from sales_by_month
    group by sales_by_month.company_id, sales_by_month.currency
),

newest_first as (
    select
        sales_by_month.company_id,
        sales_by_month.currency,
        sales_by_month.month_no,
        sales_by_month.day_count,
        greatest(sales_by_month.sales_amount, 0) as sales_amount,
        receivables.receivable_amount
        - coalesce(
            sum(greatest(sales_by_month.sales_amount, 0)) over (
                partition by sales_by_month.company_id, sales_by_month.currency
                order by sales_by_month.month_no
                rows between unbounded preceding and 1 preceding
            ), 0
        ) as left_amount
    from sales_by_month
    inner join receivables
        on
            sales_by_month.company_id = receivables.company_id
            and sales_by_month.currency = receivables.currency
),

-- Months are taken off from the newest back: a whole month counts its days, the last one in proportion.
counted_back as (
    select
        newest_first.company_id,
        newest_first.currency,
        sum(
            case
                when newest_first.left_amount <= 0 then 0
                when newest_first.left_amount >= newest_first.sales_amount then newest_first.day_count
                else
                    {{ part_of(
                        "cast(newest_first.day_count as decimal(18, 2))",
                        "cast(newest_first.left_amount * 100 as bigint)",
                        "cast(newest_first.sales_amount * 100 as bigint)",
                    ) }}
            end
        ) as counted_days
    from newest_first
    group by newest_first.company_id, newest_first.currency
),

figured as (
    select
        receivables.*,
        sales.policy_id,
        sales.sales_amount,
        sales.sales_days,
        sales.counted_sales_amount,
        counted_back.counted_days,
        case
            when sales.sales_amount > 0
                then
                    {{ part_of(
                        "cast(sales.sales_days as decimal(18, 2))",
                        "cast(receivables.receivable_amount * 100 as bigint)",
                        "cast(sales.sales_amount * 100 as bigint)",
                    ) }}
        end as simple_days,
        case
            when sales.sales_amount > 0
                then
                    {{ part_of(
                        "cast(sales.sales_days as decimal(18, 2))",
                        "cast(receivables.current_amount * 100 as bigint)",
                        "cast(sales.sales_amount * 100 as bigint)",
                    ) }}
        end as best_possible_days
    from receivables
    inner join sales
        on
            receivables.company_id = sales.company_id
            and receivables.currency = sales.currency
    inner join counted_back
        on
            receivables.company_id = counted_back.company_id
            and receivables.currency = counted_back.currency
),

final as (
    select
        business_day.as_of_date,
        figured.company_id,
        figured.currency,
        figured.receivable_amount,
        figured.current_amount,
        figured.sales_amount,
        figured.sales_days,
        cast(figured.simple_days as decimal(18, 2)) as simple_days,
        cast(case when figured.counted_sales_amount > 0 then figured.counted_days end as decimal(18, 2))
            as count_back_days,
        figured.receivable_amount > figured.counted_sales_amount as is_count_back_exhausted,
        cast(figured.best_possible_days as decimal(18, 2)) as best_possible_days,
        cast(figured.simple_days - figured.best_possible_days as decimal(18, 2)) as average_days_delinquent,
        figured.policy_id
    from figured
    cross join business_day
)

select * from final

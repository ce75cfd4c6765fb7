with customer_balances as (
    select * from {{ ref("customer_balances") }}
    where open_amount > 0
),

final as (
    select
        customer_balances.as_of_date,
        customer_balances.company_id,
        customer_balances.currency,
        customer_balances.customer_id,
        row_number() over (
            partition by customer_balances.company_id, customer_balances.currency
            order by customer_balances.open_amount desc, customer_balances.customer_id asc
        ) as rank,
        customer_balances.open_amount,
        customer_balances.overdue_amount,
        {{ basis_points(
            "customer_balances.open_amount",
            "sum(customer_balances.open_amount) over (partition by customer_balances.company_id, customer_balances.currency)",
        ) }} as share_basis_points
    from customer_balances
)

select * from final

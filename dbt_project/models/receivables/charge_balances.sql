with invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

charges as (
    select * from {{ ref("stg_register__charges") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

movements as (
    {% for component in ["interest", "costs"] -%}
        select
            charges.company_id,
            charges.invoice_id,
            '{{ component }}' as component,
            charges.{{ component }}_amount as claimed_amount,
            charges.claimed_on,
            cast(0 as decimal(18, 2)) as paid_amount
        from charges
        where charges.next_claimed_on is null
        union all
    {% endfor -%}
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        payment_allocations.component,
        0 as claimed_amount,
        null as claimed_on,
        payment_allocations.amount as paid_amount
    from payment_allocations
    where payment_allocations.component <> 'principal'
),

summed as (
    select
        movements.company_id,
        movements.invoice_id,
        movements.component,
        sum(movements.claimed_amount) as claimed_amount,
        max(movements.claimed_on) as claimed_on,
        sum(movements.paid_amount) as paid_amount
    from movements
    group by movements.company_id, movements.invoice_id, movements.component
),

-- A claim that was lowered or waived after it was paid asks nothing more; nothing is claimed on a cancelled invoice.
final as (
    select
        summed.company_id,
        invoice_balances.as_of_date,
        summed.invoice_id,
        invoice_balances.invoice_number,
        invoice_balances.customer_id,
        summed.component,
        summed.claimed_on,
        cast(case when invoice_balances.is_cancelled then 0 else summed.claimed_amount end as decimal(18, 2))
            as claimed_amount,
        cast(summed.paid_amount as decimal(18, 2)) as paid_amount,
        cast(
            case
                when invoice_balances.is_cancelled then 0
                else greatest(summed.claimed_amount - summed.paid_amount, 0)
            end as decimal(18, 2)
        ) as open_amount,
        invoice_balances.currency
    from summed
    inner join invoice_balances
        on
            summed.company_id = invoice_balances.company_id
            and summed.invoice_id = invoice_balances.invoice_id
    where summed.claimed_amount <> 0 or summed.paid_amount <> 0
)

select * from final

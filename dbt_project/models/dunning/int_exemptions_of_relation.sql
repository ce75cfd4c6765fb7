-- What is never in this track: key accounts belong to their account manager, consumers have other law, and nobody is
-- reminded of what a payment fell short by so little that it was placed all the same.
with open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

by_customer as (
    select
        customers.company_id,
        customers.customer_id,
        'natural_person' as reason_code
    from customers
    where customers.is_natural_person
    union all
    select
        customer_segments.company_id,
        customer_segments.customer_id,
        'key_account' as reason_code
    from customer_segments
    inner join customers
        on
            customer_segments.company_id = customers.company_id
            and customer_segments.customer_id = customers.customer_id
    where customer_segments.segment = 'key' or customers.scenario_id = 'key_account'
),

paid_short as (
    select distinct
        payment_allocations.company_id,
        payment_allocations.invoice_id
    from payment_allocations
    where payment_allocations.rung = 7
),

final as (
    select
        open_items.company_id,
        open_items.invoice_id,
        'small_difference' as reason_code
    from paid_short
    cross join dunning_policy
    inner join open_items
        on
            paid_short.company_id = open_items.company_id
            and paid_short.invoice_id = open_items.invoice_id
            and open_items.open_amount * 10000
            <= open_items.total_amount * dunning_policy.small_difference_basis_points
    union all
    select
        open_items.company_id,
        open_items.invoice_id,
        by_customer.reason_code
    from by_customer
    inner join open_items
        on
            by_customer.company_id = open_items.company_id
            and by_customer.customer_id = open_items.customer_id
)

select * from final

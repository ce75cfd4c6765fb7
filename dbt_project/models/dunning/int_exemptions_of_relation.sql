-- Customers that are never in this track: key accounts belong to their account manager, consumers have other law.
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

final as (
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

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers_reachable as (
    select * from {{ ref("int_customers_reachable") }}
),

final as (
    select
        business_day.as_of_date,
        customers_reachable.company_id,
        customers_reachable.customer_id,
        customers_reachable.is_email_usable,
        customers_reachable.is_email_bounced,
        customers_reachable.is_post_usable
    from customers_reachable
    cross join business_day
)

select * from final

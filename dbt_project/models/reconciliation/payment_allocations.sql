with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as entry_key,
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as component,
        cast(null as decimal(18,2)) as amount,
        cast(null as varchar) as currency,
        cast(null as bigint) as rung,
        cast(null as varchar) as rule_id,
        cast(null as bigint) as score,
        cast(null as varchar) as evidence,
        cast(null as varchar) as policy_id,
        cast(null as date) as booked_on,
        cast(null as date) as allocated_on,
        cast(null as boolean) as is_standing
    from business_day
    where business_day.as_of_date is null
)

select * from final

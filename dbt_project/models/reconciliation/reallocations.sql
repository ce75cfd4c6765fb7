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
        cast(null as decimal(18,2)) as amount,
        cast(null as varchar) as currency,
        cast(null as varchar) as reason,
        cast(null as date) as undone_on,
        cast(null as varchar) as evidence
    from business_day
    where business_day.as_of_date is null
)

select * from final

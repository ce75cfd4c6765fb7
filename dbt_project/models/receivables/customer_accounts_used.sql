with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as account_iban,
        cast(null as bigint) as payment_count,
        cast(null as date) as last_paid_on,
        cast(null as boolean) as is_printed
    from business_day
    where business_day.as_of_date is null
)

select * from final

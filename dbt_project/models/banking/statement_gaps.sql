with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as account_iban,
        cast(null as varchar) as kind,
        cast(null as date) as from_on,
        cast(null as date) as to_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18,2)) as difference_amount,
        cast(null as varchar) as file_sha256,
        cast(null as varchar) as message
    from business_day
    where business_day.as_of_date is null
)

select * from final

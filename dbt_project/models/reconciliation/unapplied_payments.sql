with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as entry_key,
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as customer_id,
        cast(null as decimal(18,2)) as unapplied_amount,
        cast(null as varchar) as currency,
        cast(null as varchar) as reason,
        cast(null as varchar) as explanation,
        cast(null as decimal(18,2)) as entry_amount,
        cast(null as date) as booked_on,
        cast(null as varchar) as account_iban,
        cast(null as varchar) as counterparty_name,
        cast(null as varchar) as counterparty_iban,
        cast(null as varchar) as remittance
    from business_day
    where business_day.as_of_date is null
)

select * from final

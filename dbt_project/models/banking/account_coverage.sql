with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as account_iban,
        cast(null as varchar) as currency,
        cast(null as date) as covered_until_on,
        cast(null as date) as last_statement_on,
        cast(null as date) as expected_until_on,
        cast(null as varchar) as last_statement_key,
        cast(null as decimal(18,2)) as closing_amount,
        cast(null as boolean) as is_covered
    from business_day
    where business_day.as_of_date is null
)

select * from final

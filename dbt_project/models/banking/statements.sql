with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as statement_key,
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as account_iban,
        cast(null as varchar) as currency,
        cast(null as varchar) as format,
        cast(null as varchar) as statement_id,
        cast(null as bigint) as sequence_no,
        cast(null as date) as from_on,
        cast(null as date) as to_on,
        cast(null as decimal(18,2)) as opening_amount,
        cast(null as date) as closing_on,
        cast(null as decimal(18,2)) as closing_amount,
        cast(null as bigint) as entry_count,
        cast(null as varchar) as file_sha256,
        cast(null as bigint) as ordinal
    from business_day
    where business_day.as_of_date is null
)

select * from final

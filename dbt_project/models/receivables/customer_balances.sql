with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as currency,
        cast(null as decimal(18,2)) as open_amount,
        cast(null as decimal(18,2)) as overdue_amount,
        cast(null as decimal(18,2)) as credit_note_amount,
        cast(null as decimal(18,2)) as unplaced_amount,
        cast(null as decimal(18,2)) as unapplied_credit,
        cast(null as decimal(18,2)) as dunnable_amount,
        cast(null as decimal(18,2)) as disputed_amount,
        cast(null as decimal(18,2)) as not_due_amount,
        cast(null as decimal(18,2)) as days_1_30_amount,
        cast(null as decimal(18,2)) as days_31_60_amount,
        cast(null as decimal(18,2)) as days_61_90_amount,
        cast(null as decimal(18,2)) as days_91_120_amount,
        cast(null as decimal(18,2)) as days_over_120_amount,
        cast(null as bigint) as open_invoice_count,
        cast(null as date) as oldest_due_on
    from business_day
    where business_day.as_of_date is null
)

select * from final

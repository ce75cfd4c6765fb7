with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as invoice_number,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as kind,
        cast(null as varchar) as currency,
        cast(null as decimal(18,2)) as total_amount,
        cast(null as decimal(18,2)) as credited_amount,
        cast(null as decimal(18,2)) as paid_amount,
        cast(null as decimal(18,2)) as written_off_amount,
        cast(null as decimal(18,2)) as open_amount,
        cast(null as decimal(18,2)) as disputed_amount,
        cast(null as date) as issued_on,
        cast(null as date) as due_on,
        cast(null as date) as original_due_on,
        cast(null as bigint) as days_overdue,
        cast(null as varchar) as ageing_bucket,
        cast(null as boolean) as is_cancelled,
        cast(null as date) as first_paid_on,
        cast(null as date) as last_paid_on,
        cast(null as date) as settled_on,
        cast(null as varchar) as payment_reference,
        cast(null as varchar) as order_number,
        cast(null as varchar) as project_number
    from business_day
    where business_day.as_of_date is null
)

select * from final

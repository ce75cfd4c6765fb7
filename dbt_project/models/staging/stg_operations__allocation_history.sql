with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        allocation.seq,
        allocation.as_of_date,
        allocation.entry_key,
        allocation.company_id,
        allocation.invoice_id,
        allocation.rule_id,
        allocation.allocated_on
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date < business_day.as_of_date
)

select * from final

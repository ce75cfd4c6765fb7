with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

versions as (
    select
        allocation.*,
        row_number() over (
            partition by allocation.entry_key, allocation.company_id, allocation.invoice_id, allocation.component
            order by allocation.seq desc
        ) as version_rank
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date <= business_day.as_of_date
),

final as (
    select
        versions.seq,
        versions.run_id,
        versions.as_of_date,
        versions.entry_key,
        versions.company_id,
        versions.customer_id,
        versions.invoice_id,
        versions.component,
        versions.amount,
        versions.currency,
        versions.rung,
        versions.rule_id,
        versions.evidence,
        versions.policy_id,
        versions.allocated_on
    from versions
    where versions.version_rank = 1
)

select * from final

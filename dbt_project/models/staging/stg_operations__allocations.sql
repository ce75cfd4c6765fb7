with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- A day that ran twice is known by its last run: the earlier one was computed again from scratch.
recorded as (
    select
        allocation.*,
        last_value(allocation.run_id) over (
            partition by allocation.as_of_date order by allocation.seq
            rows between unbounded preceding and unbounded following
        ) as last_run_id
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date < business_day.as_of_date
),

versions as (
    select
        recorded.*,
        row_number() over (
            partition by recorded.entry_key, recorded.company_id, recorded.invoice_id, recorded.component
            order by recorded.seq desc
        ) as version_rank
    from recorded
    where recorded.run_id = recorded.last_run_id
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

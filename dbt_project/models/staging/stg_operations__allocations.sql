with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- What today's own earlier runs allocated is not read: the day is computed again from the facts.
recorded as (
    select
        allocation.*,
        last_value(allocation.run_id) over (
            partition by allocation.as_of_date
            order by allocation.seq
            rows between unbounded preceding and unbounded following
        ) as last_run_id,
        row_number() over (
            partition by allocation.entry_key, allocation.company_id, allocation.invoice_id, allocation.component
            order by allocation.seq desc
        ) as version_rank
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date < business_day.as_of_date
),

final as (
    select
        recorded.seq,
        recorded.run_id,
        recorded.as_of_date,
        recorded.entry_key,
        recorded.company_id,
        recorded.customer_id,
        recorded.invoice_id,
        recorded.component,
        recorded.amount,
        recorded.currency,
        recorded.rung,
        recorded.rule_id,
        recorded.evidence,
        recorded.policy_id,
        recorded.allocated_on,
        -- A day may have run more than once; what only an earlier run of it allocated can be in the way of the last.
        recorded.run_id = recorded.last_run_id as is_of_last_run
    from recorded
    where recorded.version_rank = 1
)

select * from final

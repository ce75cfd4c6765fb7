with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- What today's own earlier runs allocated is not read: the day is computed again from the facts.
final as (
    select
        allocation.seq,
        allocation.run_id,
        allocation.as_of_date,
        allocation.entry_key,
        allocation.company_id,
        allocation.customer_id,
        allocation.invoice_id,
        allocation.component,
        allocation.amount,
        allocation.currency,
        allocation.rung,
        allocation.rule_id,
        allocation.evidence,
        allocation.policy_id,
        allocation.allocated_on,
        allocation.booked_on,
        allocation.counterparty_iban
    from {{ source("raw", "allocations") }} as allocation
    cross join business_day
    where allocation.as_of_date < business_day.as_of_date
)

select * from final

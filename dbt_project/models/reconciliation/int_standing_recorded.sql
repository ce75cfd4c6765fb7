-- Allocations of earlier days that stand just as they were recorded: nearly all there are. A view over the record,
-- which is not written again every day; only of days that the chapter was built after, so that a run that has begun,
-- and has not come this far yet, shows nothing twice.
{{ config(materialized="view") }}

with recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

days as (
    select * from {{ ref("int_days_allocated") }}
),

set_apart as (
    select * from {{ ref("int_standing_set_apart") }}
),

final as (
    select
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
        recorded.booked_on,
        recorded.counterparty_iban,
        recorded.allocated_on
    from recorded
    inner join days
        on recorded.as_of_date = days.as_of_date
    left join set_apart
        on recorded.seq = set_apart.seq
    where set_apart.seq is null
)

select * from final

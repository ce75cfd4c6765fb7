-- A row here is an entry of which money was made or lost: allocated plus unapplied is not its amount.
{{ config(meta={"dagster": {"ref": {"name": "unapplied_payments"}}}) }}

with placed as (
    select
        payment_allocations.entry_key,
        payment_allocations.amount
    from {{ ref("payment_allocations") }} as payment_allocations
    union all
    select
        unapplied_payments.entry_key,
        unapplied_payments.unapplied_amount
    from {{ ref("unapplied_payments") }} as unapplied_payments
),

placed_of_entries as (
    select
        placed.entry_key,
        sum(placed.amount) as amount
    from placed
    group by placed.entry_key
)

select
    coalesce(entries.entry_key, placed_of_entries.entry_key) as entry_key,
    entries.amount as entry_amount,
    placed_of_entries.amount as placed_amount
from {{ ref("entries") }} as entries
full outer join placed_of_entries
    on entries.entry_key = placed_of_entries.entry_key
where coalesce(entries.amount, 0) <> coalesce(placed_of_entries.amount, 0)

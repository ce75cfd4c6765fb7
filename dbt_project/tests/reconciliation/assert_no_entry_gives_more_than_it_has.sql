-- A row here is an entry whose allocations together exceed it, or that gave although it took.
{{ config(meta={"dagster": {"ref": {"name": "payment_allocations"}}}) }}

with given as (
    select
        payment_allocations.entry_key,
        sum(payment_allocations.amount) as amount
    from {{ ref("payment_allocations") }} as payment_allocations
    group by payment_allocations.entry_key
)

select
    given.entry_key,
    entries.amount as entry_amount,
    given.amount as given_amount
from given
inner join {{ ref("entries") }} as entries
    on given.entry_key = entries.entry_key
where abs(given.amount) > abs(entries.amount) or given.amount * entries.amount < 0

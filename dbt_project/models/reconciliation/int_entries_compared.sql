-- Nearly every entry of the past is placed whole, on the day it came, and nothing has changed since: in one narrow
-- pass, by numbers instead of texts, it is put aside. What remains is compared one by one. An entry too many does no
-- harm, so two keys that share a number both remain.
with entries as (
    select * from {{ ref("entries") }}
),

recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

-- What the bank says of each entry now, and what was recorded of it with each allocation.
sides as (
    select
        {{ hashed(["entries.entry_key"]) }} as key_hash,
        {{ hashed(["entries.booked_on", "entries.counterparty_iban"]) }} as said_hash,
        entries.amount,
        1 as is_entry
    from entries
    union all
    select
        {{ hashed(["recorded.entry_key"]) }} as key_hash,
        {{ hashed(["recorded.booked_on", "recorded.counterparty_iban"]) }} as said_hash,
        -recorded.amount as amount,
        0 as is_entry
    from recorded
),

summed as (
    select
        sides.key_hash,
        sum(sides.is_entry) as entry_count,
        count(*) as side_count,
        sum(sides.is_entry) = 1 and sum(sides.amount) = 0 and min(sides.said_hash) = max(sides.said_hash) as is_whole
    from sides
    group by sides.key_hash
    having
        sum(sides.is_entry) <> 1
        or count(*) <> 2
        or sum(sides.amount) <> 0
        or min(sides.said_hash) <> max(sides.said_hash)
),

-- Placed whole by several allocations, unless one of them took the place of another.
several as (
    select
        summed.key_hash,
        {{ hashed(["recorded.company_id", "recorded.invoice_id", "recorded.component"]) }} as part_hash
    from summed
    inner join recorded
        on summed.key_hash = {{ hashed(["recorded.entry_key"]) }}
    where summed.is_whole
),

whole as (
    select several.key_hash
    from several
    group by several.key_hash
    having count(distinct several.part_hash) = count(*)
),

compared as (
    select summed.*
    from summed
    left join whole
        on summed.key_hash = whole.key_hash
    where whole.key_hash is null
),

final as (
    select
        compared.key_hash,
        entries.entry_key,
        compared.side_count - compared.entry_count as allocation_count
    from compared
    left join entries
        on compared.key_hash = {{ hashed(["entries.entry_key"]) }}
)

select * from final

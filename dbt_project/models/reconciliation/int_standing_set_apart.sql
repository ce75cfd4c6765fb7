-- The recorded allocations of which not the record itself is read but what was found when they were looked at: each in
-- `int_standing_reviewed`, unless a newer version took its place or its entry is no entry any more.
with recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

entries_compared as (
    select distinct entries_compared.key_hash
    from {{ ref("int_entries_compared") }} as entries_compared
),

reviewed as (
    select * from {{ ref("int_standing_reviewed") }}
),

unproven as (
    select * from {{ ref("int_standing_unproven") }}
),

final as (
    select recorded.seq
    from recorded
    inner join entries_compared
        on {{ hashed(["recorded.entry_key"]) }} = entries_compared.key_hash
    union
    select unproven.seq
    from unproven
    union
    select reviewed.seq
    from reviewed
)

select * from final

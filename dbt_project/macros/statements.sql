{#
    CTEs `counted_0` to `counted_<rounds>`, from `candidates` (statement_key) and `rivals` (statement_key, earlier_key:
    one that tells the same days and came before it). First come, first served: a statement counts when no earlier rival
    of it counts. Each round settles what the round before leaves certain, so that no recursion is needed; at the end of
    a chain longer than the rounds a statement stays unsettled, and is in none of them.
#}
{% macro first_come_first_served(rounds) -%}
counted_0 as (
    select candidates.statement_key
    from candidates
    left join rivals
        on candidates.statement_key = rivals.statement_key
    where rivals.statement_key is null
)
    {%- for round in range(1, rounds + 1) %},

set_aside_{{ round }} as (
    select distinct rivals.statement_key
    from rivals
    inner join counted_{{ round - 1 }}
        on rivals.earlier_key = counted_{{ round - 1 }}.statement_key
),

open_{{ round }} as (
    select distinct rivals.statement_key
    from rivals
    left join set_aside_{{ round }}
        on rivals.earlier_key = set_aside_{{ round }}.statement_key
    where set_aside_{{ round }}.statement_key is null
),

counted_{{ round }} as (
    select candidates.statement_key
    from candidates
    left join open_{{ round }}
        on candidates.statement_key = open_{{ round }}.statement_key
    where open_{{ round }}.statement_key is null
)
    {%- endfor %}
{%- endmacro %}

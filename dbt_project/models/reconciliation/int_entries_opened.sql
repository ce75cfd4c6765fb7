-- What is placed whole and stands as recorded has nothing left: only entries that are consulted can be open.
with entries as (
    select entries.*
    from {{ ref("entries") }} as entries
    inner join {{ ref("int_entries_consulted") }} as entries_consulted
        on entries.entry_key = entries_consulted.entry_key
),

standing as (
    select * from {{ ref("int_standing_reviewed") }}
),

returned as (
    select * from {{ ref("int_matches_returned") }}
),

-- A payment that the bank took back is spoken for, whether or not an invoice was found for it.
returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

placed as (
    select
        standing.entry_key,
        standing.amount
    from standing
    where standing.undone_reason is null
    union all
    select
        returned.entry_key,
        returned.amount
    from returned
),

placed_of_entries as (
    select
        placed.entry_key,
        sum(placed.amount) as amount
    from placed
    group by placed.entry_key
),

final as (
    select
        entries.entry_key,
        entries.company_id,
        entries.account_iban,
        entries.booked_on,
        entries.currency,
        entries.amount,
        entries.counterparty_iban,
        entries.is_return or entries.is_reversal as is_return,
        returns_paired.original_key is not null as is_taken_back,
        cast(entries.amount - coalesce(placed_of_entries.amount, 0) as decimal(18, 2)) as left_amount
    from entries
    left join placed_of_entries
        on entries.entry_key = placed_of_entries.entry_key
    left join returns_paired
        on entries.entry_key = returns_paired.original_key
    where entries.amount - coalesce(placed_of_entries.amount, 0) <> 0
)

select * from final

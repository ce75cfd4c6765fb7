with bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

continuing as (
    select
        continued.statement_key,
        continued.continued_key,
        continued.told_from_on
    from {{ ref("int_statements_continued") }} as continued
    where continued.continued_key is not null
),

told_before as (
    select
        continuing.statement_key,
        bank_entries.content_key,
        count(*) as times
    from continuing
    inner join bank_entries
        on
            continuing.continued_key = bank_entries.statement_key
            and continuing.told_from_on <= bank_entries.booked_on
    group by continuing.statement_key, bank_entries.content_key
),

-- Of genuine twins only as many are told again as were told before.
numbered as (
    select
        bank_entries.entry_key,
        bank_entries.statement_key,
        bank_entries.content_key,
        row_number() over (
            partition by bank_entries.statement_key, bank_entries.content_key
            order by bank_entries.ordinal, bank_entries.detail_ordinal
        ) as told_no
    from bank_entries
    inner join continuing
        on bank_entries.statement_key = continuing.statement_key
),

final as (
    select
        numbered.entry_key,
        numbered.statement_key
    from numbered
    inner join told_before
        on
            numbered.statement_key = told_before.statement_key
            and numbered.content_key = told_before.content_key
    where numbered.told_no <= told_before.times
)

select * from final

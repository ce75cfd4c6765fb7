with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_statements as (
    select * from {{ ref("stg_bank__statements") }}
),

statement_choices as (
    select * from {{ ref("statement_choices") }}
),

bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

-- What a person decided about is taken or left whole.
decided as (
    select distinct statement_choices.statement_key
    from statement_choices
    cross join business_day
    where business_day.as_of_date >= statement_choices.decided_on
),

undecided as (
    select bank_statements.*
    from bank_statements
    left join decided
        on bank_statements.statement_key = decided.statement_key
    where decided.statement_key is null and not bank_statements.is_informative
),

-- The same download every day grows: it tells again what an earlier one told, and goes on from there. Of the earlier
-- ones of its format the one that reaches furthest is what it goes on from.
overlapping as (
    select
        later.statement_key,
        later.from_on as told_from_on,
        later.opening_amount,
        earlier.statement_key as continued_key,
        earlier.to_on as continued_until_on,
        earlier.closing_amount as continued_amount,
        row_number() over (
            partition by later.statement_key
            order by earlier.to_on desc, earlier.entry_count desc, earlier.batch_id asc, earlier.statement_key asc
        ) as reach_rank
    from undecided as later
    inner join undecided as earlier
        on
            later.account_iban = earlier.account_iban
            and later.currency = earlier.currency
            and later.format_family = earlier.format_family
            and later.from_on >= earlier.from_on
            and later.from_on <= earlier.to_on
            and later.batch_id >= earlier.batch_id
            and (
                later.to_on > earlier.to_on
                or (later.to_on = earlier.to_on and later.entry_count > earlier.entry_count)
            )
),

furthest as (
    select overlapping.*
    from overlapping
    where overlapping.reach_rank = 1
),

told_before as (
    select
        furthest.statement_key,
        bank_entries.content_key,
        count(*) as times,
        sum(bank_entries.amount) as amount
    from furthest
    inner join bank_entries
        on
            furthest.continued_key = bank_entries.statement_key
            and furthest.told_from_on <= bank_entries.booked_on
    group by furthest.statement_key, bank_entries.content_key
),

told_now as (
    select
        furthest.statement_key,
        bank_entries.content_key,
        count(*) as times
    from furthest
    inner join bank_entries
        on furthest.statement_key = bank_entries.statement_key
    group by furthest.statement_key, bank_entries.content_key
),

compared as (
    select
        told_before.statement_key,
        sum(told_before.amount) as told_amount,
        bool_and(coalesce(told_now.times, 0) >= told_before.times) as is_told_again
    from told_before
    left join told_now
        on
            told_before.statement_key = told_now.statement_key
            and told_before.content_key = told_now.content_key
    group by told_before.statement_key
),

-- Proven by both: every entry of the shared days is there again, and they lead from its opening balance to where the
-- earlier one closed.
continuing as (
    select furthest.*
    from furthest
    left join compared
        on furthest.statement_key = compared.statement_key
    where
        coalesce(compared.is_told_again, true)
        and furthest.opening_amount + coalesce(compared.told_amount, 0) = furthest.continued_amount
),

final as (
    select
        bank_statements.statement_key,
        bank_statements.format,
        bank_statements.format_family,
        bank_statements.account_iban,
        bank_statements.currency,
        bank_statements.statement_id,
        bank_statements.sequence_no,
        bank_statements.from_on as told_from_on,
        continuing.continued_key,
        -- What is left of it begins where the earlier one ends.
        least(coalesce(continuing.continued_until_on + 1, bank_statements.from_on), bank_statements.to_on) as from_on,
        bank_statements.to_on,
        coalesce(continuing.continued_amount, bank_statements.opening_amount) as opening_amount,
        bank_statements.closing_on,
        bank_statements.closing_amount,
        bank_statements.entry_count,
        bank_statements.content_hash,
        bank_statements.is_informative,
        bank_statements.file_sha256,
        bank_statements.ordinal,
        bank_statements.batch_id
    from bank_statements
    left join continuing
        on bank_statements.statement_key = continuing.statement_key
)

select * from final

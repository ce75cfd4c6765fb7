with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- The first arrival of a statement counts: a bank statement is a fact, not a version.
arrivals as (
    select
        statement.*,
        row_number() over (
            partition by statement.statement_key order by statement.batch_id, statement.file_sha256, statement.ordinal
        ) as arrival_rank
    from {{ source("raw", "bank_statements") }} as statement
    cross join business_day
    where statement.batch_id <= business_day.batch_watermark
),

-- What a statement books, as one number: equal for two statements that book the same, in whatever order.
booked as (
    select
        entry.statement_key,
        min(entry.booked_on) as first_booked_on,
        {{ multiset_hash("entry.content_key") }} as content_hash
    from {{ source("raw", "bank_entries") }} as entry
    cross join business_day
    where entry.batch_id <= business_day.batch_watermark
    group by entry.statement_key
),

-- A period that ends after the closing balance is claimed, not shown: what is known ends with the balance.
dated as (
    select
        arrivals.*,
        coalesce(arrivals.from_on, arrivals.opening_on, arrivals.closing_on) as stated_from_on,
        least(coalesce(arrivals.to_on, arrivals.closing_on), coalesce(arrivals.closing_on, arrivals.to_on)) as until_on,
        booked.first_booked_on,
        booked.content_hash
    from arrivals
    left join booked
        on arrivals.statement_key = booked.statement_key
    where arrivals.arrival_rank = 1
),

final as (
    select
        dated.statement_key,
        dated.format,
        case when dated.format like 'camt.%' then left(dated.format, 8) else dated.format end as format_family,
        {{ normalised_iban("dated.account_iban") }} as account_iban,
        upper(dated.currency) as currency,
        dated.statement_id,
        dated.sequence_no,
        -- An opening balance carries the date of the closing balance before it: the day after is the first one covered.
        -- Only a camt may give its first day there, and then its entries say so.
        case
            when
                dated.stated_from_on = dated.opening_on
                and dated.opening_on < dated.until_on
                and (dated.format not like 'camt.%' or coalesce(dated.first_booked_on > dated.opening_on, true))
                then dated.opening_on + 1
            else least(dated.stated_from_on, dated.until_on)
        end as from_on,
        dated.until_on as to_on,
        dated.opening_on,
        dated.opening_amount,
        dated.closing_on,
        dated.closing_amount,
        dated.entry_count,
        dated.content_hash,
        coalesce(dated.is_informative, false) as is_informative,
        dated.file_sha256,
        dated.ordinal,
        dated.batch_id
    from dated
)

select * from final

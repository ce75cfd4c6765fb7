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
    where
        statement.batch_id <= business_day.batch_watermark
        and coalesce(statement.closing_on, statement.to_on) <= business_day.as_of_date
),

final as (
    select
        arrivals.statement_key,
        arrivals.format,
        {{ normalised_iban("arrivals.account_iban") }} as account_iban,
        upper(arrivals.currency) as currency,
        arrivals.statement_id,
        arrivals.sequence_no,
        coalesce(arrivals.from_on, arrivals.opening_on, arrivals.closing_on) as from_on,
        coalesce(arrivals.to_on, arrivals.closing_on) as to_on,
        arrivals.opening_on,
        arrivals.opening_amount,
        arrivals.closing_on,
        arrivals.closing_amount,
        arrivals.entry_count,
        coalesce(arrivals.is_informative, false) as is_informative,
        arrivals.file_sha256,
        arrivals.ordinal,
        arrivals.batch_id
    from arrivals
    where arrivals.arrival_rank = 1
)

select * from final

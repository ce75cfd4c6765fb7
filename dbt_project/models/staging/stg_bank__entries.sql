with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

informative_statements as (
    select distinct statement.statement_key
    from {{ source("raw", "bank_statements") }} as statement
    where statement.is_informative
),

-- The same booking in two overlapping files has one entry_key: its first arrival counts.
arrivals as (
    select
        entry.*,
        row_number() over (
            partition by entry.entry_key order by entry.batch_id, entry.file_sha256, entry.ordinal, entry.detail_ordinal
        ) as arrival_rank
    from {{ source("raw", "bank_entries") }} as entry
    cross join business_day
    left join informative_statements
        on entry.statement_key = informative_statements.statement_key
    where
        entry.batch_id <= business_day.batch_watermark
        and entry.booked_on <= business_day.as_of_date
        and informative_statements.statement_key is null
),

final as (
    select
        arrivals.entry_key,
        arrivals.content_key,
        arrivals.statement_key,
        {{ normalised_iban("arrivals.account_iban") }} as account_iban,
        arrivals.booked_on,
        arrivals.valued_on,
        arrivals.amount,
        upper(arrivals.currency) as currency,
        arrivals.bank_reference,
        arrivals.end_to_end_id,
        nullif({{ normalised_reference("arrivals.end_to_end_id") }}, '') as normalised_end_to_end_id,
        arrivals.mandate_id,
        arrivals.creditor_id,
        arrivals.counterparty_name,
        {{ normalised_iban("arrivals.counterparty_iban") }} as counterparty_iban,
        arrivals.counterparty_bic,
        arrivals.structured_reference,
        arrivals.structured_reference_kind,
        arrivals.remittance,
        coalesce(arrivals.is_return, false) as is_return,
        coalesce(arrivals.is_reversal, false) as is_reversal,
        arrivals.return_reason,
        arrivals.transaction_code,
        arrivals.payment_batch_id,
        arrivals.charges_amount,
        arrivals.original_amount,
        arrivals.original_currency,
        arrivals.file_sha256,
        arrivals.ordinal,
        arrivals.detail_ordinal,
        arrivals.parser_version,
        arrivals.batch_id
    from arrivals
    where arrivals.arrival_rank = 1
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

informative_statements as (
    select distinct statement.statement_key
    from {{ source("raw", "bank_statements") }} as statement
    where statement.is_informative
),

arrived as (
    select entry.*
    from {{ source("raw", "bank_entries") }} as entry
    cross join business_day
    left join informative_statements
        on entry.statement_key = informative_statements.statement_key
    where
        entry.batch_id <= business_day.batch_watermark
        and entry.booked_on <= business_day.as_of_date
        and informative_statements.statement_key is null
),

-- The same booking in two overlapping files has one entry_key: its first arrival counts. Only what did arrive twice is
-- ranked; keys are told apart by a number first, of which a few too many may be equal.
repeated_numbers as (
    select {{ hashed(["arrived.entry_key"]) }} as key_hash
    from arrived
    group by {{ hashed(["arrived.entry_key"]) }}
    having count(*) > 1
),

ranked as (
    select
        arrived.*,
        1 as arrival_rank
    from arrived
    left join repeated_numbers
        on {{ hashed(["arrived.entry_key"]) }} = repeated_numbers.key_hash
    where repeated_numbers.key_hash is null
    union all
    select
        arrived.*,
        row_number() over (
            partition by arrived.entry_key
            order by arrived.batch_id, arrived.file_sha256, arrived.ordinal, arrived.detail_ordinal
        ) as arrival_rank
    from arrived
    inner join repeated_numbers
        on {{ hashed(["arrived.entry_key"]) }} = repeated_numbers.key_hash
),

arrivals as (
    select ranked.*
    from ranked
    where ranked.arrival_rank = 1
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
        arrivals.details_lacking,
        arrivals.payment_count,
        arrivals.servicer_reference,
        arrivals.entry_reference,
        arrivals.file_sha256,
        arrivals.ordinal,
        arrivals.detail_ordinal,
        arrivals.parser_version,
        arrivals.batch_id
    from arrivals
)

select * from final

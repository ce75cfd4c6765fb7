with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- Only where a statement books sums without their details is there anything to look up.
accounts_with_sums as (
    select distinct entry.account_iban
    from {{ source("raw", "bank_entries") }} as entry
    where entry.details_lacking is not null
),

-- What stands together: the details of one notified entry, else the entries that name one batch or one booking. An
-- entry that itself lacks its details tells nothing.
grouped as (
    select
        entry.*,
        entry.statement_key || '/'
        || case
            when entry.detail_ordinal > 0 then 'entry ' || (entry.ordinal - entry.detail_ordinal)
            when
                entry.payment_batch_id is not null
                then 'batch ' || {{ normalised_reference("entry.payment_batch_id") }} || '/' || sign(entry.amount)
            when
                entry.servicer_reference is not null
                then 'booking ' || {{ normalised_reference("entry.servicer_reference") }} || '/' || sign(entry.amount)
            else 'single ' || entry.ordinal
        end as group_key
    from {{ source("raw", "notified_entries") }} as entry
    cross join business_day
    inner join accounts_with_sums
        on entry.account_iban = accounts_with_sums.account_iban
    where entry.batch_id <= business_day.batch_watermark and entry.details_lacking is null
),

final as (
    select
        grouped.entry_key,
        grouped.content_key,
        grouped.group_key,
        grouped.statement_key,
        {{ normalised_iban("grouped.account_iban") }} as account_iban,
        grouped.booked_on,
        grouped.amount,
        upper(grouped.currency) as currency,
        grouped.bank_reference,
        grouped.end_to_end_id,
        nullif({{ normalised_reference("grouped.end_to_end_id") }}, '') as normalised_end_to_end_id,
        grouped.mandate_id,
        grouped.creditor_id,
        grouped.counterparty_name,
        {{ normalised_iban("grouped.counterparty_iban") }} as counterparty_iban,
        grouped.counterparty_bic,
        grouped.structured_reference,
        grouped.structured_reference_kind,
        grouped.remittance,
        coalesce(grouped.is_return, false) as is_return,
        coalesce(grouped.is_reversal, false) as is_reversal,
        grouped.return_reason,
        grouped.transaction_code,
        grouped.payment_batch_id,
        nullif({{ normalised_reference("grouped.payment_batch_id") }}, '') as batch_reference,
        nullif({{ normalised_reference("grouped.servicer_reference") }}, '') as servicer_reference,
        nullif({{ normalised_reference("grouped.entry_reference") }}, '') as entry_reference,
        grouped.charges_amount,
        grouped.original_amount,
        grouped.original_currency,
        grouped.file_sha256,
        grouped.ordinal,
        grouped.detail_ordinal,
        grouped.parser_version,
        grouped.batch_id
    from grouped
)

select * from final

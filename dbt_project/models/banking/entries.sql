with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

account_owners as (
    select * from {{ ref("stg_billing__account_owners") }}
),

-- Told by another statement already, or by one that is no source of its account: taken once, or not at all.
set_aside as (
    select weighed.statement_key
    from {{ ref("int_statements_weighed") }} as weighed
    where weighed.set_aside_reason is not null
),

-- Told by the statement it goes on from.
repeated as (
    select * from {{ ref("int_entries_repeated") }}
),

-- Sums whose details a notification tells: the details stand for them, each where and when the sum was booked.
detailed as (
    select
        batches.entry_key,
        batches.group_key
    from {{ ref("int_batches_detailed") }} as batches
    where batches.group_key is not null
),

notified as (
    select * from {{ ref("stg_bank__notified_entries") }}
),

counted as (
    select
        bank_entries.entry_key,
        account_owners.company_id,
        business_day.as_of_date,
        bank_entries.account_iban,
        bank_entries.booked_on,
        bank_entries.valued_on,
        bank_entries.amount,
        bank_entries.currency,
        bank_entries.counterparty_name,
        bank_entries.counterparty_iban,
        bank_entries.counterparty_bic,
        bank_entries.end_to_end_id,
        bank_entries.mandate_id,
        bank_entries.structured_reference,
        bank_entries.structured_reference_kind,
        bank_entries.remittance,
        bank_entries.is_return,
        bank_entries.is_reversal,
        bank_entries.return_reason,
        bank_entries.transaction_code,
        bank_entries.bank_reference,
        bank_entries.payment_batch_id,
        bank_entries.statement_key,
        bank_entries.file_sha256,
        bank_entries.ordinal,
        bank_entries.detail_ordinal
    from bank_entries
    inner join account_owners
        on bank_entries.account_iban = account_owners.account_iban
    left join set_aside
        on bank_entries.statement_key = set_aside.statement_key
    left join repeated
        on
            bank_entries.entry_key = repeated.entry_key
            and bank_entries.statement_key = repeated.statement_key
    left join detailed
        on bank_entries.entry_key = detailed.entry_key
    cross join business_day
    where set_aside.statement_key is null and repeated.entry_key is null and detailed.entry_key is null
),

details as (
    select
        notified.entry_key,
        account_owners.company_id,
        business_day.as_of_date,
        bank_entries.account_iban,
        bank_entries.booked_on,
        bank_entries.valued_on,
        notified.amount,
        bank_entries.currency,
        notified.counterparty_name,
        notified.counterparty_iban,
        notified.counterparty_bic,
        notified.end_to_end_id,
        notified.mandate_id,
        notified.structured_reference,
        notified.structured_reference_kind,
        notified.remittance,
        notified.is_return or bank_entries.is_return as is_return,
        notified.is_reversal or bank_entries.is_reversal as is_reversal,
        coalesce(notified.return_reason, bank_entries.return_reason) as return_reason,
        coalesce(notified.transaction_code, bank_entries.transaction_code) as transaction_code,
        coalesce(notified.bank_reference, bank_entries.bank_reference) as bank_reference,
        coalesce(notified.payment_batch_id, bank_entries.payment_batch_id) as payment_batch_id,
        bank_entries.statement_key,
        notified.file_sha256,
        notified.ordinal,
        notified.detail_ordinal
    from detailed
    inner join bank_entries
        on detailed.entry_key = bank_entries.entry_key
    inner join notified
        on detailed.group_key = notified.group_key
    inner join account_owners
        on bank_entries.account_iban = account_owners.account_iban
    cross join business_day
),

final as (
    select * from counted
    union all
    select * from details
)

select * from final

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

final as (
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
    cross join business_day
    where set_aside.statement_key is null and repeated.entry_key is null
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_statements as (
    select * from {{ ref("stg_bank__statements") }}
),

account_owners as (
    select * from {{ ref("stg_billing__account_owners") }}
),

final as (
    select
        bank_statements.statement_key,
        account_owners.company_id,
        business_day.as_of_date,
        bank_statements.account_iban,
        bank_statements.currency,
        bank_statements.format,
        bank_statements.statement_id,
        bank_statements.sequence_no,
        bank_statements.from_on,
        bank_statements.to_on,
        bank_statements.opening_amount,
        bank_statements.closing_on,
        bank_statements.closing_amount,
        bank_statements.entry_count,
        bank_statements.file_sha256,
        bank_statements.ordinal
    from bank_statements
    inner join account_owners
        on bank_statements.account_iban = account_owners.account_iban
    cross join business_day
    where not bank_statements.is_informative
)

select * from final

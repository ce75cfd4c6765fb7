with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        cast(null as varchar) as entry_key,
        cast(null as varchar) as company_id,
        business_day.as_of_date,
        cast(null as varchar) as account_iban,
        cast(null as date) as booked_on,
        cast(null as date) as valued_on,
        cast(null as decimal(18,2)) as amount,
        cast(null as varchar) as currency,
        cast(null as varchar) as counterparty_name,
        cast(null as varchar) as counterparty_iban,
        cast(null as varchar) as counterparty_bic,
        cast(null as varchar) as end_to_end_id,
        cast(null as varchar) as mandate_id,
        cast(null as varchar) as structured_reference,
        cast(null as varchar) as structured_reference_kind,
        cast(null as varchar) as remittance,
        cast(null as boolean) as is_return,
        cast(null as boolean) as is_reversal,
        cast(null as varchar) as return_reason,
        cast(null as varchar) as transaction_code,
        cast(null as varchar) as bank_reference,
        cast(null as varchar) as payment_batch_id,
        cast(null as varchar) as statement_key,
        cast(null as varchar) as file_sha256,
        cast(null as bigint) as ordinal,
        cast(null as bigint) as detail_ordinal
    from business_day
    where business_day.as_of_date is null
)

select * from final

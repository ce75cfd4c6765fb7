with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- Every version counts: an account a company has closed keeps its old entries.
named_accounts as (
    select
        log.company_id,
        {{ normalised_iban("account.element") }} as account_iban,
        log.batch_id
    from {{ source("raw", "companies") }} as log
    cross join business_day
    cross join {{ unnested(split_text("log.iban", ";"), "account") }}
    where log.batch_id <= business_day.batch_watermark
),

ranked as (
    select
        named_accounts.account_iban,
        named_accounts.company_id,
        row_number() over (
            partition by named_accounts.account_iban
            order by named_accounts.batch_id desc, named_accounts.company_id asc
        ) as owner_rank
    from named_accounts
    where named_accounts.account_iban is not null
),

final as (
    select
        ranked.account_iban,
        ranked.company_id
    from ranked
    where ranked.owner_rank = 1
)

select * from final

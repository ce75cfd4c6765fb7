-- Accounts that policy says pay for many, by number or by the name of their holder. A row only ever excludes.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

shared_accounts as (
    select * from {{ ref("shared_accounts") }}
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

entries as (
    select * from {{ ref("entries") }}
),

declared as (
    select
        shared_accounts.kind,
        shared_accounts.match_by,
        shared_accounts.company_id,
        case
            when shared_accounts.match_by = 'iban' then {{ normalised_iban("shared_accounts.value") }}
            else {{ normalised_name("shared_accounts.value") }}
        end as value
    from shared_accounts
    cross join business_day
    where
        shared_accounts.valid_from <= business_day.as_of_date
        and coalesce(shared_accounts.valid_to, business_day.as_of_date) >= business_day.as_of_date
),

-- Few holders, many entries: names are compared once each.
holders as (
    select distinct entries.counterparty_name
    from entries
    where entries.counterparty_name is not null
),

compared as (
    select
        holders.counterparty_name,
        {{ normalised_name("holders.counterparty_name") }} as name
    from holders
),

named_holders as (
    select
        compared.counterparty_name,
        declared.company_id,
        declared.kind
    from compared
    inner join declared
        on
            declared.match_by = 'name'
            and compared.name = declared.value
    union all
    select
        compared.counterparty_name,
        declared.company_id,
        declared.kind
    from compared
    inner join declared
        on
            declared.match_by = 'word'
            and position(' ' || declared.value || ' ' in ' ' || compared.name || ' ') > 0
),

preset as (
    select
        entries.company_id,
        entries.counterparty_iban as iban,
        named_holders.kind,
        named_holders.counterparty_name as holder
    from named_holders
    inner join entries
        on
            named_holders.counterparty_name = entries.counterparty_name
            and coalesce(named_holders.company_id, entries.company_id) = entries.company_id
    where entries.counterparty_iban is not null
    union all
    select
        companies.company_id,
        declared.value as iban,
        declared.kind,
        cast(null as varchar) as holder
    from declared
    inner join companies
        on
            declared.match_by = 'iban'
            and coalesce(declared.company_id, companies.company_id) = companies.company_id
),

final as (
    select
        preset.company_id,
        preset.iban,
        min(preset.kind) as kind,
        min(preset.holder) as holder
    from preset
    group by preset.company_id, preset.iban
)

select * from final

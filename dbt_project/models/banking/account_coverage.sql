with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__company_accounts") }}
),

chained as (
    select * from {{ ref("int_statements_chained") }}
),

statement_policy as (
    select * from {{ ref("statement_policy") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

-- The most particular policy of the day: that of the account, else of the company, else the general one.
policies as (
    select
        company_accounts.company_id,
        company_accounts.account_iban,
        statement_policy.allowed_bank_days,
        row_number() over (
            partition by company_accounts.company_id, company_accounts.account_iban
            order by
                case
                    when statement_policy.account_iban <> '*' then 1
                    when statement_policy.company_id <> '*' then 2
                    else 3
                end
        ) as particular_rank
    from company_accounts
    cross join business_day
    inner join statement_policy
        on
            statement_policy.company_id in ('*', company_accounts.company_id)
            and statement_policy.account_iban in ('*', company_accounts.account_iban)
            and business_day.as_of_date >= statement_policy.valid_from
            and coalesce(statement_policy.valid_to, business_day.as_of_date) >= business_day.as_of_date
),

expectations as (
    select
        policies.company_id,
        policies.account_iban,
        expected_day.date_day as expected_until_on
    from policies
    cross join business_day
    inner join bank_days as yesterday
        on business_day.as_of_date - 1 = yesterday.date_day
    inner join bank_days as expected_day
        on
            yesterday.bank_day_no - policies.allowed_bank_days = expected_day.bank_day_no
            and expected_day.is_bank_day
    where policies.particular_rank = 1
),

newest as (
    select
        chained.*,
        row_number() over (
            partition by chained.account_iban
            order by chained.to_on desc, chained.from_on desc, chained.statement_key desc
        ) as newest_rank
    from chained
),

first_breaks as (
    select
        chained.account_iban,
        min(chained.previous_to_on) as unbroken_until_on
    from chained
    where chained.break_kind is not null
    group by chained.account_iban
),

final as (
    select
        company_accounts.company_id,
        business_day.as_of_date,
        company_accounts.account_iban,
        newest.currency,
        coalesce(first_breaks.unbroken_until_on, newest.to_on) as covered_until_on,
        newest.to_on as last_statement_on,
        expectations.expected_until_on,
        newest.statement_key as last_statement_key,
        newest.closing_amount,
        coalesce(
            coalesce(first_breaks.unbroken_until_on, newest.to_on) >= expectations.expected_until_on, false
        ) as is_covered
    from company_accounts
    cross join business_day
    inner join expectations
        on
            company_accounts.company_id = expectations.company_id
            and company_accounts.account_iban = expectations.account_iban
    left join newest
        on
            company_accounts.account_iban = newest.account_iban
            and newest.newest_rank = 1
    left join first_breaks
        on company_accounts.account_iban = first_breaks.account_iban
)

select * from final

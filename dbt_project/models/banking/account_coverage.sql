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
        expected_day.date_day as expected_until_on,
        last_bank_day.date_day as bank_day_before_on
    from policies
    cross join business_day
    inner join bank_days as yesterday
        on business_day.as_of_date - 1 = yesterday.date_day
    inner join bank_days as expected_day
        on
            yesterday.bank_day_no - policies.allowed_bank_days = expected_day.bank_day_no
            and expected_day.is_bank_day
    inner join bank_days as last_bank_day
        on
            yesterday.bank_day_no = last_bank_day.bank_day_no
            and last_bank_day.is_bank_day
    where policies.particular_rank = 1
),

-- Up to where the statements of each currency follow one another. What follows a break begins on the day that broke.
pockets as (
    select
        chained.account_iban,
        chained.currency,
        max(chained.to_on) as last_statement_on,
        max(chained.chain_no) as last_chain_no,
        least(
            min(least(chained.previous_to_on, chained.from_on - 1)) filter (where chained.break_kind is not null),
            max(chained.to_on)
        ) as covered_until_on
    from chained
    group by chained.account_iban, chained.currency
),

newest as (
    select
        pockets.*,
        chained.statement_key,
        chained.closing_amount,
        max(pockets.last_statement_on) over (partition by pockets.account_iban) as account_last_statement_on
    from pockets
    inner join chained
        on
            pockets.account_iban = chained.account_iban
            and pockets.currency = chained.currency
            and pockets.last_chain_no = chained.chain_no
),

-- An account of several currencies is covered as far as the one that lags most. One that was emptied is closed: no
-- further statement of it is waited for.
ranked as (
    select
        newest.*,
        row_number() over (
            partition by newest.account_iban
            order by
                newest.closing_amount = 0 and newest.last_statement_on < newest.account_last_statement_on,
                newest.covered_until_on,
                newest.currency
        ) as lag_rank
    from newest
),

final as (
    select
        company_accounts.company_id,
        business_day.as_of_date,
        company_accounts.account_iban,
        ranked.currency,
        ranked.covered_until_on,
        ranked.last_statement_on,
        expectations.expected_until_on,
        expectations.bank_day_before_on,
        ranked.statement_key as last_statement_key,
        ranked.closing_amount,
        coalesce(ranked.covered_until_on >= expectations.expected_until_on, false) as is_covered
    from company_accounts
    cross join business_day
    inner join expectations
        on
            company_accounts.company_id = expectations.company_id
            and company_accounts.account_iban = expectations.account_iban
    left join ranked
        on
            company_accounts.account_iban = ranked.account_iban
            and ranked.lag_rank = 1
)

select * from final

-- One row per company: the last day of which every account's statement is in. The closed days after it are known too.
with account_coverage as (
    select * from {{ ref("account_coverage") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

covered as (
    select
        account_coverage.company_id,
        min(coalesce(account_coverage.covered_until_on, cast('1900-01-01' as date))) as covered_until_on
    from account_coverage
    group by account_coverage.company_id
),

final as (
    select
        covered.company_id,
        max(known_days.date_day) as known_until_on
    from covered
    inner join bank_days as last_days
        on covered.covered_until_on = last_days.date_day
    inner join bank_days as known_days
        on last_days.bank_day_no = known_days.bank_day_no
    group by covered.company_id
)

select * from final

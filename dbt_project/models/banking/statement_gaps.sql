with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

account_coverage as (
    select * from {{ ref("account_coverage") }}
),

chained as (
    select * from {{ ref("int_statements_chained") }}
),

bank_statements as (
    select * from {{ ref("stg_bank__statements") }}
),

quarantined_files as (
    select * from {{ ref("stg_bank__quarantined_files") }}
),

breaks as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        chained.break_kind as kind,
        least(chained.previous_to_on + 1, chained.from_on) as from_on,
        greatest(chained.from_on - 1, least(chained.previous_to_on + 1, chained.from_on)) as to_on,
        chained.currency,
        chained.difference_amount,
        cast(null as varchar) as file_sha256,
        case
            when chained.break_kind = 'missing_statement'
                then
                    'Between the statement up to ' || chained.previous_to_on || ' and the one from ' || chained.from_on
                    || ' at least one statement is missing'
            else
                'The statement from ' || chained.from_on || ' does not open with the closing balance of '
                || chained.previous_to_on
        end || ' (difference ' || chained.difference_amount || ' ' || chained.currency || ').' as message
    from chained
    inner join account_coverage
        on chained.account_iban = account_coverage.account_iban
    where chained.break_kind is not null
),

stale_accounts as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        'stale' as kind,
        account_coverage.last_statement_on + 1 as from_on,
        account_coverage.expected_until_on as to_on,
        account_coverage.currency,
        cast(null as decimal(18, 2)) as difference_amount,
        cast(null as varchar) as file_sha256,
        'The newest statement ends on ' || account_coverage.last_statement_on || '; the policy asks for '
        || account_coverage.expected_until_on || '.' as message
    from account_coverage
    where account_coverage.last_statement_on < account_coverage.expected_until_on
),

unseen_accounts as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        'no_statement_yet' as kind,
        account_coverage.expected_until_on as from_on,
        account_coverage.as_of_date as to_on,
        account_coverage.currency,
        cast(null as decimal(18, 2)) as difference_amount,
        cast(null as varchar) as file_sha256,
        'No statement of this account has ever arrived.' as message
    from account_coverage
    where account_coverage.last_statement_on is null
),

newest_arrivals as (
    select
        bank_statements.account_iban,
        max(bank_statements.batch_id) as batch_id
    from bank_statements
    where not bank_statements.is_informative
    group by bank_statements.account_iban
),

-- A refused file counts until a later delivery shows, by an unbroken chain up to the day asked for, that all is here.
refused_files as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        'quarantined_file' as kind,
        least(coalesce(account_coverage.covered_until_on + 1, business_day.as_of_date), business_day.as_of_date)
            as from_on,
        business_day.as_of_date as to_on,
        account_coverage.currency,
        cast(null as decimal(18, 2)) as difference_amount,
        quarantined_files.file_sha256,
        'File '
        || coalesce(quarantined_files.original_name, left(quarantined_files.file_sha256, 12))
        || ' was refused ('
        || quarantined_files.code || ').' as message,
        row_number() over (
            partition by account_coverage.account_iban, quarantined_files.file_sha256
            order by quarantined_files.position
        ) as reason_rank
    from quarantined_files
    cross join business_day
    inner join account_coverage
        on quarantined_files.account_iban = account_coverage.account_iban
    left join newest_arrivals
        on quarantined_files.account_iban = newest_arrivals.account_iban
    where
        quarantined_files.inbox = 'bank'
        and not (account_coverage.is_covered and coalesce(newest_arrivals.batch_id > quarantined_files.batch_id, false))
),

gaps as (
    select * from breaks
    union all
    select * from stale_accounts
    union all
    select * from unseen_accounts
    union all
    select
        refused_files.company_id,
        refused_files.account_iban,
        refused_files.kind,
        refused_files.from_on,
        refused_files.to_on,
        refused_files.currency,
        refused_files.difference_amount,
        refused_files.file_sha256,
        refused_files.message
    from refused_files
    where refused_files.reason_rank = 1
),

final as (
    select
        gaps.company_id,
        business_day.as_of_date,
        gaps.account_iban,
        gaps.kind,
        gaps.from_on,
        gaps.to_on,
        gaps.currency,
        gaps.difference_amount,
        gaps.file_sha256,
        gaps.message
    from gaps
    cross join business_day
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

account_coverage as (
    select * from {{ ref("account_coverage") }}
),

chained as (
    select * from {{ ref("int_statements_chained") }}
),

statements as (
    select * from {{ ref("statements") }}
),

quarantined_files as (
    select * from {{ ref("stg_bank__quarantined_files") }}
),

-- The bank corrected itself, it seems: what does not count closes where the next statement opens.
corrections as (
    select
        chained.statement_key,
        min(statements.statement_key) as correction_key
    from chained
    inner join statements
        on
            chained.account_iban = statements.account_iban
            and chained.currency = statements.currency
            and chained.previous_to_on = statements.to_on
            and chained.opening_amount = statements.closing_amount
    where chained.break_kind is not null and statements.set_aside_reason = 'contradiction'
    group by chained.statement_key
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
        chained.statement_key,
        case
            when chained.break_kind = 'missing_statement'
                then
                    'Between the statement up to ' || chained.previous_to_on || ' and the one from ' || chained.from_on
                    || ' at least one statement is missing'
            else
                'The statement from ' || chained.from_on || ' does not open with the closing balance of '
                || chained.previous_to_on
        end || ' (difference ' || chained.difference_amount || ' ' || chained.currency || ').'
        || coalesce(
            ' Statement ' || corrections.correction_key || ', which does not count, closes where this one opens: '
            || 'if the bank corrected itself, count it in statement_choices.',
            ''
        ) as message
    from chained
    inner join account_coverage
        on chained.account_iban = account_coverage.account_iban
    left join corrections
        on chained.statement_key = corrections.statement_key
    where chained.break_kind is not null
),

-- How far what counts goes, per currency, and with which balance.
frontiers as (
    select
        chained.account_iban,
        chained.currency,
        chained.to_on,
        chained.closing_amount,
        row_number() over (
            partition by chained.account_iban, chained.currency order by chained.chain_no desc
        ) as newest_rank
    from chained
),

-- Statements set aside because their days are told already, at or beyond that point: do they say the same? One of them
-- that closes with the same balance is enough, since a day may be cut in several.
set_aside as (
    select
        statements.*,
        frontiers.to_on as counted_until_on,
        frontiers.closing_amount as counted_amount,
        bool_or(
            statements.closing_amount = frontiers.closing_amount
            and (statements.to_on = frontiers.to_on or statements.entry_count = 0)
        ) over (
            partition by statements.account_iban, statements.currency, statements.format_family, statements.to_on
        ) as is_agreed,
        row_number() over (
            partition by statements.account_iban, statements.currency, statements.format_family
            order by statements.to_on desc, statements.arrival_no desc
        ) as newest_rank
    from statements
    inner join frontiers
        on
            statements.account_iban = frontiers.account_iban
            and statements.currency = frontiers.currency
            and frontiers.newest_rank = 1
    where
        statements.set_aside_reason in ('other_format', 'overlap', 'contradiction', 'unsettled')
        and statements.to_on >= frontiers.to_on
),

-- Two statements of one format that begin at one balance, end at one balance, and book different things: no balance
-- will ever tell which of them is right, so a person must.
rewritten as (
    select later.*
    from statements as later
    inner join statements as earlier
        on
            later.counts_instead_key = earlier.statement_key
            and later.closing_amount = earlier.closing_amount
    where later.set_aside_reason = 'contradiction'
),

disagreements as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        case
            when set_aside.to_on > set_aside.counted_until_on then 'missing_statement'
            else 'balance_break'
        end as kind,
        least(greatest(set_aside.from_on, set_aside.counted_until_on + 1), set_aside.to_on) as from_on,
        set_aside.to_on,
        set_aside.currency,
        cast(set_aside.closing_amount - set_aside.counted_amount as decimal(18, 2)) as difference_amount,
        cast(null as varchar) as file_sha256,
        set_aside.statement_key,
        'The ' || set_aside.format_family || ' statement up to ' || set_aside.to_on
        || ' was set aside, because other statements tell part of its days, and closes with '
        || set_aside.closing_amount || ' ' || set_aside.currency || '; what counts ends on '
        || set_aside.counted_until_on || ' with ' || set_aside.counted_amount
        || '. Deliver the days after ' || set_aside.counted_until_on
        || ' in statements of their own, or say in account_sources or statement_choices what counts.' as message
    from set_aside
    inner join account_coverage
        on set_aside.account_iban = account_coverage.account_iban
    where set_aside.newest_rank = 1 and not set_aside.is_agreed
    union all
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        'balance_break' as kind,
        rewritten.from_on,
        rewritten.to_on,
        rewritten.currency,
        cast(0 as decimal(18, 2)) as difference_amount,
        cast(null as varchar) as file_sha256,
        rewritten.statement_key,
        'Two ' || rewritten.format_family || ' statements of ' || rewritten.from_on || ' to ' || rewritten.to_on
        || ' have the same balances and other entries; the first to arrive counts. '
        || 'Say in statement_choices which one is right.' as message
    from rewritten
    inner join account_coverage
        on rewritten.account_iban = account_coverage.account_iban
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
        cast(null as varchar) as statement_key,
        'The newest statement ends on ' || account_coverage.last_statement_on || '; the policy asks for '
        || account_coverage.expected_until_on || '.' as message
    from account_coverage
    where account_coverage.last_statement_on < account_coverage.expected_until_on
),

formats_set_aside as (
    select
        statements.account_iban,
        string_agg(distinct statements.format_family, ', ' order by statements.format_family) as formats
    from statements
    where not statements.is_counted
    group by statements.account_iban
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
        cast(null as varchar) as statement_key,
        case
            when formats_set_aside.account_iban is null then 'No statement of this account has ever arrived.'
            else
                'Statements of this account come as ' || formats_set_aside.formats
                || ', and account_sources or statement_choices sets them aside: none counts.'
        end as message
    from account_coverage
    left join formats_set_aside
        on account_coverage.account_iban = formats_set_aside.account_iban
    where account_coverage.last_statement_on is null
),

newest_arrivals as (
    select
        statements.account_iban,
        max(statements.batch_id) as batch_id
    from statements
    where statements.is_counted
    group by statements.account_iban
),

-- A refused file counts until a later delivery shows, by an unbroken chain up to the day asked for, that all is here.
-- One whose account could not be read may be of any account that is not known up to the last bank day, whatever the
-- policy allows it to lag, until that account is delivered again; where all is known, it is no money we lack.
affected_accounts as (
    select
        account_coverage.company_id,
        account_coverage.account_iban,
        account_coverage.covered_until_on,
        account_coverage.currency,
        quarantined_files.file_sha256,
        quarantined_files.original_name,
        quarantined_files.code,
        quarantined_files.account_iban is not null as is_account_known,
        row_number() over (
            partition by account_coverage.account_iban, quarantined_files.file_sha256
            order by quarantined_files.account_iban is null, quarantined_files.position, quarantined_files.code
        ) as reason_rank
    from quarantined_files
    inner join account_coverage
        on coalesce(quarantined_files.account_iban, account_coverage.account_iban) = account_coverage.account_iban
    left join newest_arrivals
        on account_coverage.account_iban = newest_arrivals.account_iban
    where
        quarantined_files.inbox = 'bank'
        and case
            when quarantined_files.account_iban is not null
                then
                    not (
                        account_coverage.is_covered
                        and coalesce(newest_arrivals.batch_id > quarantined_files.batch_id, false)
                    )
            else
                coalesce(account_coverage.covered_until_on < account_coverage.bank_day_before_on, true)
                and coalesce(newest_arrivals.batch_id <= quarantined_files.batch_id, true)
        end
),

refused_files as (
    select
        affected_accounts.company_id,
        affected_accounts.account_iban,
        'quarantined_file' as kind,
        least(coalesce(affected_accounts.covered_until_on + 1, business_day.as_of_date), business_day.as_of_date)
            as from_on,
        business_day.as_of_date as to_on,
        affected_accounts.currency,
        cast(null as decimal(18, 2)) as difference_amount,
        affected_accounts.file_sha256,
        cast(null as varchar) as statement_key,
        'File '
        || coalesce(affected_accounts.original_name, left(affected_accounts.file_sha256, 12))
        || ' was refused ('
        || affected_accounts.code
        || case when affected_accounts.is_account_known then ').' else '); it may be of this account.' end as message
    from affected_accounts
    cross join business_day
    where affected_accounts.reason_rank = 1
),

gaps as (
    select * from breaks
    union all
    select * from disagreements
    union all
    select * from stale_accounts
    union all
    select * from unseen_accounts
    union all
    select * from refused_files
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
        gaps.statement_key,
        gaps.message
    from gaps
    cross join business_day
)

select * from final

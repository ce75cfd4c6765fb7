with statements as (
    select * from {{ ref("statements") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

accepted_gaps as (
    select * from {{ ref("accepted_gaps") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

ordered as (
    select
        statements.company_id,
        statements.account_iban,
        statements.currency,
        statements.statement_key,
        statements.format,
        statements.sequence_no,
        statements.from_on,
        statements.to_on,
        statements.opening_amount,
        statements.closing_amount,
        lag(statements.statement_key) over chain as previous_statement_key,
        lag(statements.format) over chain as previous_format,
        lag(statements.sequence_no) over chain as previous_sequence_no,
        lag(statements.to_on) over chain as previous_to_on,
        lag(statements.closing_amount) over chain as previous_closing_amount
    from statements
    window chain as (
        partition by statements.account_iban, statements.currency
        order by
            statements.from_on,
            statements.to_on,
            statements.sequence_no,
            statements.ordinal,
            statements.statement_key
    )
),

measured as (
    select
        ordered.*,
        cast(
            ordered.opening_amount - ordered.previous_closing_amount as decimal(18, 2)
        ) as difference_amount,
        coalesce(ordered.opening_amount <> ordered.previous_closing_amount, false) as is_balance_broken,
        -- A number is skipped only within one series: same format, and not the restart at 1 of a new year.
        coalesce(
            ordered.format = ordered.previous_format
            and ordered.sequence_no > ordered.previous_sequence_no + 1
            and not (
                extract(year from ordered.from_on) > extract(year from ordered.previous_to_on)
                and ordered.sequence_no = 1
            ),
            false
        ) as is_number_skipped,
        coalesce(
            ordered.format = ordered.previous_format
            and ordered.sequence_no = ordered.previous_sequence_no + 1,
            false
        ) as is_number_next,
        coalesce(before_opening.bank_day_no - at_closing.bank_day_no, 0) as bank_days_between
    from ordered
    left join bank_days as at_closing
        on ordered.previous_to_on = at_closing.date_day
    left join bank_days as before_opening
        on ordered.from_on - 1 = before_opening.date_day
),

judged as (
    select
        measured.company_id,
        measured.account_iban,
        measured.currency,
        measured.statement_key,
        measured.from_on,
        measured.to_on,
        measured.closing_amount,
        measured.previous_statement_key,
        measured.previous_to_on,
        measured.difference_amount,
        case
            -- Balances meet and no bank day lies between: a skipped number is the bank's own numbering.
            when measured.is_number_skipped and (measured.is_balance_broken or measured.bank_days_between > 0)
                then 'missing_statement'
            when measured.is_balance_broken and not measured.is_number_next and measured.bank_days_between > 0
                then 'missing_statement'
            when measured.is_balance_broken then 'balance_break'
        end as break_kind
    from measured
),

-- A break somebody has looked into and accepted (the bank can no longer deliver, the money was found) holds no one.
accepted as (
    select distinct judged.statement_key
    from judged
    cross join business_day
    inner join accepted_gaps
        on
            judged.company_id = accepted_gaps.company_id
            and judged.account_iban = accepted_gaps.account_iban
            and judged.previous_to_on >= accepted_gaps.from_on - 1
            and judged.from_on <= accepted_gaps.to_on + 1
            and business_day.as_of_date >= accepted_gaps.accepted_on
    where judged.break_kind is not null
),

final as (
    select
        judged.company_id,
        judged.account_iban,
        judged.currency,
        judged.statement_key,
        judged.from_on,
        judged.to_on,
        judged.closing_amount,
        judged.previous_statement_key,
        judged.previous_to_on,
        judged.difference_amount,
        case when accepted.statement_key is null then judged.break_kind end as break_kind
    from judged
    left join accepted
        on judged.statement_key = accepted.statement_key
)

select * from final

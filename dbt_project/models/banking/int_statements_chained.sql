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

-- Several statements may end on one day: cut during the day, or pages. Each opening balance there is paired with an
-- equal closing balance of the same day, the first with the first and so on.
paired as (
    select
        statements.*,
        row_number() over opening_balance as opening_no,
        row_number() over closing_balance as closing_no,
        row_number() over (
            partition by statements.account_iban, statements.currency, statements.to_on
            order by statements.from_on, statements.sequence_no, statements.arrival_no
        ) as day_no
    from statements
    where statements.is_counted
    window
        opening_balance as (
            partition by statements.account_iban, statements.currency, statements.to_on, statements.opening_amount
            order by statements.arrival_no
        ),
        closing_balance as (
            partition by statements.account_iban, statements.currency, statements.to_on, statements.closing_amount
            order by statements.arrival_no
        )
),

marked as (
    select
        paired.*,
        before.statement_key is null as is_day_opening,
        after.statement_key is null as is_day_closing
    from paired
    left join paired as before
        on
            paired.account_iban = before.account_iban
            and paired.currency = before.currency
            and paired.to_on = before.to_on
            and paired.opening_amount = before.closing_amount
            and paired.opening_no = before.closing_no
    left join paired as after
        on
            paired.account_iban = after.account_iban
            and paired.currency = after.currency
            and paired.to_on = after.to_on
            and paired.closing_amount = after.opening_amount
            and paired.closing_no = after.opening_no
),

-- Where one opening balance is left over, the statements of the day hang together in some order, and the day as a whole
-- goes from the one left over to the closing balance left over; none left over: it ends where it began.
days as (
    select
        marked.account_iban,
        marked.currency,
        marked.to_on,
        count(*) filter (where marked.is_day_opening) <= 1 as is_whole,
        min(marked.opening_amount) filter (where marked.is_day_opening) as left_opening_amount,
        min(marked.closing_amount) filter (where marked.is_day_closing) as left_closing_amount,
        min(marked.opening_amount) filter (where marked.day_no = 1) as first_opening_amount
    from marked
    group by marked.account_iban, marked.currency, marked.to_on
),

ordered as (
    select
        marked.company_id,
        marked.account_iban,
        marked.currency,
        marked.statement_key,
        marked.format_family,
        marked.sequence_no,
        marked.from_on,
        marked.to_on,
        marked.closing_amount,
        days.is_whole,
        case
            when days.is_whole then coalesce(days.left_opening_amount, days.first_opening_amount)
            else marked.opening_amount
        end as chain_opening_amount,
        case
            when days.is_whole then coalesce(days.left_closing_amount, days.first_opening_amount)
            else marked.closing_amount
        end as chain_closing_amount,
        row_number() over chain as chain_no
    from marked
    inner join days
        on
            marked.account_iban = days.account_iban
            and marked.currency = days.currency
            and marked.to_on = days.to_on
    window chain as (
        partition by marked.account_iban, marked.currency
        order by marked.to_on, marked.from_on, marked.sequence_no, marked.arrival_no, marked.statement_key
    )
),

followed as (
    select
        ordered.*,
        lag(ordered.statement_key) over chain as previous_statement_key,
        lag(ordered.format_family) over chain as previous_format_family,
        lag(ordered.sequence_no) over chain as previous_sequence_no,
        lag(ordered.to_on) over chain as previous_to_on,
        lag(ordered.chain_closing_amount) over chain as previous_closing_amount
    from ordered
    window chain as (
        partition by ordered.account_iban, ordered.currency
        order by ordered.chain_no
    )
),

measured as (
    select
        followed.*,
        followed.is_whole and followed.to_on = followed.previous_to_on as is_within_day,
        cast(
            followed.chain_opening_amount - followed.previous_closing_amount as decimal(18, 2)
        ) as difference_amount,
        -- A number is skipped only within one series, that of a format. With a new year it may begin again, at 1.
        coalesce(
            followed.format_family = followed.previous_format_family
            and (
                followed.sequence_no > followed.previous_sequence_no + 1
                or (
                    followed.sequence_no > 1
                    and followed.sequence_no <= followed.previous_sequence_no
                    and extract(year from followed.to_on) > extract(year from followed.previous_to_on)
                )
            ),
            false
        ) as is_number_skipped,
        coalesce(
            followed.format_family = followed.previous_format_family
            and followed.sequence_no = followed.previous_sequence_no + 1,
            false
        ) as is_number_next,
        coalesce(before_opening.bank_day_no - at_closing.bank_day_no, 0) as bank_days_between
    from followed
    left join bank_days as at_closing
        on followed.previous_to_on = at_closing.date_day
    left join bank_days as before_opening
        on followed.from_on - 1 = before_opening.date_day
),

judged as (
    select
        measured.*,
        case
            when measured.is_within_day then null
            -- Balances meet and no bank day lies between: a skipped number is the bank's own numbering.
            when measured.is_number_skipped and (measured.difference_amount <> 0 or measured.bank_days_between > 0)
                then 'missing_statement'
            when measured.difference_amount <> 0 and not measured.is_number_next and measured.bank_days_between > 0
                then 'missing_statement'
            when measured.difference_amount <> 0 then 'balance_break'
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
        judged.chain_no,
        judged.chain_opening_amount as opening_amount,
        judged.chain_closing_amount as closing_amount,
        judged.previous_statement_key,
        judged.previous_to_on,
        judged.difference_amount,
        case when accepted.statement_key is null then judged.break_kind end as break_kind
    from judged
    left join accepted
        on judged.statement_key = accepted.statement_key
)

select * from final

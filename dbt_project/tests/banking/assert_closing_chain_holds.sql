-- A row here is an account without a reported break whose first opening balance plus all entries is not its last
-- closing balance: an entry was lost or read twice between the file and the warehouse.
{{ config(meta={"dagster": {"ref": {"name": "entries"}}}) }}

with statements as (
    select * from {{ ref("statements") }}
),

broken_accounts as (
    select statement_gaps.account_iban
    from {{ ref("statement_gaps") }} as statement_gaps
    where statement_gaps.kind in ('missing_statement', 'balance_break')
    union
    -- An accepted break is one all the same: the money of the missing days was never read.
    select accepted_gaps.account_iban
    from {{ ref("accepted_gaps") }} as accepted_gaps
),

ends as (
    select
        statements.*,
        row_number() over chain as place,
        count(*) over (partition by statements.account_iban, statements.currency) as statement_count
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

balances as (
    select
        ends.account_iban,
        ends.currency,
        max(case when ends.place = 1 then ends.opening_amount end) as opening_amount,
        max(case when ends.place = ends.statement_count then ends.closing_amount end) as closing_amount
    from ends
    group by ends.account_iban, ends.currency
),

booked as (
    select
        entries.account_iban,
        entries.currency,
        sum(entries.amount) as amount
    from {{ ref("entries") }} as entries
    inner join statements
        on entries.statement_key = statements.statement_key
    group by entries.account_iban, entries.currency
)

select
    balances.account_iban,
    balances.currency,
    balances.opening_amount,
    booked.amount as booked_amount,
    balances.closing_amount
from balances
left join booked
    on
        balances.account_iban = booked.account_iban
        and balances.currency = booked.currency
left join broken_accounts
    on balances.account_iban = broken_accounts.account_iban
where
    broken_accounts.account_iban is null
    and balances.opening_amount + coalesce(booked.amount, 0) <> balances.closing_amount

-- A row here is a statement that counts whose opening balance plus its entries is not its closing balance (an entry was
-- lost or read twice between the file and the warehouse), or an account without a reported break whose statements do
-- not lead from one first balance to one last.
{{ config(meta={"dagster": {"ref": {"name": "entries"}}}) }}

with statements as (
    select * from {{ ref("statements") }}
    where is_counted
),

booked as (
    select
        entries.statement_key,
        sum(entries.amount) as amount
    from {{ ref("entries") }} as entries
    group by entries.statement_key
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

-- Whatever their order, statements that hang together begin at one balance and end at one: all others occur as often as
-- an opening balance as they do as a closing balance.
balances as (
    select
        statements.account_iban,
        statements.currency,
        statements.opening_amount as amount,
        1 as times
    from statements
    union all
    select
        statements.account_iban,
        statements.currency,
        statements.closing_amount as amount,
        -1 as times
    from statements
),

loose_balances as (
    select
        balances.account_iban,
        balances.currency,
        balances.amount
    from balances
    group by balances.account_iban, balances.currency, balances.amount
    having sum(balances.times) <> 0
)

select
    statements.account_iban,
    statements.currency,
    statements.statement_key,
    statements.opening_amount,
    booked.amount as booked_amount,
    statements.closing_amount
from statements
left join booked
    on statements.statement_key = booked.statement_key
where statements.opening_amount + coalesce(booked.amount, 0) <> statements.closing_amount
union all
select
    loose_balances.account_iban,
    loose_balances.currency,
    null as statement_key,
    min(loose_balances.amount) as opening_amount,
    null as booked_amount,
    max(loose_balances.amount) as closing_amount
from loose_balances
-- An account that is no longer a company's has no gaps: nobody pays into it.
inner join {{ ref("account_coverage") }} as account_coverage
    on loose_balances.account_iban = account_coverage.account_iban
left join broken_accounts
    on loose_balances.account_iban = broken_accounts.account_iban
where broken_accounts.account_iban is null
group by loose_balances.account_iban, loose_balances.currency
having count(*) > 2

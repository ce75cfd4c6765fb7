with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

matches as (
    select * from {{ ref("int_matches_unioned") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

reallocations as (
    select * from {{ ref("reallocations") }}
),

entries as (
    select * from {{ ref("entries") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

ledger_accounts as (
    select ledger_accounts.*
    from {{ ref("ledger_accounts") }} as ledger_accounts
    cross join business_day
    where {{ in_force("ledger_accounts") }}
),

-- Allocations that a person or new evidence undid today. A returned payment is no such case: its return is an entry of
-- its own, placed today with the opposite sign.
undone_today as (
    select distinct
        reallocations.entry_key,
        reallocations.company_id,
        reallocations.invoice_id,
        reallocations.evidence
    from reallocations
    where reallocations.reason <> 'returned'
),

movements as (
    select
        matches.company_id,
        matches.entry_key,
        matches.customer_id,
        matches.invoice_id,
        matches.component,
        matches.amount,
        matches.currency,
        matches.rule_id,
        matches.evidence as description
    from matches
    union all
    select
        standing.company_id,
        standing.entry_key,
        standing.customer_id,
        standing.invoice_id,
        standing.component,
        -standing.amount as amount,
        standing.currency,
        'undone_' || standing.rule_id as rule_id,
        undone_today.evidence as description
    from standing
    inner join undone_today
        on
            standing.entry_key = undone_today.entry_key
            and standing.company_id = undone_today.company_id
            and standing.invoice_id = undone_today.invoice_id
    where standing.undone_reason is not null
),

summed as (
    select
        movements.company_id,
        movements.entry_key,
        movements.customer_id,
        movements.invoice_id,
        movements.component,
        movements.currency,
        movements.rule_id,
        min(movements.description) as description,
        sum(movements.amount) as amount
    from movements
    group by
        movements.company_id,
        movements.entry_key,
        movements.customer_id,
        movements.invoice_id,
        movements.component,
        movements.currency,
        movements.rule_id
    having sum(movements.amount) <> 0
),

-- What was placed leaves the account that receipts wait on, and settles what it pays. Money that is placed nowhere
-- stays there, so that the account's balance is what nobody has explained yet.
sides as (
    select
        summed.*,
        'clearing' as account_kind,
        summed.amount as signed_amount
    from summed
    union all
    select
        summed.*,
        case summed.component
            when 'interest' then 'interest_income'
            when 'costs' then 'costs_income'
            else 'debtors'
        end as account_kind,
        -summed.amount as signed_amount
    from summed
),

final as (
    select
        sides.company_id,
        business_day.as_of_date,
        {{ short_hash(
            "sides.company_id || '|' || sides.entry_key || '|' || sides.invoice_id || '|' || sides.component || '|'"
            ~ " || sides.rule_id || '|' || sides.account_kind || '|' || business_day.as_of_date"
        ) }} as journal_line_id,
        sides.entry_key,
        entries.booked_on,
        sides.customer_id,
        sides.invoice_id,
        invoices.invoice_number,
        sides.component,
        sides.rule_id,
        sides.account_kind,
        coalesce(own_accounts.account_code, common_accounts.account_code) as account_code,
        coalesce(own_accounts.account_name, common_accounts.account_name) as account_name,
        cast(greatest(sides.signed_amount, 0) as decimal(18, 2)) as debit_amount,
        cast(greatest(-sides.signed_amount, 0) as decimal(18, 2)) as credit_amount,
        sides.currency,
        sides.description,
        coalesce(own_accounts.policy_id, common_accounts.policy_id) as policy_id
    from sides
    cross join business_day
    inner join entries
        on sides.entry_key = entries.entry_key
    left join invoices
        on
            sides.company_id = invoices.company_id
            and sides.invoice_id = invoices.invoice_id
    left join ledger_accounts as own_accounts
        on
            sides.company_id = own_accounts.company_id
            and sides.account_kind = own_accounts.account_kind
    left join ledger_accounts as common_accounts
        on
            common_accounts.company_id = '*'
            and sides.account_kind = common_accounts.account_kind
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

statement_gaps as (
    select * from {{ ref("statement_gaps") }}
),

undetailed_batches as (
    select * from {{ ref("undetailed_batches") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

customer_accounts_used as (
    select * from {{ ref("customer_accounts_used") }}
),

open_customers as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        count(*) as open_invoice_count
    from {{ ref("invoice_balances") }} as invoice_balances
    where invoice_balances.open_amount > 0
    group by invoice_balances.company_id, invoice_balances.customer_id
),

-- A batch of which nobody knows who paid, as long as it is not placed.
batches as (
    select
        undetailed_batches.company_id,
        undetailed_batches.account_iban,
        'details_missing' as kind,
        undetailed_batches.booked_on as from_on,
        undetailed_batches.booked_on as to_on
    from undetailed_batches
    inner join unapplied_payments
        on undetailed_batches.entry_key = unapplied_payments.entry_key
    where undetailed_batches.is_holding
),

told as (
    select
        statement_gaps.company_id,
        statement_gaps.account_iban,
        statement_gaps.kind,
        statement_gaps.from_on,
        statement_gaps.to_on
    from statement_gaps
    union all
    select * from batches
),

-- Several gaps of one kind in one account hold a customer once.
gaps as (
    select
        told.company_id,
        told.account_iban,
        told.kind,
        min(told.from_on) as from_on,
        max(told.to_on) as to_on
    from told
    group by told.company_id, told.account_iban, told.kind
),

final as (
    select
        gaps.company_id,
        business_day.as_of_date,
        gaps.account_iban,
        open_customers.customer_id,
        gaps.kind,
        gaps.from_on,
        gaps.to_on,
        open_customers.open_invoice_count,
        case
            when customer_accounts_used.last_paid_on is not null
                then 'Has paid into this account, last on ' || customer_accounts_used.last_paid_on || '.'
            when customer_accounts_used.is_printed then 'Its invoices name this account.'
            else 'Has never paid yet, and may pay into any account of the company.'
        end as reason
    from gaps
    cross join business_day
    inner join customer_accounts_used
        on
            gaps.company_id = customer_accounts_used.company_id
            and gaps.account_iban = customer_accounts_used.account_iban
    inner join open_customers
        on
            customer_accounts_used.company_id = open_customers.company_id
            and customer_accounts_used.customer_id = open_customers.customer_id
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

statement_gaps as (
    select * from {{ ref("statement_gaps") }}
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

-- Several gaps of one kind in one account hold a customer once.
gaps as (
    select
        statement_gaps.company_id,
        statement_gaps.account_iban,
        statement_gaps.kind,
        min(statement_gaps.from_on) as from_on,
        max(statement_gaps.to_on) as to_on
    from statement_gaps
    group by statement_gaps.company_id, statement_gaps.account_iban, statement_gaps.kind
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

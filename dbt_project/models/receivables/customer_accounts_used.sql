with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__company_accounts") }}
),

entries as (
    select * from {{ ref("entries") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

paying_entries as (
    select
        payment_allocations.company_id,
        payment_allocations.customer_id,
        payment_allocations.entry_key
    from payment_allocations
    union
    select
        unapplied_payments.company_id,
        unapplied_payments.customer_id,
        unapplied_payments.entry_key
    from unapplied_payments
    where unapplied_payments.customer_id is not null
),

seen as (
    select
        paying_entries.company_id,
        paying_entries.customer_id,
        entries.account_iban,
        count(*) as payment_count,
        max(entries.booked_on) as last_paid_on
    from paying_entries
    inner join entries
        on paying_entries.entry_key = entries.entry_key
    where entries.amount > 0
    group by paying_entries.company_id, paying_entries.customer_id, entries.account_iban
),

printed as (
    select
        customers.company_id,
        customers.customer_id,
        company_accounts.account_iban
    from customers
    inner join company_accounts
        on
            customers.company_id = company_accounts.company_id
            and company_accounts.position = 1
),

-- An invoice says nothing of further accounts: whoever never paid may choose any.
not_seen as (
    select
        customers.company_id,
        customers.customer_id,
        company_accounts.account_iban
    from customers
    inner join company_accounts
        on customers.company_id = company_accounts.company_id
    left join seen
        on
            customers.company_id = seen.company_id
            and customers.customer_id = seen.customer_id
    where seen.customer_id is null
),

keys as (
    select
        seen.company_id,
        seen.customer_id,
        seen.account_iban
    from seen
    union
    select
        printed.company_id,
        printed.customer_id,
        printed.account_iban
    from printed
    union
    select
        not_seen.company_id,
        not_seen.customer_id,
        not_seen.account_iban
    from not_seen
),

final as (
    select
        keys.company_id,
        business_day.as_of_date,
        keys.customer_id,
        keys.account_iban,
        coalesce(seen.payment_count, 0) as payment_count,
        seen.last_paid_on,
        printed.account_iban is not null as is_printed
    from keys
    cross join business_day
    left join seen
        on
            keys.company_id = seen.company_id
            and keys.customer_id = seen.customer_id
            and keys.account_iban = seen.account_iban
    left join printed
        on
            keys.company_id = printed.company_id
            and keys.customer_id = printed.customer_id
            and keys.account_iban = printed.account_iban
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

expected_payments as (
    select * from {{ ref("stg_register__expected_payments") }}
),

paused_invoices as (
    select * from {{ ref("paused_invoices") }}
),

arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

instalment_statuses as (
    select * from {{ ref("instalment_statuses") }}
),

promised as (
    select
        promises.company_id,
        promises.invoice_id,
        max(promises.promised_on) as promised_on
    from promises
    where promises.withdrawn_on is null
    group by promises.company_id, promises.invoice_id
),

-- What the customer said comes first; otherwise the due date and how late this customer usually is.
invoices_expected as (
    select
        open_items.company_id,
        open_items.currency,
        open_items.open_amount as amount,
        case
            when promised.promised_on >= business_day.as_of_date then promised.promised_on
            when expected_payments.expected_on >= business_day.as_of_date then expected_payments.expected_on
            else
                greatest(
                    open_items.due_on + cast(greatest(coalesce(payer_profiles.average_days_late, 0), 0) as integer),
                    business_day.as_of_date
                )
        end as expected_on,
        case
            when promised.promised_on >= business_day.as_of_date then 'promise'
            when expected_payments.expected_on >= business_day.as_of_date then 'stated'
            when open_items.days_overdue > 0 then 'overdue'
            else 'due_date'
        end as basis
    from open_items
    cross join business_day
    left join promised
        on
            open_items.company_id = promised.company_id
            and open_items.invoice_id = promised.invoice_id
    left join expected_payments
        on
            open_items.company_id = expected_payments.company_id
            and open_items.invoice_id = expected_payments.invoice_id
    left join payer_profiles
        on
            open_items.company_id = payer_profiles.company_id
            and open_items.customer_id = payer_profiles.customer_id
    left join paused_invoices
        on
            open_items.company_id = paused_invoices.company_id
            and open_items.invoice_id = paused_invoices.invoice_id
    where paused_invoices.invoice_id is null
),

-- An invoice under an arrangement comes in by its instalments, not by its due date.
instalments_expected as (
    select
        instalment_statuses.company_id,
        instalment_statuses.currency,
        instalment_statuses.amount - instalment_statuses.paid_amount as amount,
        greatest(instalment_statuses.due_on, business_day.as_of_date) as expected_on,
        'instalment' as basis
    from instalment_statuses
    inner join arrangement_statuses
        on
            instalment_statuses.company_id = arrangement_statuses.company_id
            and instalment_statuses.arrangement_id = arrangement_statuses.arrangement_id
    cross join business_day
    where arrangement_statuses.status = 'active' and instalment_statuses.paid_amount < instalment_statuses.amount
),

gathered as (
    select * from invoices_expected
    union all
    select * from instalments_expected
),

final as (
    select
        business_day.as_of_date,
        gathered.company_id,
        gathered.currency,
        cast(date_trunc('week', gathered.expected_on) as date) as week_on,
        gathered.basis,
        count(*) as item_count,
        cast(sum(gathered.amount) as decimal(18, 2)) as expected_amount
    from gathered
    cross join business_day
    group by
        business_day.as_of_date,
        gathered.company_id,
        gathered.currency,
        cast(date_trunc('week', gathered.expected_on) as date),
        gathered.basis
)

select * from final

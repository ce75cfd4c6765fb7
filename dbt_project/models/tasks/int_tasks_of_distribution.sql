-- Invoices that could not be delivered: to be sent again at once, by another way than the one that failed, until
-- somebody records that they went out or billing says that they did.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

deliveries as (
    select * from {{ ref("stg_register__deliveries") }}
),

sent_again as (
    select
        deliveries.company_id,
        deliveries.invoice_id,
        min(deliveries.sent_on) as sent_on
    from deliveries
    group by deliveries.company_id, deliveries.invoice_id
),

undelivered as (
    select
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        decisions.currency,
        decisions.open_amount,
        invoices.invoice_number,
        invoices.issued_on,
        sent_again.sent_on,
        customers.email,
        -- A delivery that can fail was an electronic one, so post comes first.
        case
            when nullif(trim(customers.street), '') is not null and nullif(trim(customers.city), '') is not null
                then 'by letter to ' || concat_ws(', ', customers.street, customers.postal_code, customers.city)
            when coalesce({{ is_email("trim(customers.email)") }}, false) then 'by e-mail to ' || customers.email
        end as other_way
    from decisions
    inner join invoices
        on
            decisions.company_id = invoices.company_id
            and decisions.invoice_id = invoices.invoice_id
    left join customers
        on
            decisions.company_id = customers.company_id
            and decisions.customer_id = customers.customer_id
    left join sent_again
        on
            decisions.company_id = sent_again.company_id
            and decisions.invoice_id = sent_again.invoice_id
    where invoices.delivery_status = 'failed'
),

final as (
    select
        'send_again' as task_kind,
        undelivered.company_id,
        undelivered.customer_id,
        undelivered.invoice_id,
        'delivery_failed' as opening_fact,
        undelivered.issued_on as opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        undelivered.sent_on as closed_on,
        undelivered.currency,
        undelivered.open_amount as amount,
        'Invoice ' || undelivered.invoice_number || ' could not be delivered: '
        || coalesce('send it again ' || undelivered.other_way, 'ask the customer for an address it can go to')
            as reason,
        cast(null as varchar) as policy_id
    from undelivered
    cross join business_day
    -- What was done is shown for a week.
    where undelivered.sent_on is null or undelivered.sent_on + 7 >= business_day.as_of_date
)

select * from final

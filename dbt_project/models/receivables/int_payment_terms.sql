-- One row per term that some law may find too long: of a customer as agreed in billing (no invoice_id), and of each
-- open invoice.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

open_invoices as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0 and kind = 'invoice'
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

shortest_cap as (
    select min(caps.maximum_days) as maximum_days
    from {{ ref("payment_term_caps") }} as caps
),

agreed as (
    select
        customers.company_id,
        customers.customer_id,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as invoice_number,
        business_day.as_of_date as ruled_on,
        cast(null as date) as begins_on,
        customers.payment_terms_days as terms_days
    from customers
    cross join business_day
    cross join shortest_cap
    where customers.payment_terms_days > shortest_cap.maximum_days
),

-- By law the term begins when the invoice is received. An extension agreed afterwards is kindness, not a clause.
invoiced as (
    select
        open_invoices.company_id,
        open_invoices.customer_id,
        open_invoices.invoice_id,
        open_invoices.invoice_number,
        open_invoices.issued_on as ruled_on,
        greatest(open_invoices.issued_on, coalesce(cast(invoices.delivered_at as date), open_invoices.issued_on))
            as begins_on,
        open_invoices.original_due_on
        - greatest(open_invoices.issued_on, coalesce(cast(invoices.delivered_at as date), open_invoices.issued_on))
            as terms_days
    from open_invoices
    cross join shortest_cap
    inner join invoices
        on
            open_invoices.company_id = invoices.company_id
            and open_invoices.invoice_id = invoices.invoice_id
    where open_invoices.original_due_on - open_invoices.issued_on > shortest_cap.maximum_days
),

gathered as (
    select * from agreed
    union all
    select * from invoiced
),

final as (
    select
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.invoice_number,
        gathered.ruled_on,
        gathered.begins_on,
        cast(gathered.terms_days as bigint) as terms_days,
        companies.country,
        companies.size_class as creditor_size,
        customers.size_class as debtor_size,
        customers.is_natural_person
    from gathered
    inner join companies
        on gathered.company_id = companies.company_id
    inner join customers
        on
            gathered.company_id = customers.company_id
            and gathered.customer_id = customers.customer_id
)

select * from final

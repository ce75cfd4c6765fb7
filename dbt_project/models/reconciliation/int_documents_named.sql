with invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

-- Money on a term note goes to the invoice it is a term of; a term note without that invoice cannot be paid here.
final as (
    select
        invoices.company_id,
        invoices.invoice_id as document_id,
        coalesce(parents.invoice_id, invoices.invoice_id) as invoice_id,
        coalesce(parents.customer_id, invoices.customer_id) as customer_id,
        invoices.kind,
        invoices.currency,
        cast(
            case when invoices.kind = 'credit_note' then -invoices.total_amount else invoices.total_amount end
            as decimal(18, 2)
        ) as document_amount,
        invoices.invoice_number,
        invoices.normalised_number,
        invoices.normalised_payment_reference,
        invoices.credits_invoice_number,
        invoices.issued_on,
        invoices.due_on,
        invoices.is_cancelled or coalesce(parents.is_cancelled, false) as is_cancelled
    from invoices
    left join invoices as parents
        on
            invoices.kind = 'term_note'
            and invoices.company_id = parents.company_id
            and invoices.term_of_invoice_id = parents.invoice_id
    where invoices.kind <> 'term_note' or parents.invoice_id is not null
)

select * from final

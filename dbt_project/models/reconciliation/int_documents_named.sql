-- A view: the few columns a reader wants are read faster than the whole is written.
{{ config(materialized="view") }}

with invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

final as (
    select
        invoices.company_id,
        invoices.invoice_id as document_id,
        invoices.invoice_id,
        invoices.customer_id,
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
        invoices.is_cancelled
    from invoices
    where invoices.kind <> 'term_note'
    union all
    -- Money on a term note goes to the invoice it is a term of; a term note without that invoice cannot be paid here.
    select
        term_notes.company_id,
        term_notes.invoice_id as document_id,
        invoices.invoice_id,
        invoices.customer_id,
        term_notes.kind,
        term_notes.currency,
        cast(term_notes.total_amount as decimal(18, 2)) as document_amount,
        term_notes.invoice_number,
        term_notes.normalised_number,
        term_notes.normalised_payment_reference,
        term_notes.credits_invoice_number,
        term_notes.issued_on,
        term_notes.due_on,
        term_notes.is_cancelled or invoices.is_cancelled as is_cancelled
    from invoices as term_notes
    inner join invoices
        on
            term_notes.company_id = invoices.company_id
            and term_notes.term_of_invoice_id = invoices.invoice_id
    where term_notes.kind = 'term_note'
)

select * from final

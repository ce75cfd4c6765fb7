-- One row per open invoice: its next step, whether anything exempts it, and whether a message may act on it today.
with invoice_steps as (
    select * from {{ ref("int_invoice_steps") }}
),

exemptions as (
    select * from {{ ref("int_exemptions") }}
),

exempt_invoices as (
    select distinct
        exemptions.company_id,
        exemptions.invoice_id
    from exemptions
),

final as (
    select
        invoice_steps.*,
        exempt_invoices.invoice_id is not null as is_exempt,
        exempt_invoices.invoice_id is null and invoice_steps.is_past_grace as is_claimed,
        exempt_invoices.invoice_id is null
        and invoice_steps.step_state = 'due'
        and invoice_steps.step_kind = 'message'
        and not coalesce(invoice_steps.lacks_proof, false) as is_ready
    from invoice_steps
    left join exempt_invoices
        on
            invoice_steps.company_id = exempt_invoices.company_id
            and invoice_steps.invoice_id = exempt_invoices.invoice_id
)

select * from final

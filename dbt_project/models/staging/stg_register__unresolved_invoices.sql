with event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

final as (
    select
        event_invoices.seq,
        event_invoices.event_id,
        event_invoices.kind,
        event_invoices.company_id,
        event_invoices.effective_on,
        event_invoices.recorded_by,
        event_invoices.stated_invoice,
        event_invoices.problem
    from event_invoices
    where event_invoices.invoice_id is null
)

select * from final

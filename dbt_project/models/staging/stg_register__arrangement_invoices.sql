with arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

final as (
    select distinct
        arrangements.arrangement_id,
        arrangements.company_id,
        event_invoices.invoice_id
    from arrangements
    inner join event_invoices
        on arrangements.seq = event_invoices.seq
    where event_invoices.invoice_id is not null
)

select * from final

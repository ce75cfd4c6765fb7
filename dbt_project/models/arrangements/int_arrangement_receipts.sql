-- Money that came in (or went back) on the invoices of an arrangement from the day it was agreed. An invoice that moves
-- to a later arrangement counts for that one from then on.
with arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

arrangement_invoices as (
    select * from {{ ref("stg_register__arrangement_invoices") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

covered_invoices as (
    select
        arrangements.company_id,
        arrangements.arrangement_id,
        arrangement_invoices.invoice_id,
        arrangements.agreed_on,
        lead(arrangements.agreed_on) over (
            partition by arrangement_invoices.company_id, arrangement_invoices.invoice_id
            order by arrangements.agreed_on, arrangements.seq
        ) as next_agreed_on
    from arrangements
    inner join arrangement_invoices
        on
            arrangements.company_id = arrangement_invoices.company_id
            and arrangements.arrangement_id = arrangement_invoices.arrangement_id
),

final as (
    select
        covered_invoices.company_id,
        covered_invoices.arrangement_id,
        payment_allocations.invoice_id,
        payment_allocations.entry_key,
        payment_allocations.booked_on,
        payment_allocations.amount
    from covered_invoices
    inner join payment_allocations
        on
            covered_invoices.company_id = payment_allocations.company_id
            and covered_invoices.invoice_id = payment_allocations.invoice_id
    where
        payment_allocations.booked_on >= covered_invoices.agreed_on
        and (covered_invoices.next_agreed_on is null or payment_allocations.booked_on < covered_invoices.next_agreed_on)
)

select * from final

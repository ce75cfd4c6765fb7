-- A row here is an allocation a person has rejected.
{{ config(meta={"dagster": {"ref": {"name": "payment_allocations"}}}) }}

select
    payment_allocations.entry_key,
    payment_allocations.invoice_id
from {{ ref("payment_allocations") }} as payment_allocations
inner join {{ ref("stg_register__match_answers") }} as match_answers
    on
        payment_allocations.entry_key = match_answers.entry_key
        and payment_allocations.company_id = match_answers.company_id
        and payment_allocations.invoice_id = match_answers.invoice_id
where match_answers.answer = 'rejected'

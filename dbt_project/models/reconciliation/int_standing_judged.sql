-- A view: nearly all of it is the record itself.
{{ config(materialized="view") }}

with recorded as (
    select * from {{ ref("int_standing_recorded") }}
),

reviewed as (
    select * from {{ ref("int_standing_reviewed") }}
),

final as (
    select
        recorded.entry_key,
        recorded.company_id,
        recorded.customer_id as current_customer_id,
        recorded.customer_id,
        recorded.invoice_id,
        recorded.component,
        recorded.amount,
        recorded.currency,
        recorded.rung,
        recorded.rule_id,
        recorded.evidence,
        recorded.policy_id,
        recorded.booked_on,
        recorded.counterparty_iban,
        recorded.allocated_on,
        cast(null as varchar) as undone_reason,
        cast(null as date) as undone_on,
        false as is_newly_contradicted,
        cast(null as varchar) as undone_evidence
    from recorded
    union all
    select
        reviewed.entry_key,
        reviewed.company_id,
        reviewed.current_customer_id,
        reviewed.customer_id,
        reviewed.invoice_id,
        reviewed.component,
        reviewed.amount,
        reviewed.currency,
        reviewed.rung,
        reviewed.rule_id,
        reviewed.evidence,
        reviewed.policy_id,
        reviewed.booked_on,
        reviewed.counterparty_iban,
        reviewed.allocated_on,
        reviewed.undone_reason,
        reviewed.undone_on,
        reviewed.is_newly_contradicted,
        reviewed.undone_evidence
    from reviewed
)

select * from final

{% set rungs = [
    "int_matches_returned",
    "int_matches_confirmed",
    "int_matches_end_to_end",
    "int_matches_reference",
    "int_matches_numbers",
    "int_matches_numbers_together",
    "int_matches_instalment",
    "int_matches_payer_amount",
    "int_matches_short",
] -%}
with final as (
    {% for rung in rungs %}
        select
            matched.entry_key,
            matched.company_id,
            matched.customer_id,
            matched.invoice_id,
            matched.rung,
            matched.rule_id,
            matched.amount,
            matched.currency,
            matched.score,
            matched.evidence,
            matched.policy_id,
            matched.booked_on
        from {{ ref(rung) }} as matched
        {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from final

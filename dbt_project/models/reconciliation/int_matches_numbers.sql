with numbers_claimed as (
    select * from {{ ref("int_numbers_claimed") }}
),

final as (
    select
        numbers_claimed.entry_key,
        numbers_claimed.company_id,
        numbers_claimed.customer_id,
        numbers_claimed.invoice_id,
        numbers_claimed.rung,
        numbers_claimed.rule_id,
        numbers_claimed.amount,
        numbers_claimed.currency,
        numbers_claimed.score,
        numbers_claimed.evidence,
        numbers_claimed.policy_id,
        numbers_claimed.booked_on
    from numbers_claimed
    where numbers_claimed.doubt is null
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

proposals as (
    select * from {{ ref("int_proposals_ranked") }}
),

final as (
    select
        proposals.entry_key,
        proposals.company_id,
        business_day.as_of_date,
        proposals.customer_id,
        proposals.invoice_id,
        proposals.proposed_amount,
        proposals.currency,
        proposals.proposal_rank as rank,
        cast(proposals.rung as bigint) as rung,
        proposals.rule_id,
        cast(
            case proposals.rule_id
                when 'named' then greatest(80 - 10 * proposals.rung, 30)
                when 'damaged_number' then 48
                when 'order_number' then 48
                when 'only_sum' then 46
                when 'several_invoices' then 46
                when 'payer_and_amount' then 45
                when 'one_of_several_payers' then 40
                when 'other_customer_and_amount' then 40
                when 'customer_number_and_amount' then 38
                when 'payer_name_and_amount' then 35
                when 'payer_only' then 25
                else 10
            end as bigint
        ) as score,
        proposals.reason,
        proposals.evidence
    from proposals
    cross join business_day
)

select * from final

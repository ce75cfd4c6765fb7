-- One row per company, currency and assessment: the turnover that shares are taken of, and whether a share of it says
-- anything. Amounts of different currencies are never added: one that enough customers use has shares of its own.
with turnovers as (
    select * from {{ ref("int_turnovers_assessed") }}
),

assessments as (
    select * from {{ ref("int_assessments") }}
),

policy as (
    select * from {{ ref("int_segment_policy") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

first_invoices as (
    select
        invoice_balances.company_id,
        min(invoice_balances.issued_on) as first_issued_on
    from invoice_balances
    group by invoice_balances.company_id
),

-- Customers with nothing left after credit notes are none of the customers with turnover.
summed as (
    {% for number in assessment_numbers() -%}
        select
            turnovers.company_id,
            turnovers.currency,
            {{ number }} as assessment_no,
            cast(sum(greatest(turnovers.turnover_{{ number }}_amount, 0)) as decimal(18, 2)) as company_turnover_amount,
            count(*) filter (where turnovers.turnover_{{ number }}_amount > 0) as customer_count
        from turnovers
        group by turnovers.company_id, turnovers.currency
        {{ "union all" if not loop.last }}
    {% endfor %}
),

weighed as (
    select
        summed.*,
        sum(summed.customer_count) over (partition by summed.company_id, summed.assessment_no) as all_customer_count,
        row_number() over (
            partition by summed.company_id, summed.assessment_no
            order by summed.customer_count desc, summed.currency asc
        ) as currency_rank
    from summed
),

final as (
    select
        weighed.company_id,
        weighed.currency,
        weighed.assessment_no,
        assessments.assessed_on,
        weighed.company_turnover_amount,
        weighed.customer_count,
        first_invoices.first_issued_on <= assessments.known_from_on as is_known_long_enough,
        weighed.customer_count >= policy.minimum_customers as has_enough_customers,
        weighed.currency_rank = 1
        or weighed.customer_count * 10000
        >= weighed.all_customer_count * policy.minimum_currency_basis_points as is_currency_used_enough
    from weighed
    cross join policy
    inner join assessments
        on weighed.assessment_no = assessments.assessment_no
    left join first_invoices
        on weighed.company_id = first_invoices.company_id
)

select * from final

-- One row per customer, currency and assessment: of the newest one for everybody, of earlier ones where the share is
-- large enough to keep a segment.
with turnovers as (
    select * from {{ ref("int_turnovers_assessed") }}
),

companies_assessed as (
    select * from {{ ref("int_companies_assessed") }}
),

rules as (
    select * from {{ ref("int_segment_rules") }}
),

least as (
    select min(rules.leave_basis_points) as leave_basis_points
    from rules
),

turnovers_by_assessment as (
    {% for number in assessment_numbers() -%}
        select
            turnovers.company_id,
            turnovers.customer_id,
            turnovers.currency,
            {{ number }} as assessment_no,
            turnovers.turnover_{{ number }}_amount as turnover_amount
        from turnovers
        where turnovers.turnover_{{ number }}_amount > 0 or {{ number }} = 1
        {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        turnovers_by_assessment.company_id,
        turnovers_by_assessment.customer_id,
        turnovers_by_assessment.currency,
        turnovers_by_assessment.assessment_no,
        companies_assessed.assessed_on,
        turnovers_by_assessment.turnover_amount,
        companies_assessed.company_turnover_amount,
        companies_assessed.customer_count,
        companies_assessed.is_known_long_enough,
        companies_assessed.has_enough_customers,
        companies_assessed.is_currency_used_enough
    from turnovers_by_assessment
    cross join least
    inner join companies_assessed
        on
            turnovers_by_assessment.company_id = companies_assessed.company_id
            and turnovers_by_assessment.currency = companies_assessed.currency
            and turnovers_by_assessment.assessment_no = companies_assessed.assessment_no
    where
        turnovers_by_assessment.assessment_no = 1
        or turnovers_by_assessment.turnover_amount * 10000
        >= companies_assessed.company_turnover_amount * least.leave_basis_points
)

select * from final

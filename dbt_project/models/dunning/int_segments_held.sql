-- One row per customer, currency and segment it belongs to. A segment is entered at one line and left at a lower one,
-- so that nobody near the line changes every month. It is not read from what was decided before: whoever was at the
-- upper line at a remembered month end, and at none since below the lower one, belongs to it.
with shares_assessed as (
    select * from {{ ref("int_shares_assessed") }}
),

rules as (
    select * from {{ ref("int_segment_rules") }}
),

judged as (
    select
        shares_assessed.*,
        rules.segment,
        rules.rank,
        shares_assessed.turnover_amount * 10000 >= shares_assessed.company_turnover_amount * rules.enter_basis_points
        and shares_assessed.turnover_amount * 100 * shares_assessed.customer_count
        >= shares_assessed.company_turnover_amount * rules.enter_percent_of_average as is_entered
    from shares_assessed
    cross join rules
    where
        shares_assessed.is_known_long_enough
        and shares_assessed.has_enough_customers
        and shares_assessed.is_currency_used_enough
        and shares_assessed.turnover_amount > 0
        and shares_assessed.turnover_amount * 10000
        >= shares_assessed.company_turnover_amount * rules.leave_basis_points
        and shares_assessed.turnover_amount * 100 * shares_assessed.customer_count
        >= shares_assessed.company_turnover_amount * rules.leave_percent_of_average
),

-- Month ends without a row are those at which the segment was left: what lies before the newest of them is forgotten.
numbered as (
    select
        judged.*,
        row_number() over (
            partition by judged.company_id, judged.customer_id, judged.currency, judged.segment
            order by judged.assessment_no
        ) as unbroken_no
    from judged
),

final as (
    select
        numbered.company_id,
        numbered.customer_id,
        numbered.currency,
        numbered.segment,
        numbered.rank,
        min(case when numbered.is_entered then numbered.assessed_on end) as since_on,
        max(case when numbered.is_entered then numbered.assessed_on end) as last_entered_on
    from numbered
    where numbered.assessment_no = numbered.unbroken_no
    group by
        numbered.company_id, numbered.customer_id, numbered.currency, numbered.segment, numbered.rank
    having count(*) filter (where numbered.is_entered) > 0
)

select * from final

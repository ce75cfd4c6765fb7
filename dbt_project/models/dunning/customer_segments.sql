with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

assessments as (
    select * from {{ ref("int_assessments") }}
),

policy as (
    select * from {{ ref("int_segment_policy") }}
),

rules as (
    select * from {{ ref("int_segment_rules") }}
),

shares_assessed as (
    select
        int_shares_assessed.*,
        {{ basis_points(
            "greatest(int_shares_assessed.turnover_amount, 0)", "int_shares_assessed.company_turnover_amount"
        ) }} as share_basis_points
    from {{ ref("int_shares_assessed") }} as int_shares_assessed
    where int_shares_assessed.assessment_no = 1
),

segments_held as (
    select * from {{ ref("int_segments_held") }}
),

newest_assessment as (
    select assessments.assessed_on
    from assessments
    where assessments.assessment_no = 1
),

last_rank as (
    select max(rules.rank) as rank
    from rules
),

-- The line a customer of no segment would have to reach first.
first_line as (
    select rules.*
    from rules
    inner join last_rank
        on rules.rank = last_rank.rank
),

-- A customer of several currencies is what it is in the one that makes most of it.
ranked as (
    select
        shares_assessed.*,
        segments_held.segment,
        segments_held.since_on,
        segments_held.last_entered_on,
        row_number() over (
            partition by shares_assessed.company_id, shares_assessed.customer_id
            order by
                coalesce(segments_held.rank, 2147483647) asc,
                shares_assessed.is_currency_used_enough desc,
                shares_assessed.share_basis_points desc nulls last,
                shares_assessed.currency asc
        ) as choice_no
    from shares_assessed
    left join segments_held
        on
            shares_assessed.company_id = segments_held.company_id
            and shares_assessed.customer_id = segments_held.customer_id
            and shares_assessed.currency = segments_held.currency
),

placed as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(ranked.segment, 'standard') as segment,
        ranked.currency,
        coalesce(ranked.turnover_amount, 0) as turnover_amount,
        coalesce(ranked.company_turnover_amount, 0) as company_turnover_amount,
        coalesce(ranked.customer_count, 0) as customer_count,
        coalesce(ranked.share_basis_points, 0) as share_basis_points,
        coalesce(rules.enter_basis_points, first_line.enter_basis_points) as enter_basis_points,
        coalesce(rules.leave_basis_points, first_line.leave_basis_points) as leave_basis_points,
        coalesce(rules.segment, first_line.segment) as line_of,
        coalesce(rules.enter_percent_of_average, first_line.enter_percent_of_average) as enter_percent_of_average,
        coalesce(rules.policy_id, first_line.policy_id) as rule_id,
        ranked.since_on,
        case
            when ranked.segment is not null and ranked.last_entered_on = ranked.assessed_on then 'share_reached'
            when ranked.segment is not null then 'share_kept'
            when coalesce(ranked.turnover_amount, 0) <= 0 then 'no_turnover'
            when not ranked.is_known_long_enough then 'company_too_new'
            when not ranked.is_currency_used_enough then 'currency_little_used'
            when not ranked.has_enough_customers then 'too_few_customers'
            when ranked.share_basis_points >= first_line.enter_basis_points then 'near_the_average'
            else 'below_line'
        end as reason_code
    from customers
    cross join first_line
    left join ranked
        on
            customers.company_id = ranked.company_id
            and customers.customer_id = ranked.customer_id
            and ranked.choice_no = 1
    left join rules
        on ranked.segment = rules.segment
),

final as (
    select
        business_day.as_of_date,
        placed.company_id,
        placed.customer_id,
        placed.segment,
        placed.currency,
        cast(placed.turnover_amount as decimal(18, 2)) as turnover_amount,
        cast(placed.company_turnover_amount as decimal(18, 2)) as company_turnover_amount,
        cast(placed.customer_count as bigint) as customer_count,
        cast(placed.share_basis_points as bigint) as share_basis_points,
        cast(placed.enter_basis_points as bigint) as enter_basis_points,
        cast(placed.leave_basis_points as bigint) as leave_basis_points,
        newest_assessment.assessed_on,
        placed.since_on,
        placed.reason_code,
        case placed.reason_code
            when 'no_turnover' then 'Nothing was invoiced, or all of it credited, in the months looked at'
            when 'company_too_new' then 'The company has not invoiced for enough months for a share to say anything'
            when 'currency_little_used'
                then 'Too few customers are invoiced in ' || placed.currency || ' for a share of it to say anything'
            when 'too_few_customers' then 'The company has too few customers for a share to say anything'
            when 'near_the_average'
                then
                    {{ percent_text("placed.share_basis_points") }} || ' % of the turnover in ' || placed.currency
                    || ', but less than ' || {{ percent_text("placed.enter_percent_of_average") }}
                    || ' times the average of ' || cast(placed.customer_count as varchar) || ' customers'
            else
                {{ percent_text("placed.share_basis_points") }} || ' % of the turnover in ' || placed.currency
                || ' at the end of ' || cast(newest_assessment.assessed_on as varchar) || '; '
                || replace(placed.line_of, '_', '-') || ' begins at ' || {{ percent_text("placed.enter_basis_points") }}
                || ' % and ends below ' || {{ percent_text("placed.leave_basis_points") }} || ' %'
        end as reason,
        policy.policy_id || '/' || placed.rule_id as policy_id
    from placed
    cross join business_day
    cross join policy
    cross join newest_assessment
)

select * from final

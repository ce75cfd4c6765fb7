with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

instalments as (
    select * from {{ ref("int_instalments_covered") }}
),

arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

final as (
    select
        business_day.as_of_date,
        instalments.company_id,
        instalments.arrangement_id,
        arrangement_statuses.customer_id,
        instalments.instalment_no,
        instalments.due_on,
        arrangement_statuses.currency,
        instalments.amount,
        instalments.paid_amount,
        case
            when instalments.paid_amount >= instalments.amount then 'paid'
            when instalments.is_reversed then 'reversed'
            when business_day.as_of_date > instalments.late_after_on then 'late'
            when
                arrangement_statuses.method = 'direct_debit' and business_day.as_of_date >= instalments.due_on
                then 'collecting'
            when instalments.paid_amount > 0 then 'part_paid'
            when business_day.as_of_date >= instalments.due_on then 'due'
            else 'upcoming'
        end as status,
        instalments.broken_on,
        instalments.policy_id
    from instalments
    inner join arrangement_statuses
        on
            instalments.company_id = arrangement_statuses.company_id
            and instalments.arrangement_id = arrangement_statuses.arrangement_id
    cross join business_day
)

select * from final

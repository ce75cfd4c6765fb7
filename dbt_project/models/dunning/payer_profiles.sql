with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

invoices_paid as (
    select * from {{ ref("int_invoices_paid") }}
),

invoices_unpaid_late as (
    select * from {{ ref("int_invoices_unpaid_late") }}
),

rules as (
    select * from {{ ref("int_payer_profile_rules") }}
),

-- Where each number of days late stands among all of the customer's, from the earliest payer to the latest.
cumulated as (
    select
        invoices_paid.*,
        sum(invoices_paid.invoice_count) over by_days as count_up_to,
        sum(invoices_paid.recent_count) over by_days as recent_up_to,
        sum(invoices_paid.invoice_count - invoices_paid.recent_count) over by_days as earlier_up_to,
        sum(invoices_paid.invoice_count) over by_customer as all_count,
        sum(invoices_paid.recent_count) over by_customer as all_recent_count,
        sum(invoices_paid.invoice_count - invoices_paid.recent_count) over by_customer as all_earlier_count
    from invoices_paid
    window
        by_customer as (partition by invoices_paid.company_id, invoices_paid.customer_id),
        by_days as (
            partition by invoices_paid.company_id, invoices_paid.customer_id order by invoices_paid.days_late
        )
),

-- The quarter, half and three quarters are days that occurred: the least by which so many had been paid.
counted as (
    select
        cumulated.company_id,
        cumulated.customer_id,
        sum(cumulated.invoice_count) as paid_invoice_count,
        sum(case when cumulated.days_late > rules.late_after_days then cumulated.invoice_count else 0 end)
            as late_invoice_count,
        sum(cumulated.days_late * cumulated.invoice_count) as days_late_sum,
        max(cumulated.days_late) as longest_days_late,
        min(case when cumulated.count_up_to * 4 >= cumulated.all_count then cumulated.days_late end)
            as lower_quartile_days_late,
        min(case when cumulated.count_up_to * 2 >= cumulated.all_count then cumulated.days_late end)
            as median_days_late,
        min(case when cumulated.count_up_to * 4 >= cumulated.all_count * 3 then cumulated.days_late end)
            as upper_quartile_days_late,
        min(
            case
                when
                    cumulated.all_recent_count >= rules.minimum_recent_invoices
                    and cumulated.recent_up_to * 2 >= cumulated.all_recent_count
                    then cumulated.days_late
            end
        ) as recent_median_days_late,
        min(
            case
                when
                    cumulated.all_earlier_count >= rules.minimum_recent_invoices
                    and cumulated.earlier_up_to * 2 >= cumulated.all_earlier_count
                    then cumulated.days_late
            end
        ) as earlier_median_days_late
    from cumulated
    cross join rules
    group by cumulated.company_id, cumulated.customer_id
),

-- An invoice that is late and not yet paid is late already: somebody who never pays is no new payer.
weighed as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(counted.paid_invoice_count, 0) as paid_invoice_count,
        coalesce(counted.late_invoice_count, 0) as late_invoice_count,
        coalesce(invoices_unpaid_late.invoice_count, 0) as overdue_invoice_count,
        coalesce(counted.paid_invoice_count, 0) + coalesce(invoices_unpaid_late.invoice_count, 0)
            as weighed_invoice_count,
        coalesce(counted.late_invoice_count, 0) + coalesce(invoices_unpaid_late.invoice_count, 0)
            as weighed_late_count,
        counted.days_late_sum,
        counted.longest_days_late,
        invoices_unpaid_late.longest_days_overdue,
        counted.lower_quartile_days_late,
        counted.median_days_late,
        counted.upper_quartile_days_late,
        counted.recent_median_days_late,
        counted.earlier_median_days_late,
        counted.recent_median_days_late - counted.earlier_median_days_late as trend_days
    from customers
    left join counted
        on
            customers.company_id = counted.company_id
            and customers.customer_id = counted.customer_id
    left join invoices_unpaid_late
        on
            customers.company_id = invoices_unpaid_late.company_id
            and customers.customer_id = invoices_unpaid_late.customer_id
),

profiled as (
    select
        weighed.*,
        case
            when weighed.weighed_invoice_count < rules.minimum_invoices then 'new'
            when weighed.weighed_late_count * 10000 >= weighed.weighed_invoice_count * rules.habitual_from_basis_points
                then 'habitual_late'
            when weighed.weighed_late_count * 10000 >= weighed.weighed_invoice_count * rules.sporadic_from_basis_points
                then 'sporadic_late'
            else 'punctual'
        end as payer_profile,
        case
            when weighed.trend_days is null then 'unknown'
            when weighed.trend_days >= rules.trend_days then 'worsening'
            when weighed.trend_days <= -rules.trend_days then 'improving'
            else 'steady'
        end as trend,
        {{ basis_points(
            "cast(weighed.weighed_late_count as decimal(18, 2))",
            "cast(weighed.weighed_invoice_count as decimal(18, 2))",
        ) }} as late_basis_points,
        rules.policy_id
    from weighed
    cross join rules
),

final as (
    select
        business_day.as_of_date,
        profiled.company_id,
        profiled.customer_id,
        profiled.payer_profile,
        case
            when profiled.payer_profile = 'new' then 'too_few_invoices'
            when profiled.overdue_invoice_count > 0 then 'late_share_with_overdue'
            else 'late_share'
        end as reason_code,
        cast(profiled.weighed_late_count as varchar) || ' of ' || cast(profiled.weighed_invoice_count as varchar)
        || ' invoices late'
        || case
            when profiled.overdue_invoice_count > 0
                then ', ' || cast(profiled.overdue_invoice_count as varchar) || ' of them still open'
            else ''
        end
        || case
            when profiled.median_days_late is not null
                then
                    '; paid at a median of ' || cast(profiled.median_days_late as varchar)
                    || ' days after the due date, half of them between '
                    || cast(profiled.lower_quartile_days_late as varchar) || ' and '
                    || cast(profiled.upper_quartile_days_late as varchar)
            else ''
        end as reason,
        cast(profiled.paid_invoice_count as bigint) as paid_invoice_count,
        cast(profiled.late_invoice_count as bigint) as late_invoice_count,
        cast(profiled.overdue_invoice_count as bigint) as overdue_invoice_count,
        cast(profiled.longest_days_overdue as bigint) as longest_days_overdue,
        cast(profiled.late_basis_points as bigint) as late_basis_points,
        {{ whole_days("profiled.days_late_sum", "profiled.paid_invoice_count") }} as average_days_late,
        cast(profiled.median_days_late as bigint) as median_days_late,
        cast(profiled.lower_quartile_days_late as bigint) as lower_quartile_days_late,
        cast(profiled.upper_quartile_days_late as bigint) as upper_quartile_days_late,
        cast(profiled.upper_quartile_days_late - profiled.lower_quartile_days_late as bigint) as spread_days_late,
        cast(profiled.longest_days_late as bigint) as longest_days_late,
        cast(profiled.recent_median_days_late as bigint) as recent_median_days_late,
        cast(profiled.earlier_median_days_late as bigint) as earlier_median_days_late,
        cast(profiled.trend_days as bigint) as trend_days,
        profiled.trend,
        profiled.policy_id
    from profiled
    cross join business_day
)

select * from final

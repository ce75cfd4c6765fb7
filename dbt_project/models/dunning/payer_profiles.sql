with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payer_profile_rules as (
    select * from {{ ref("payer_profile_rules") }}
),

rules as (
    select
        payer_profile_rules.*,
        {{ months_before("business_day.as_of_date", "payer_profile_rules.window_months") }} as after_on
    from payer_profile_rules
    cross join business_day
    where {{ in_force("payer_profile_rules") }}
),

-- Only what was paid: an invoice that a credit note cleared says nothing about paying.
paid_invoices as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.settled_on - invoice_balances.due_on as days_late
    from invoice_balances
    cross join rules
    where
        invoice_balances.kind = 'invoice'
        and invoice_balances.settled_on > rules.after_on
        and invoice_balances.paid_amount > 0
),

counted as (
    select
        paid_invoices.company_id,
        paid_invoices.customer_id,
        count(*) as paid_invoice_count,
        count(*) filter (where paid_invoices.days_late > rules.late_after_days) as late_invoice_count,
        sum(paid_invoices.days_late) as days_late_sum,
        max(paid_invoices.days_late) as longest_days_late
    from paid_invoices
    cross join rules
    group by paid_invoices.company_id, paid_invoices.customer_id
),

final as (
    select
        business_day.as_of_date,
        customers.company_id,
        customers.customer_id,
        case
            when coalesce(counted.paid_invoice_count, 0) < rules.minimum_paid_invoices then 'new'
            when counted.late_invoice_count * 10000 >= counted.paid_invoice_count * rules.habitual_from_basis_points
                then 'habitual_late'
            when counted.late_invoice_count * 10000 >= counted.paid_invoice_count * rules.sporadic_from_basis_points
                then 'sporadic_late'
            else 'punctual'
        end as payer_profile,
        coalesce(counted.paid_invoice_count, 0) as paid_invoice_count,
        coalesce(counted.late_invoice_count, 0) as late_invoice_count,
        {{ whole_days("counted.days_late_sum", "counted.paid_invoice_count") }} as average_days_late,
        cast(counted.longest_days_late as bigint) as longest_days_late,
        rules.policy_id
    from customers
    cross join business_day
    cross join rules
    left join counted
        on
            customers.company_id = counted.company_id
            and customers.customer_id = counted.customer_id
)

select * from final

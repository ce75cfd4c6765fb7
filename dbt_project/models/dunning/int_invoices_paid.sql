-- One row per customer and number of days late: how many invoices it paid so late in the months looked at. A table of
-- counts, from which medians are read exactly and which stays small whatever the number of invoices.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

rules as (
    select
        payer_profile_rules.*,
        {{ months_before("business_day.as_of_date", "payer_profile_rules.window_months") }} as after_on,
        {{ months_before("business_day.as_of_date", "payer_profile_rules.recent_months") }} as recent_after_on
    from {{ ref("int_payer_profile_rules") }} as payer_profile_rules
    cross join business_day
),

-- The day of the last payment, not that of a credit note that took the rest away: the payer waited for that. What was
-- given up is late until the day it was given up, unless it was too little to ask for.
settled as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        case
            when
                invoice_balances.last_paid_on is null
                or invoice_balances.written_off_amount * 10000
                > invoice_balances.total_amount * dunning_policy.small_difference_basis_points
                then invoice_balances.settled_on
            else invoice_balances.last_paid_on
        end as paid_on,
        invoice_balances.due_on
    from invoice_balances
    cross join dunning_policy
    cross join rules
    where
        invoice_balances.kind = 'invoice'
        and invoice_balances.settled_on > rules.after_on
        and (invoice_balances.paid_amount > 0 or invoice_balances.written_off_amount > 0)
),

final as (
    select
        settled.company_id,
        settled.customer_id,
        settled.paid_on - settled.due_on as days_late,
        count(*) as invoice_count,
        count(*) filter (where settled.paid_on > rules.recent_after_on) as recent_count
    from settled
    cross join rules
    where settled.paid_on > rules.after_on
    group by settled.company_id, settled.customer_id, settled.paid_on - settled.due_on
)

select * from final

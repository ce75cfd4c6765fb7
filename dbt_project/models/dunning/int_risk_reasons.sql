-- One row per customer and reason of its risk that is true today: the figure it rests on, in words, and since when.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

open_invoices as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

customer_flags as (
    select * from {{ ref("customer_flags") }}
),

credit_limit_uses as (
    select * from {{ ref("credit_limit_uses") }}
),

promises_broken as (
    select * from {{ ref("promise_statuses") }}
    where status in ('broken', 'partly_kept')
),

external_classes as (
    select * from {{ ref("int_external_classes") }}
),

insolvencies as (
    select * from {{ ref("stg_register__insolvencies") }}
),

handovers as (
    select * from {{ ref("stg_register__handovers") }}
),

rules as (
    select * from {{ ref("int_risk_rules") }}
),

limits_used as (
    select
        credit_limit_uses.company_id,
        credit_limit_uses.customer_id,
        max(credit_limit_uses.limit_use_basis_points) as limit_use_basis_points,
        min(credit_limit_uses.exceeded_since_on) as exceeded_since_on
    from credit_limit_uses
    group by credit_limit_uses.company_id, credit_limit_uses.customer_id
),

-- Counted over the same months as the flag, so that both say the same.
promises_counted as (
    select
        customer_flags.company_id,
        customer_flags.customer_id,
        customer_flags.figure,
        customer_flags.reason,
        max(promises_broken.judged_on) as since_on
    from customer_flags
    inner join promises_broken
        on
            customer_flags.company_id = promises_broken.company_id
            and customer_flags.customer_id = promises_broken.customer_id
    where customer_flags.flag = 'broken_promises'
    group by
        customer_flags.company_id, customer_flags.customer_id, customer_flags.figure, customer_flags.reason
),

external_reasons as (
    select
        external_classes.company_id,
        external_classes.customer_id,
        case
            when external_classes.state = 'counts' then 'external_' || external_classes.risk_class
            else 'external_' || external_classes.state
        end as reason_code,
        'Class ' || external_classes.external_class || ' by ' || coalesce(external_classes.risk_source, 'nobody named')
        || ' of ' || coalesce(cast(external_classes.risk_on as varchar), 'no date')
        || case
            when external_classes.state = 'expired'
                then ', no longer counted since ' || cast(external_classes.expires_on as varchar)
            else ''
        end as evidence,
        case when external_classes.state = 'expired' then external_classes.expires_on else external_classes.risk_on end
            as since_on
    from external_classes
),

measured as (
    select
        insolvencies.company_id,
        insolvencies.customer_id,
        'insolvent' as reason_code,
        cast(null as bigint) as figure,
        'In ' || replace(coalesce(min(insolvencies.insolvency_kind), 'insolvency'), '_', ' ') || ' since '
        || cast(min(insolvencies.opened_on) as varchar) as evidence,
        min(insolvencies.opened_on) as since_on
    from insolvencies
    group by insolvencies.company_id, insolvencies.customer_id
    union all
    select
        handovers.company_id,
        open_invoices.customer_id,
        'handed_over' as reason_code,
        cast(null as bigint) as figure,
        cast(count(distinct handovers.invoice_id) as varchar) || ' open invoices handed over' as evidence,
        min(handovers.handed_over_on) as since_on
    from handovers
    inner join open_invoices
        on
            handovers.company_id = open_invoices.company_id
            and handovers.invoice_id = open_invoices.invoice_id
    group by handovers.company_id, open_invoices.customer_id
    union all
    select
        customers.company_id,
        customers.customer_id,
        'blocked_in_billing' as reason_code,
        cast(null as bigint) as figure,
        'Blocked in billing' as evidence,
        cast(null as date) as since_on
    from customers
    where customers.is_blocked
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'long_overdue' as reason_code,
        payer_profiles.longest_days_overdue as figure,
        'An invoice is ' || cast(payer_profiles.longest_days_overdue as varchar) || ' days overdue' as evidence,
        business_day.as_of_date - cast(payer_profiles.longest_days_overdue - rules.threshold as integer) as since_on
    from payer_profiles
    cross join business_day
    inner join rules
        on rules.reason_code = 'long_overdue'
    where payer_profiles.longest_days_overdue is not null
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'first_invoices_unpaid' as reason_code,
        payer_profiles.longest_days_overdue as figure,
        'Nothing has been paid yet, and an invoice is ' || cast(payer_profiles.longest_days_overdue as varchar)
        || ' days overdue' as evidence,
        business_day.as_of_date - cast(payer_profiles.longest_days_overdue - rules.threshold as integer) as since_on
    from payer_profiles
    cross join business_day
    inner join rules
        on rules.reason_code = 'first_invoices_unpaid'
    where payer_profiles.longest_days_overdue is not null and payer_profiles.paid_invoice_count = 0
    union all
    select
        promises_counted.company_id,
        promises_counted.customer_id,
        'broken_promises' as reason_code,
        cast(promises_counted.figure as bigint) as figure,
        promises_counted.reason as evidence,
        promises_counted.since_on
    from promises_counted
    union all
    select
        limits_used.company_id,
        limits_used.customer_id,
        rules.reason_code,
        limits_used.limit_use_basis_points as figure,
        {{ percent_text("limits_used.limit_use_basis_points") }} || ' % of the credit limit is used' as evidence,
        limits_used.exceeded_since_on as since_on
    from limits_used
    inner join rules
        on rules.reason_code in ('limit_far_exceeded', 'limit_exceeded')
    where limits_used.exceeded_since_on is not null
    union all
    select
        external_reasons.company_id,
        external_reasons.customer_id,
        external_reasons.reason_code,
        cast(null as bigint) as figure,
        external_reasons.evidence,
        external_reasons.since_on
    from external_reasons
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'habitual_late' as reason_code,
        cast(null as bigint) as figure,
        payer_profiles.reason as evidence,
        cast(null as date) as since_on
    from payer_profiles
    where payer_profiles.payer_profile = 'habitual_late'
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'pays_in_time' as reason_code,
        cast(null as bigint) as figure,
        payer_profiles.reason as evidence,
        cast(null as date) as since_on
    from payer_profiles
    where payer_profiles.payer_profile in ('punctual', 'sporadic_late')
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'payments_later' as reason_code,
        payer_profiles.trend_days as figure,
        'Paid at a median of ' || cast(payer_profiles.recent_median_days_late as varchar)
        || ' days after the due date lately, of ' || cast(payer_profiles.earlier_median_days_late as varchar)
        || ' before' as evidence,
        cast(null as date) as since_on
    from payer_profiles
    where payer_profiles.trend_days is not null and payer_profiles.recent_median_days_late > 0
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'first_payments_late' as reason_code,
        payer_profiles.late_invoice_count + payer_profiles.overdue_invoice_count as figure,
        payer_profiles.reason as evidence,
        cast(null as date) as since_on
    from payer_profiles
    where payer_profiles.payer_profile = 'new'
    union all
    select
        customers.company_id,
        customers.customer_id,
        'long_terms_untried' as reason_code,
        customers.payment_terms_days as figure,
        'A term of ' || cast(customers.payment_terms_days as varchar) || ' days, and '
        || cast(payer_profiles.paid_invoice_count as varchar) || ' invoices paid so far' as evidence,
        cast(null as date) as since_on
    from customers
    inner join payer_profiles
        on
            customers.company_id = payer_profiles.company_id
            and customers.customer_id = payer_profiles.customer_id
    where payer_profiles.payer_profile = 'new' and customers.payment_terms_days is not null
    union all
    select
        payer_profiles.company_id,
        payer_profiles.customer_id,
        'nothing_known' as reason_code,
        cast(null as bigint) as figure,
        'No class from outside and fewer invoices than a profile needs' as evidence,
        cast(null as date) as since_on
    from payer_profiles
    where payer_profiles.payer_profile = 'new'
),

final as (
    select
        measured.company_id,
        measured.customer_id,
        measured.reason_code,
        rules.rank,
        rules.risk_class,
        rules.asks_review,
        rules.sentence,
        measured.evidence,
        measured.since_on,
        rules.policy_id
    from measured
    inner join rules
        on
            measured.reason_code = rules.reason_code
            and coalesce(measured.figure >= rules.threshold, true)
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

credit_risks as (
    select * from {{ ref("credit_risks") }}
),

policy as (
    select * from {{ ref("int_credit_policy") }}
),

advice_rules as (
    select credit_advice_rules.*
    from {{ ref("credit_advice_rules") }} as credit_advice_rules
    cross join business_day
    where {{ in_force("credit_advice_rules") }}
),

first_invoices as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        min(invoice_balances.issued_on) as first_issued_on
    from invoice_balances
    group by invoice_balances.company_id, invoice_balances.customer_id
),

company_beginnings as (
    select
        first_invoices.company_id,
        min(first_invoices.first_issued_on) as first_issued_on
    from first_invoices
    group by first_invoices.company_id
),

-- Where billing does not say since when, the first invoice does, unless the company's own invoices do not go back
-- further than that: then everybody would look new.
dated as (
    select
        customers.company_id,
        customers.customer_id,
        customers.payment_terms_days,
        customers.credit_limit,
        first_invoices.first_issued_on,
        coalesce(
            customers.created_on,
            case
                when
                    company_beginnings.first_issued_on <= business_day.as_of_date - policy.new_customer_days
                    then first_invoices.first_issued_on
            end
        ) as customer_since_on
    from customers
    cross join business_day
    cross join policy
    left join first_invoices
        on
            customers.company_id = first_invoices.company_id
            and customers.customer_id = first_invoices.customer_id
    left join company_beginnings
        on customers.company_id = company_beginnings.company_id
),

final as (
    select
        business_day.as_of_date,
        dated.company_id,
        dated.customer_id,
        dated.customer_since_on,
        dated.first_issued_on as first_invoice_on,
        payer_profiles.paid_invoice_count,
        payer_profiles.overdue_invoice_count,
        credit_risks.risk_class,
        credit_risks.reason_code,
        credit_risks.reason,
        credit_risks.external_class,
        credit_risks.risk_source,
        credit_risks.risk_on,
        credit_risks.external_expires_on,
        advice_rules.advice,
        advice_rules.sentence as advice_text,
        cast(dated.payment_terms_days as bigint) as payment_terms_days,
        cast(advice_rules.maximum_terms_days as bigint) as maximum_terms_days,
        coalesce(dated.payment_terms_days > advice_rules.maximum_terms_days, false) as is_term_too_long,
        credit_risks.policy_id || '/' || advice_rules.policy_id as policy_id
    from dated
    cross join business_day
    cross join policy
    inner join payer_profiles
        on
            dated.company_id = payer_profiles.company_id
            and dated.customer_id = payer_profiles.customer_id
    inner join credit_risks
        on
            dated.company_id = credit_risks.company_id
            and dated.customer_id = credit_risks.customer_id
    inner join advice_rules
        on credit_risks.risk_class = advice_rules.risk_class
    where
        dated.customer_since_on > business_day.as_of_date - policy.new_customer_days
        and dated.customer_since_on <= business_day.as_of_date
)

select * from final

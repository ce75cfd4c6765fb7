-- Overdue invoices with the law that says what lateness costs: the creditor's country for a business, the debtor's own
-- for a natural person (Regulation (EC) 593/2008 art. 4 and 6), and the directive where a country has no rules here.
with invoices as (
    select * from {{ ref("invoice_balances") }}
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

charge_rules as (
    select charge_rules.*
    from {{ ref("charge_rules") }} as charge_rules
    cross join business_day
    where {{ in_force("charge_rules") }}
),

debtors as (
    select
        customers.company_id,
        customers.customer_id,
        companies.can_deduct_vat,
        case when customers.is_natural_person then 'consumer' else 'business' end as debtor_kind,
        case when customers.is_natural_person then customers.country else companies.country end as country
    from customers
    inner join companies
        on customers.company_id = companies.company_id
),

final as (
    select
        invoices.company_id,
        invoices.as_of_date,
        invoices.customer_id,
        invoices.invoice_id,
        invoices.currency,
        invoices.due_on,
        invoices.total_amount,
        invoices.open_amount,
        debtors.debtor_kind,
        coalesce(own_rules.country, common_rules.country) as country,
        coalesce(own_rules.policy_id, common_rules.policy_id) as policy_id,
        coalesce(own_rules.is_compound, common_rules.is_compound) as is_compound,
        coalesce(own_rules.interest_claim, common_rules.interest_claim) as interest_claim,
        coalesce(own_rules.costs_claim, common_rules.costs_claim) as costs_claim,
        case
            when coalesce(debtors.can_deduct_vat, true) then 0
            else coalesce(own_rules.costs_vat_basis_points, common_rules.costs_vat_basis_points)
        end as costs_vat_basis_points
    from invoices
    inner join debtors
        on
            invoices.company_id = debtors.company_id
            and invoices.customer_id = debtors.customer_id
    left join charge_rules as own_rules
        on
            debtors.country = own_rules.country
            and debtors.debtor_kind = own_rules.debtor_kind
    left join charge_rules as common_rules
        on
            common_rules.country = 'EU'
            and debtors.debtor_kind = common_rules.debtor_kind
    where
        invoices.kind = 'invoice'
        and invoices.open_amount > 0
        and invoices.days_overdue > 0
        and coalesce(own_rules.policy_id, common_rules.policy_id) is not null
)

select * from final

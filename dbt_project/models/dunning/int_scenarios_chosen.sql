-- One row per open invoice: the scenario it follows, and why. The order of precedence stands here and nowhere else: the
-- gate for natural persons; what a person set for the invoice; for the customer; what the invoice began with; and then
-- the first choice of the seed that fits.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

credit_risks as (
    select * from {{ ref("credit_risks") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

conditions as (
    select * from {{ ref("stg_register__conditions") }}
),

scenarios_begun as (
    select * from {{ ref("int_scenarios_begun") }}
),

scenarios as (
    select * from {{ ref("scenarios") }}
),

scenario_choices as (
    select * from {{ ref("scenario_choices") }}
),

scenarios_in_force as (
    select scenarios.scenario_id
    from scenarios
    cross join business_day
    where {{ in_force("scenarios") }}
),

choices as (
    select
        scenario_choices.policy_id,
        scenario_choices.rank,
        scenario_choices.scenario_id,
        nullif(scenario_choices.segment, '') as segment,
        nullif(scenario_choices.payer_profile, '') as payer_profile,
        nullif(scenario_choices.risk_class, '') as risk_class,
        nullif(scenario_choices.country, '') as country,
        scenario_choices.is_natural_person,
        nullif(scenario_choices.currency, '') as currency,
        scenario_choices.minimum_amount
    from scenario_choices
    cross join business_day
    where {{ in_force("scenario_choices") }}
),

choices_named as (
    select
        choices.*,
        coalesce(
            nullif(
                concat_ws(
                    '+',
                    case when choices.is_natural_person is not null then 'natural_person' end,
                    case when choices.segment is not null then 'segment' end,
                    case when choices.payer_profile is not null then 'payer_profile' end,
                    case when choices.risk_class is not null then 'risk_class' end,
                    case when choices.minimum_amount is not null then 'amount' end,
                    case when choices.country is not null then 'country' end
                ), ''
            ), 'any'
        ) as scenario_reason
    from choices
),

-- Whoever owes something, known to billing or not: a customer whose row was refused has a scenario too.
debtors as (
    select distinct
        open_items.company_id,
        open_items.customer_id
    from open_items
),

customers_known as (
    select
        debtors.company_id,
        debtors.customer_id,
        customers.scenario_id,
        customers.country,
        coalesce(credit_risks.risk_class, 'unknown') as risk_class,
        coalesce(customers.is_natural_person, false) as is_natural_person,
        coalesce(customer_segments.segment, 'standard') as segment,
        coalesce(payer_profiles.payer_profile, 'new') as payer_profile
    from debtors
    left join customers
        on
            debtors.company_id = customers.company_id
            and debtors.customer_id = customers.customer_id
    left join customer_segments
        on
            debtors.company_id = customer_segments.company_id
            and debtors.customer_id = customer_segments.customer_id
    left join credit_risks
        on
            debtors.company_id = credit_risks.company_id
            and debtors.customer_id = credit_risks.customer_id
    left join payer_profiles
        on
            debtors.company_id = payer_profiles.company_id
            and debtors.customer_id = payer_profiles.customer_id
),

-- What fits the customer; whether it fits the invoice too depends on its currency and amount.
fitting as (
    select
        customers_known.company_id,
        customers_known.customer_id,
        choices.rank,
        choices.currency,
        choices.minimum_amount
    from customers_known
    inner join choices
        on
            coalesce(customers_known.segment = choices.segment, true)
            and coalesce(customers_known.payer_profile = choices.payer_profile, true)
            and coalesce(customers_known.risk_class = choices.risk_class, true)
            and coalesce(customers_known.country = choices.country, choices.country is null)
            and coalesce(customers_known.is_natural_person = choices.is_natural_person, true)
),

first_fits as (
    select
        open_items.company_id,
        open_items.invoice_id,
        min(fitting.rank) as rank
    from open_items
    inner join fitting
        on
            open_items.company_id = fitting.company_id
            and open_items.customer_id = fitting.customer_id
            and coalesce(open_items.currency = fitting.currency, fitting.currency is null)
            and coalesce(open_items.open_amount >= fitting.minimum_amount, true)
    group by open_items.company_id, open_items.invoice_id
),

-- The newest word about an invoice, or about a customer, counts; one that names no scenario in force takes it back.
set_by_people as (
    select
        conditions.company_id,
        conditions.customer_id,
        conditions.invoice_id,
        conditions.scenario_id,
        row_number() over (
            partition by conditions.company_id, conditions.customer_id, conditions.invoice_id
            order by conditions.seq desc
        ) as newest_rank
    from conditions
    where conditions.scenario_id is not null
),

overrides as (
    select set_by_people.*
    from set_by_people
    inner join scenarios_in_force
        on set_by_people.scenario_id = scenarios_in_force.scenario_id
    where set_by_people.newest_rank = 1
),

gathered as (
    select
        open_items.company_id,
        open_items.customer_id,
        open_items.invoice_id,
        coalesce(customers_known.segment, 'standard') as segment,
        coalesce(customers_known.payer_profile, 'new') as payer_profile,
        coalesce(customers_known.risk_class, 'unknown') as risk_class,
        coalesce(customers_known.is_natural_person, false) as is_natural_person,
        of_invoice.scenario_id as invoice_scenario_id,
        coalesce(of_customer.scenario_id, named.scenario_id) as customer_scenario_id,
        case when customers_known.segment <> 'key' then begun.scenario_id end as begun_scenario_id,
        choices_named.scenario_id as fitting_scenario_id,
        choices_named.scenario_reason,
        choices_named.policy_id
    from open_items
    left join customers_known
        on
            open_items.company_id = customers_known.company_id
            and open_items.customer_id = customers_known.customer_id
    left join overrides as of_invoice
        on
            open_items.company_id = of_invoice.company_id
            and open_items.invoice_id = of_invoice.invoice_id
    left join overrides as of_customer
        on
            open_items.company_id = of_customer.company_id
            and open_items.customer_id = of_customer.customer_id
            and of_customer.invoice_id is null
    left join scenarios_in_force as named
        on customers_known.scenario_id = named.scenario_id
    left join scenarios_begun
        on
            open_items.company_id = scenarios_begun.company_id
            and open_items.invoice_id = scenarios_begun.invoice_id
    left join scenarios_in_force as begun
        on scenarios_begun.scenario_id = begun.scenario_id
    left join first_fits
        on
            open_items.company_id = first_fits.company_id
            and open_items.invoice_id = first_fits.invoice_id
    left join choices_named
        on first_fits.rank = choices_named.rank
),

final as (
    select
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.segment,
        gathered.payer_profile,
        gathered.risk_class,
        case
            when gathered.is_natural_person then gathered.fitting_scenario_id
            else coalesce(
                gathered.invoice_scenario_id,
                gathered.customer_scenario_id,
                gathered.begun_scenario_id,
                gathered.fitting_scenario_id
            )
        end as scenario_id,
        case
            when gathered.is_natural_person then gathered.scenario_reason
            when gathered.invoice_scenario_id is not null then 'set_for_invoice'
            when gathered.customer_scenario_id is not null then 'set_for_customer'
            when gathered.begun_scenario_id is not null then 'begun'
            else gathered.scenario_reason
        end as scenario_reason,
        gathered.policy_id
    from gathered
)

select * from final

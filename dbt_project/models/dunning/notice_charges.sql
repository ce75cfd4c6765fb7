with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

notice_items as (
    select * from {{ ref("dunning_notice_items") }}
),

steps as (
    select * from {{ ref("int_steps_in_force") }}
),

conditions as (
    select * from {{ ref("int_charge_conditions") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

interest_segments as (
    select * from {{ ref("interest_segments") }}
),

charge_balances as (
    select * from {{ ref("charge_balances") }}
),

charges as (
    select * from {{ ref("stg_register__charges") }}
    where next_claimed_on is null
),

brackets as (
    select brackets.*
    from {{ ref("collection_cost_brackets") }} as brackets
    cross join business_day
    where {{ in_force("brackets") }}
),

-- While money or a credit note of the customer is not placed, nothing beyond the principal is claimed: part of what
-- bears interest may have been paid.
claiming as (
    select
        dunning_notices.company_id,
        dunning_notices.customer_id,
        dunning_notices.currency,
        dunning_notices.scenario_id,
        steps.claims_interest,
        steps.claims_costs
    from dunning_notices
    inner join steps
        on
            dunning_notices.scenario_id = steps.scenario_id
            and dunning_notices.stage_no = steps.stage_no
    where
        dunning_notices.credit_amount = 0
        and dunning_notices.stage_no > 0
        and (steps.claims_interest or steps.claims_costs)
),

interest as (
    select
        interest_segments.company_id,
        interest_segments.invoice_id,
        cast(sum(interest_segments.interest_amount) as decimal(18, 2)) as amount
    from interest_segments
    group by interest_segments.company_id, interest_segments.invoice_id
),

paid as (
    select
        charge_balances.company_id,
        charge_balances.invoice_id,
        sum(case when charge_balances.component = 'interest' then charge_balances.paid_amount else 0 end)
            as interest_amount,
        sum(case when charge_balances.component = 'costs' then charge_balances.paid_amount else 0 end) as costs_amount
    from charge_balances
    group by charge_balances.company_id, charge_balances.invoice_id
),

-- Charges go with the invoices this message takes to a step that claims them, and with those on which they were claimed
-- before; not with one of which a part is disputed, and not with one on which a person waived them.
items as (
    select
        notice_items.company_id,
        notice_items.customer_id,
        notice_items.currency,
        notice_items.invoice_id,
        notice_items.open_amount,
        notice_items.due_on,
        case when notice_items.is_acted then own_steps.claims_interest else claiming.claims_interest end
            as claims_interest,
        case when notice_items.is_acted then own_steps.claims_costs else claiming.claims_costs end as claims_costs,
        conditions.country,
        conditions.debtor_kind,
        conditions.costs_vat_basis_points,
        conditions.may_claim_interest,
        conditions.may_claim_costs,
        conditions.policy_id,
        interest.amount as statutory_interest_amount,
        coalesce(charges.interest_amount, 0) as interest_before_amount,
        coalesce(charges.costs_amount, 0) as costs_before_amount,
        coalesce(charges.claimed_by, 'nobody') as claimed_by,
        coalesce(paid.interest_amount, 0) as interest_paid_amount,
        coalesce(paid.costs_amount, 0) as costs_paid_amount
    from notice_items
    inner join claiming
        on
            notice_items.company_id = claiming.company_id
            and notice_items.customer_id = claiming.customer_id
            and notice_items.currency = claiming.currency
    inner join conditions
        on
            notice_items.company_id = conditions.company_id
            and notice_items.customer_id = conditions.customer_id
            and notice_items.currency = conditions.currency
    inner join invoice_balances
        on
            notice_items.company_id = invoice_balances.company_id
            and notice_items.invoice_id = invoice_balances.invoice_id
            and notice_items.open_amount = invoice_balances.open_amount
    left join steps as own_steps
        on
            claiming.scenario_id = own_steps.scenario_id
            and notice_items.stage_no = own_steps.stage_no
    left join interest
        on
            notice_items.company_id = interest.company_id
            and notice_items.invoice_id = interest.invoice_id
    left join charges
        on
            notice_items.company_id = charges.company_id
            and notice_items.invoice_id = charges.invoice_id
    left join paid
        on
            notice_items.company_id = paid.company_id
            and notice_items.invoice_id = paid.invoice_id
    where
        coalesce(charges.claimed_by, 'nobody') <> 'waiver'
        and (
            (notice_items.is_acted and (own_steps.claims_interest or own_steps.claims_costs))
            or charges.invoice_id is not null
        )
),

-- The scale once over all that is claimed in the message, less what was claimed of it before: what is left is for the
-- invoices on which nothing was, in proportion to what is open on each.
claims as (
    select
        items.company_id,
        items.customer_id,
        items.currency,
        items.country,
        items.debtor_kind,
        items.costs_vat_basis_points,
        sum(items.open_amount) as principal_amount,
        sum(items.costs_before_amount) as costs_before_amount,
        sum(case when items.costs_before_amount = 0 then items.open_amount else 0 end) as fresh_amount
    from items
    where items.claims_costs and items.may_claim_costs
    group by
        items.company_id,
        items.customer_id,
        items.currency,
        items.country,
        items.debtor_kind,
        items.costs_vat_basis_points
),

{{ costs_by_scale("claims", "costs", ["company_id", "customer_id", "currency"]) }},

costs_to_add as (
    select
        claims.company_id,
        claims.customer_id,
        claims.currency,
        claims.fresh_amount,
        greatest(costs.costs_amount - claims.costs_before_amount, 0) as added_amount
    from claims
    inner join costs
        on
            claims.company_id = costs.company_id
            and claims.customer_id = costs.customer_id
            and claims.currency = costs.currency
    where claims.fresh_amount > 0
),

-- Cents are what each adds to the rounded sum, so that the parts add up.
shared as (
    select
        items.*,
        coalesce(costs_to_add.added_amount, 0) as added_amount,
        costs_to_add.fresh_amount,
        case when items.costs_before_amount = 0 then items.open_amount else 0 end as own_amount,
        sum(case when items.costs_before_amount = 0 then items.open_amount else 0 end) over (
            partition by items.company_id, items.customer_id, items.currency
            order by items.due_on, items.invoice_id
            rows between unbounded preceding and current row
        ) as summed_amount
    from items
    left join costs_to_add
        on
            items.company_id = costs_to_add.company_id
            and items.customer_id = costs_to_add.customer_id
            and items.currency = costs_to_add.currency
            and items.costs_before_amount = 0
),

claimed as (
    select
        shared.*,
        -- A person may have claimed more than the law gives by itself: agreed interest, for one.
        case
            when not (shared.claims_interest and shared.may_claim_interest) then shared.interest_before_amount
            when shared.claimed_by = 'person'
                then greatest(shared.interest_before_amount, coalesce(shared.statutory_interest_amount, 0))
            else coalesce(shared.statutory_interest_amount, shared.interest_before_amount)
        end as interest_claimed_amount,
        case
            when shared.costs_before_amount > 0 or shared.added_amount = 0 then shared.costs_before_amount
            else
                {{ part_of(
                    "shared.added_amount", "cast(shared.summed_amount * 100 as bigint)",
                    "cast(shared.fresh_amount * 100 as bigint)"
                ) }}
                - {{ part_of(
                    "shared.added_amount", "cast((shared.summed_amount - shared.own_amount) * 100 as bigint)",
                    "cast(shared.fresh_amount * 100 as bigint)"
                ) }}
        end as costs_claimed_amount
    from shared
),

-- The calculation, printed in the message: of the interest the law gives, not of what a person claimed.
segments as (
    select
        interest_segments.company_id,
        interest_segments.invoice_id,
        bool_or(interest_segments.is_provisional) as is_provisional,
        {{ json_array(
            json_object({
                "invoice_number": "invoice_balances.invoice_number",
                "from_on": "cast(interest_segments.from_on as varchar)",
                "to_on": "cast(interest_segments.to_on as varchar)",
                "days": "interest_segments.days",
                "base_amount": "cast(interest_segments.base_amount as varchar)",
                "rate_basis_points": "interest_segments.rate_basis_points",
                "interest_amount": "cast(interest_segments.interest_amount as varchar)",
                "is_provisional": "interest_segments.is_provisional",
                "source": "interest_segments.source",
            }),
            "interest_segments.segment_no",
        ) }} as segments
    from interest_segments
    inner join invoice_balances
        on
            interest_segments.company_id = invoice_balances.company_id
            and interest_segments.invoice_id = invoice_balances.invoice_id
    group by interest_segments.company_id, interest_segments.invoice_id
),

final as (
    select
        claimed.company_id,
        business_day.as_of_date,
        claimed.customer_id,
        claimed.currency,
        claimed.invoice_id,
        cast(claimed.interest_claimed_amount as decimal(18, 2)) as interest_claimed_amount,
        cast(claimed.costs_claimed_amount as decimal(18, 2)) as costs_claimed_amount,
        cast(greatest(claimed.interest_claimed_amount - claimed.interest_paid_amount, 0) as decimal(18, 2))
            as interest_amount,
        cast(greatest(claimed.costs_claimed_amount - claimed.costs_paid_amount, 0) as decimal(18, 2))
            as costs_amount,
        case
            when
                claimed.claims_interest and claimed.may_claim_interest
                and claimed.interest_claimed_amount = claimed.statutory_interest_amount
                then segments.segments
        end as segments,
        coalesce(
            segments.is_provisional and claimed.claims_interest and claimed.may_claim_interest, false
        ) as is_provisional,
        claimed.country,
        claimed.policy_id
    from claimed
    cross join business_day
    left join segments
        on
            claimed.company_id = segments.company_id
            and claimed.invoice_id = segments.invoice_id
    where claimed.interest_claimed_amount > 0 or claimed.costs_claimed_amount > 0
)

select * from final

with charged as (
    select * from {{ ref("int_invoices_charged") }}
),

interest_segments as (
    select * from {{ ref("interest_segments") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

brackets as (
    select brackets.*
    from {{ ref("collection_cost_brackets") }} as brackets
    cross join business_day
    where {{ in_force("brackets") }}
),

interest as (
    select
        interest_segments.company_id,
        interest_segments.invoice_id,
        sum(interest_segments.interest_amount) as amount,
        bool_or(interest_segments.is_provisional) as is_provisional
    from interest_segments
    group by interest_segments.company_id, interest_segments.invoice_id
),

-- One claim for all a customer owes: the scale is applied once to the sum of the principals (BW 6:96(7)).
claims as (
    select
        charged.company_id,
        charged.as_of_date,
        charged.customer_id,
        charged.currency,
        charged.country,
        charged.debtor_kind,
        charged.policy_id,
        charged.interest_claim,
        charged.costs_claim,
        charged.costs_vat_basis_points,
        count(*) as invoice_count,
        sum(charged.open_amount) as principal_amount,
        sum(coalesce(interest.amount, 0)) as interest_amount,
        bool_or(coalesce(interest.is_provisional, true)) as is_provisional
    from charged
    left join interest
        on
            charged.company_id = interest.company_id
            and charged.invoice_id = interest.invoice_id
    group by
        charged.company_id,
        charged.as_of_date,
        charged.customer_id,
        charged.currency,
        charged.country,
        charged.debtor_kind,
        charged.policy_id,
        charged.interest_claim,
        charged.costs_claim,
        charged.costs_vat_basis_points
),

{{ costs_by_scale("claims", "costs", ["company_id", "customer_id", "currency"]) }},

final as (
    select
        claims.company_id,
        claims.as_of_date,
        claims.customer_id,
        claims.currency,
        claims.country,
        claims.debtor_kind,
        cast(claims.invoice_count as bigint) as invoice_count,
        cast(claims.principal_amount as decimal(18, 2)) as principal_amount,
        cast(claims.interest_amount as decimal(18, 2)) as interest_amount,
        costs.costs_amount,
        claims.interest_claim,
        claims.costs_claim,
        cast(claims.costs_vat_basis_points as bigint) as costs_vat_basis_points,
        claims.is_provisional,
        claims.policy_id
    from claims
    left join costs
        on
            claims.company_id = costs.company_id
            and claims.customer_id = costs.customer_id
            and claims.currency = costs.currency
)

select * from final

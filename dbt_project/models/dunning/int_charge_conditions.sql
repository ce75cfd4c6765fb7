-- One row per customer and currency whose lateness costs something by law: whether interest and costs may be claimed in
-- a message today, and if not, why. Of a business always. Of a consumer in the Netherlands costs only after a letter
-- that gave fourteen days from the day after its receipt (BW 6:96(6)); in Belgium both only when they were agreed,
-- which nobody records here.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

statutory_charges as (
    select * from {{ ref("statutory_charges") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

registered_letters as (
    select * from {{ ref("stg_register__registered_letters") }}
),

charge_policy as (
    select charge_policy.*
    from {{ ref("charge_policy") }} as charge_policy
    cross join business_day
    where {{ in_force("charge_policy") }}
),

-- The first receipt of a letter that named a term and its consequence.
letters_received as (
    select
        dispatched_items.company_id,
        dispatched_items.customer_id,
        min(registered_letters.received_on) as received_on
    from dispatched_items
    inner join registered_letters
        on
            dispatched_items.company_id = registered_letters.company_id
            and dispatched_items.communication_id = registered_letters.communication_id
            and registered_letters.received_on is not null
    where dispatched_items.class = 'formal'
    group by dispatched_items.company_id, dispatched_items.customer_id
),

judged as (
    select
        statutory_charges.company_id,
        statutory_charges.customer_id,
        statutory_charges.currency,
        statutory_charges.country,
        statutory_charges.debtor_kind,
        statutory_charges.costs_vat_basis_points,
        statutory_charges.policy_id || '/' || charge_policy.policy_id as policy_id,
        case when statutory_charges.interest_claim <> 'always' then 'not_agreed' end as interest_obstacle,
        case
            when statutory_charges.costs_amount is null then 'no_scale'
            when statutory_charges.costs_claim = 'always' then null
            when statutory_charges.costs_claim <> 'after_letter' then 'not_agreed'
            when letters_received.received_on is null then 'no_letter_received'
            -- The term begins the day after receipt: received on the 1st, it is over after the 15th.
            when letters_received.received_on + charge_policy.letter_term_days >= business_day.as_of_date
                then 'term_of_letter_running'
        end as costs_obstacle
    from statutory_charges
    cross join business_day
    cross join charge_policy
    left join letters_received
        on
            statutory_charges.company_id = letters_received.company_id
            and statutory_charges.customer_id = letters_received.customer_id
),

final as (
    select
        judged.*,
        judged.interest_obstacle is null as may_claim_interest,
        judged.costs_obstacle is null as may_claim_costs
    from judged
)

select * from final

-- Whose account it is by billing, mandates, and the exact matches of earlier days.
with customer_accounts as (
    select * from {{ ref("stg_billing__customer_accounts") }}
),

mandates as (
    select * from {{ ref("stg_billing__mandates") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__company_accounts") }}
),

preset as (
    select * from {{ ref("int_accounts_preset") }}
),

revoked as (
    select * from {{ ref("int_accounts_revoked") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

declared as (
    select
        customer_accounts.company_id,
        customer_accounts.iban,
        customer_accounts.customer_id
    from customer_accounts
    union
    select
        mandates.company_id,
        mandates.iban,
        mandates.customer_id
    from mandates
    where mandates.iban is not null
),

-- One row per account, customer and day: two payments of a day are one sighting. What the bank took back is none.
sightings as (
    select
        standing.company_id,
        standing.counterparty_iban as iban,
        standing.current_customer_id as customer_id,
        standing.booked_on,
        max(standing.amount) as amount,
        max(case when standing.rule_id = 'human_confirmed' then standing.allocated_on end) as confirmed_on
    from standing
    inner join rules
        on
            standing.rule_id = rules.rule_id
            and rules.teaches_account
    left join returns_paired
        on standing.entry_key = returns_paired.original_key
    where
        standing.undone_reason is null
        and standing.counterparty_iban is not null
        and standing.amount > 0
        and returns_paired.original_key is null
    group by standing.company_id, standing.counterparty_iban, standing.current_customer_id, standing.booked_on
),

{{ accounts_seen("sightings") }},

claims as (
    select
        accounts_seen.company_id,
        accounts_seen.iban,
        accounts_seen.customer_id,
        false as is_declared,
        false as is_contradicted,
        accounts_seen.first_seen_on,
        accounts_seen.last_seen_on,
        accounts_seen.first_counted_on,
        accounts_seen.last_counted_on,
        accounts_seen.date_count,
        accounts_seen.is_confirmed
    from accounts_seen
    union all
    select
        declared.company_id,
        declared.iban,
        declared.customer_id,
        true as is_declared,
        false as is_contradicted,
        cast(null as date) as first_seen_on,
        cast(null as date) as last_seen_on,
        cast(null as date) as first_counted_on,
        cast(null as date) as last_counted_on,
        0 as date_count,
        false as is_confirmed
    from declared
),

{{ accounts_judged() }},

final as (
    select * from accounts_judged
)

select * from final

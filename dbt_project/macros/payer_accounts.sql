{#
    Whose account is it? One row per company x account x customer it has been seen for, with the number of customers.
    Declared accounts (billing and mandates) count at once; an account seen in payments counts for a customer after
    exact matches on enough different dates, and any exact match for a second customer makes it shared.
    `rungs` are the matching models whose exact matches teach, beside the allocations that stand.
#}
{% macro payer_accounts(rungs) -%}
with customer_accounts as (
    select * from {{ ref("stg_billing__customer_accounts") }}
),

mandates as (
    select * from {{ ref("stg_billing__mandates") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__company_accounts") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

entries as (
    select * from {{ ref("entries") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
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

placed as (
    select
        standing.entry_key,
        standing.company_id,
        standing.current_customer_id as customer_id,
        standing.rule_id
    from standing
    where standing.undone_reason is null
    {% for rung in rungs -%}
    union all
    select matched.entry_key, matched.company_id, matched.customer_id, matched.rule_id
    from {{ ref(rung) }} as matched
    {% endfor %}
),

sightings as (
    select
        entries.company_id,
        entries.counterparty_iban as iban,
        placed.customer_id,
        count(distinct entries.booked_on) as date_count,
        max(entries.booked_on) as last_seen_on
    from placed
    inner join entries
        on placed.entry_key = entries.entry_key
    inner join rules
        on
            placed.rule_id = rules.rule_id
            and rules.teaches_account
    where entries.counterparty_iban is not null and entries.amount > 0
    group by entries.company_id, entries.counterparty_iban, placed.customer_id
),

claimed_accounts as (
    select
        customer_accounts.company_id,
        customer_accounts.iban,
        customer_accounts.customer_id,
        true as is_declared,
        true as is_trusted
    from customer_accounts
    union all
    select
        mandates.company_id,
        mandates.iban,
        mandates.customer_id,
        true as is_declared,
        true as is_trusted
    from mandates
    where mandates.iban is not null
    union all
    select
        sightings.company_id,
        sightings.iban,
        sightings.customer_id,
        false as is_declared,
        sightings.date_count >= tolerances.learning_dates
        and business_day.as_of_date - sightings.last_seen_on <= tolerances.learning_expiry_days as is_trusted
    from sightings
    cross join tolerances
    cross join business_day
),

final as (
    select
        claimed_accounts.company_id,
        claimed_accounts.iban,
        claimed_accounts.customer_id,
        coalesce(min(customers.parent_customer_id), claimed_accounts.customer_id) as family_id,
        bool_or(claimed_accounts.is_declared) as is_declared,
        bool_or(claimed_accounts.is_trusted) as is_trusted,
        count(*) over (partition by claimed_accounts.company_id, claimed_accounts.iban) as customer_count
    from claimed_accounts
    left join company_accounts
        on
            claimed_accounts.company_id = company_accounts.company_id
            and claimed_accounts.iban = company_accounts.account_iban
    left join customers
        on
            claimed_accounts.company_id = customers.company_id
            and claimed_accounts.customer_id = customers.customer_id
    -- An account of our own, entered by mistake with a customer, identifies nobody.
    where company_accounts.account_iban is null
    group by claimed_accounts.company_id, claimed_accounts.iban, claimed_accounts.customer_id
)

select * from final
{%- endmacro %}

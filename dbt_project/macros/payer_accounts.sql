{#
    CTE `accounts_seen` from a CTE of sightings (one row per company, iban, customer_id, booked_on, with the largest
    amount of the day and, where a person confirmed one, confirmed_on). Needs `revoked` and `tolerances`.
    What counts towards knowing an account is at least the policy's amount, and later than what was revoked.
#}
{% macro accounts_seen(sightings) -%}
accounts_seen as (
    select
        sighted.company_id,
        sighted.iban,
        sighted.customer_id,
        min(sighted.booked_on) as first_seen_on,
        max(sighted.booked_on) as last_seen_on,
        min(sighted.counted_on) as first_counted_on,
        max(sighted.counted_on) as last_counted_on,
        count(sighted.counted_on) as date_count,
        bool_or(sighted.is_confirmed) as is_confirmed
    from (
        select
            sightings.company_id,
            sightings.iban,
            sightings.customer_id,
            sightings.booked_on,
            case
                when
                    sightings.amount >= tolerances.learning_min_amount
                    and (revoked.revoked_on is null or sightings.booked_on > revoked.revoked_on)
                    then sightings.booked_on
            end as counted_on,
            sightings.confirmed_on is not null
            and (revoked.revoked_on is null or sightings.confirmed_on > revoked.revoked_on) as is_confirmed
        from {{ sightings }} as sightings
        cross join tolerances
        left join revoked
            on
                sightings.company_id = revoked.company_id
                and sightings.iban = revoked.iban
                and sightings.customer_id = revoked.customer_id
    ) as sighted
    group by sighted.company_id, sighted.iban, sighted.customer_id
)
{%- endmacro %}

{#
    CTE `accounts_judged` from a CTE `claims`: one row per company x account x customer, with its state.
    Needs `customers`, `company_accounts`, `preset`, `revoked`, `tolerances` and `business_day`.

    trusted       identifies the customer (or, of several customers of one family, the family)
    corroborated  seen on enough dates, too close together
    observed      seen, not often enough
    shared        used for customers of different families, or by policy for many: identifies nobody
    expired       not used for too long
    revoked       a person or the bank undid a match from it, and it was not learnt again since
#}
{% macro accounts_judged() -%}
claimed as (
    select
        claims.company_id,
        claims.iban,
        claims.customer_id,
        bool_or(claims.is_declared) as is_declared,
        bool_and(claims.is_contradicted) as is_contradicted,
        min(claims.first_seen_on) as first_seen_on,
        max(claims.last_seen_on) as last_seen_on,
        min(claims.first_counted_on) as first_counted_on,
        max(claims.last_counted_on) as last_counted_on,
        cast(sum(claims.date_count) as bigint) as date_count,
        bool_or(claims.is_confirmed) as is_confirmed
    from claims
    group by claims.company_id, claims.iban, claims.customer_id
),

weighed as (
    select
        claimed.*,
        coalesce(customers.parent_customer_id, claimed.customer_id) as family_id,
        preset.kind as preset_kind,
        preset.holder as preset_holder,
        revoked.revoked_on,
        revoked.evidence as revoked_evidence,
        claimed.is_declared
        or business_day.as_of_date - claimed.last_seen_on <= tolerances.learning_expiry_days as is_live,
        claimed.date_count >= tolerances.learning_dates as is_repeated,
        coalesce(
            claimed.last_counted_on - claimed.first_counted_on >= tolerances.learning_span_days, false
        ) as is_spread
    from claimed
    cross join tolerances
    cross join business_day
    left join company_accounts
        on
            claimed.company_id = company_accounts.company_id
            and claimed.iban = company_accounts.account_iban
    left join customers
        on
            claimed.company_id = customers.company_id
            and claimed.customer_id = customers.customer_id
    left join preset
        on
            claimed.company_id = preset.company_id
            and claimed.iban = preset.iban
    left join revoked
        on
            claimed.company_id = revoked.company_id
            and claimed.iban = revoked.iban
            and claimed.customer_id = revoked.customer_id
    -- An account of our own, entered by mistake with a customer, identifies nobody.
    where company_accounts.account_iban is null
),

compared as (
    select
        weighed.*,
        count(*) filter (where weighed.is_live) over of_account as customer_count,
        min(case when weighed.is_live then weighed.family_id end) over of_account
        <> max(case when weighed.is_live then weighed.family_id end) over of_account as has_several_families
    from weighed
    window of_account as (partition by weighed.company_id, weighed.iban)
),

stated as (
    select
        compared.*,
        case
            when compared.preset_kind is not null then 'shared'
            when not compared.is_live then 'expired'
            when compared.has_several_families then 'shared'
            when compared.is_confirmed then 'trusted'
            when compared.is_repeated and compared.is_spread then 'trusted'
            when compared.revoked_on is not null then 'revoked'
            when compared.is_declared then 'trusted'
            when compared.is_repeated then 'corroborated'
            else 'observed'
        end as state
    from compared
),

accounts_judged as (
    select
        stated.company_id,
        stated.iban,
        stated.customer_id,
        stated.family_id,
        stated.state,
        stated.is_declared,
        stated.state = 'trusted' as is_trusted,
        cast(stated.customer_count as bigint) as customer_count,
        stated.is_contradicted,
        stated.is_confirmed,
        stated.date_count,
        stated.first_seen_on,
        stated.last_seen_on,
        stated.first_counted_on,
        stated.last_counted_on,
        stated.revoked_on,
        stated.revoked_evidence,
        stated.preset_kind,
        stated.preset_holder
    from stated
)
{%- endmacro %}

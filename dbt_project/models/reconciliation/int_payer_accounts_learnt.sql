-- Whose account it is once the exact matches of this run are counted too.
{%- set teaching_rungs = [
    "int_matches_confirmed",
    "int_matches_end_to_end",
    "int_matches_reference",
    "int_matches_numbers",
    "int_matches_numbers_together",
] %}

with known_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

entries as (
    select * from {{ ref("int_entries_opened") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

items_opened as (
    select * from {{ ref("int_items_opened") }}
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

matches as (
    {% for rung in teaching_rungs %}
        select
            matched.entry_key,
            matched.company_id,
            matched.customer_id,
            matched.invoice_id,
            matched.rule_id,
            matched.amount
        from {{ ref(rung) }} as matched
        {{ "union all" if not loop.last }}
    {% endfor %}
),

sightings as (
    select
        entries.company_id,
        entries.counterparty_iban as iban,
        matches.customer_id,
        entries.booked_on,
        max(matches.amount) as amount,
        max(case when matches.rule_id = 'human_confirmed' then business_day.as_of_date end) as confirmed_on
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.teaches_account
    inner join entries
        on matches.entry_key = entries.entry_key
    cross join business_day
    where
        entries.counterparty_iban is not null
        and matches.amount > 0
        and not entries.is_taken_back
    group by entries.company_id, entries.counterparty_iban, matches.customer_id, entries.booked_on
),

-- Days within what was seen before may be the same ones, and count tomorrow, when they stand.
new_sightings as (
    select sightings.*
    from sightings
    left join known_accounts
        on
            sightings.company_id = known_accounts.company_id
            and sightings.iban = known_accounts.iban
            and sightings.customer_id = known_accounts.customer_id
            and sightings.booked_on between known_accounts.first_counted_on and known_accounts.last_counted_on
    where known_accounts.iban is null or sightings.confirmed_on is not null
),

{{ accounts_seen("new_sightings") }},

settled_today as (
    select distinct
        matches.company_id,
        matches.invoice_id
    from matches
),

-- Money from an account that is one customer's, left because it names open documents of another in full.
naming_another as (
    select
        entries.entry_key,
        entries.amount,
        known_accounts.company_id,
        known_accounts.iban,
        known_accounts.customer_id as owner_id,
        references_resolved.customer_id,
        entries.booked_on
    from entries
    inner join known_accounts
        on
            entries.company_id = known_accounts.company_id
            and entries.counterparty_iban = known_accounts.iban
            and known_accounts.is_trusted
    inner join references_resolved
        on
            entries.entry_key = references_resolved.entry_key
            and known_accounts.customer_id <> references_resolved.customer_id
    inner join customers
        on
            references_resolved.company_id = customers.company_id
            and references_resolved.customer_id = customers.customer_id
            and known_accounts.family_id <> coalesce(customers.parent_customer_id, customers.customer_id)
    left join items_opened
        on
            references_resolved.company_id = items_opened.company_id
            and references_resolved.invoice_id = items_opened.invoice_id
            and items_opened.open_amount > 0
    left join settled_today
        on
            references_resolved.company_id = settled_today.company_id
            and references_resolved.invoice_id = settled_today.invoice_id
    cross join tolerances
    cross join business_day
    where
        entries.amount > 0
        and entries.left_amount = entries.amount
        and not entries.is_return
        and not entries.is_taken_back
        and business_day.as_of_date - entries.booked_on <= tolerances.learning_expiry_days
    group by
        entries.entry_key,
        entries.amount,
        known_accounts.company_id,
        known_accounts.iban,
        known_accounts.customer_id,
        references_resolved.customer_id,
        entries.booked_on
    having
        bool_and(
            references_resolved.is_unique
            and not references_resolved.is_rejected
            and items_opened.invoice_id is not null
            and settled_today.invoice_id is null
        )
        and sum(references_resolved.document_amount) = entries.amount
),

-- Where its owner has an open document of that amount too, a slip of the pen is the likelier reading.
likely_slips as (
    select distinct naming_another.entry_key
    from naming_another
    inner join items_opened
        on
            naming_another.company_id = items_opened.company_id
            and naming_another.owner_id = items_opened.customer_id
            and naming_another.amount - items_opened.open_amount = 0
),

-- Otherwise, whichever of the two is mistaken, the account no longer says who paid.
contradictions as (
    select naming_another.*
    from naming_another
    left join likely_slips
        on naming_another.entry_key = likely_slips.entry_key
    where likely_slips.entry_key is null
),

claims as (
    select
        known_accounts.company_id,
        known_accounts.iban,
        known_accounts.customer_id,
        known_accounts.is_declared,
        false as is_contradicted,
        known_accounts.first_seen_on,
        known_accounts.last_seen_on,
        known_accounts.first_counted_on,
        known_accounts.last_counted_on,
        known_accounts.date_count,
        known_accounts.is_confirmed
    from known_accounts
    union all
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
        contradictions.company_id,
        contradictions.iban,
        contradictions.customer_id,
        false as is_declared,
        true as is_contradicted,
        contradictions.booked_on as first_seen_on,
        contradictions.booked_on as last_seen_on,
        cast(null as date) as first_counted_on,
        cast(null as date) as last_counted_on,
        0 as date_count,
        false as is_confirmed
    from contradictions
),

{{ accounts_judged() }},

final as (
    select * from accounts_judged
)

select * from final

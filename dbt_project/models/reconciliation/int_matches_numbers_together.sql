with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{
    left_after([
        "int_matches_confirmed",
        "int_matches_end_to_end",
        "int_matches_reference",
        "int_matches_numbers",
    ])
}},

-- Entries that name one document and no other.
named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        min(references_resolved.invoice_id) as invoice_id,
        min(references_resolved.customer_id) as customer_id,
        min(references_resolved.span_text) as span_text
    from references_resolved
    group by references_resolved.entry_key, references_resolved.company_id
    having
        count(distinct references_resolved.document_id) = 1
        and bool_and(references_resolved.is_unique and not references_resolved.is_rejected)
),

parts as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.amount,
        entries_left.counterparty_iban,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.customer_id,
        items_left.open_amount,
        named.span_text
    from named
    inner join entries_left
        on named.entry_key = entries_left.entry_key
    inner join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and entries_left.currency = items_left.currency
    where
        entries_left.left_amount = entries_left.amount
        and entries_left.amount > 0
        and items_left.open_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

-- The payer's account belongs to others only: then the number alone is not enough.
payers_judged as (
    select
        parts.entry_key,
        bool_or(payer_accounts.family_id = families.family_id) as has_own_owner
    from parts
    inner join payer_accounts
        on
            parts.company_id = payer_accounts.company_id
            and parts.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    inner join families
        on
            parts.company_id = families.company_id
            and parts.customer_id = families.customer_id
    group by parts.entry_key
),

-- All of them or none: a part payment among others that do not add up is a question for a person.
complete as (
    select
        parts.company_id,
        parts.invoice_id,
        count(*) as part_count
    from parts
    left join payers_judged
        on parts.entry_key = payers_judged.entry_key
    group by parts.company_id, parts.invoice_id
    having
        count(*) > 1
        and sum(parts.amount) = min(parts.open_amount)
        and bool_and(coalesce(payers_judged.has_own_owner, true))
),

matches as (
    select
        parts.entry_key,
        parts.company_id,
        parts.customer_id,
        parts.invoice_id,
        'numbers_together_exact' as rule_id,
        parts.amount,
        parts.currency,
        'The text names "' || parts.span_text || '"; ' || complete.part_count || ' payments that name it add up to its '
        || parts.open_amount || ' ' || parts.currency || '.' as evidence,
        parts.booked_on
    from parts
    inner join complete
        on
            parts.company_id = complete.company_id
            and parts.invoice_id = complete.invoice_id
),

final as (
    select
        {{ match_columns("matches", "rules") }}
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

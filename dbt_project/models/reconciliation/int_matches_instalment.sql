with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

arrangements as (
    select * from {{ ref("stg_register__arrangements") }}
),

arrangement_invoices as (
    select * from {{ ref("stg_register__arrangement_invoices") }}
),

instalments as (
    select * from {{ ref("stg_register__arrangement_instalments") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after([
    "int_matches_confirmed", "int_matches_end_to_end", "int_matches_reference", "int_matches_numbers",
    "int_matches_numbers_together"
]) }},

named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        min(references_resolved.invoice_id) as invoice_id,
        min(references_resolved.span_text) as span_text
    from references_resolved
    group by references_resolved.entry_key, references_resolved.company_id
    having
        count(distinct references_resolved.invoice_id) = 1
        and bool_and(references_resolved.is_unique and not references_resolved.is_rejected)
),

-- The part payments that were agreed for an invoice, each amount once.
agreed as (
    select distinct
        arrangements.company_id,
        arrangement_invoices.invoice_id,
        arrangements.agreed_on,
        arrangements.cancelled_on,
        instalments.amount
    from arrangements
    inner join arrangement_invoices
        on
            arrangements.company_id = arrangement_invoices.company_id
            and arrangements.arrangement_id = arrangement_invoices.arrangement_id
    inner join instalments
        on
            arrangements.company_id = instalments.company_id
            and arrangements.arrangement_id = instalments.arrangement_id
),

claims as (
    select distinct
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.left_amount as claimed_amount,
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
    inner join agreed
        on
            named.company_id = agreed.company_id
            and named.invoice_id = agreed.invoice_id
    where
        entries_left.left_amount = entries_left.amount
        and entries_left.amount - agreed.amount = 0
        and entries_left.booked_on >= agreed.agreed_on
        and (agreed.cancelled_on is null or entries_left.booked_on < agreed.cancelled_on)
        and items_left.open_amount >= entries_left.left_amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

{{ settle_in_order() }},

matches as (
    select
        settled.entry_key,
        settled.company_id,
        settled.customer_id,
        settled.invoice_id,
        'instalment_exact' as rule_id,
        settled.amount,
        settled.currency,
        'Names "' || settled.span_text || '" and is exactly an instalment agreed for ' || settled.invoice_number || '.'
            as evidence,
        settled.booked_on
    from settled
    where settled.amount - settled.claimed_amount = 0
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

with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after(["int_matches_confirmed"]) }},

named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        min(references_resolved.invoice_id) as invoice_id,
        min(references_resolved.span_text) as span_text,
        -- A direct debit may collect a term note: its own amount is then the exact one.
        min(case when references_resolved.document_kind = 'term_note' then references_resolved.document_amount end)
            as term_amount
    from references_resolved
    where references_resolved.strength = 1
    group by references_resolved.entry_key, references_resolved.company_id
    having
        count(distinct references_resolved.document_id) = 1
        and bool_and(references_resolved.is_unique and not references_resolved.is_rejected)
),

claims as (
    select
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
    where
        entries_left.left_amount = entries_left.amount
        and entries_left.amount > 0
        and items_left.open_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
        -- Exact: all that is open, or the whole document when a credit note came after the collection was sent.
        and entries_left.amount in (items_left.open_amount, items_left.total_amount, named.term_amount)
),

{{ settle_in_order() }},

matches as (
    select
        settled.entry_key,
        settled.company_id,
        settled.customer_id,
        settled.invoice_id,
        'end_to_end_exact' as rule_id,
        settled.amount,
        settled.currency,
        'End-to-end id "' || settled.span_text || '" names ' || settled.invoice_number || ' and the amount is exact.'
            as evidence,
        settled.booked_on
    from settled
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

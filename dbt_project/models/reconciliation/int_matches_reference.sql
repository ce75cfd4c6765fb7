with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after(["int_matches_confirmed", "int_matches_end_to_end"]) }},

named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        min(references_resolved.invoice_id) filter (where references_resolved.strength = 2) as invoice_id,
        min(references_resolved.span_text) filter (where references_resolved.strength = 2) as span_text,
        count(distinct references_resolved.invoice_id) > 1 as names_others
    from references_resolved
    group by references_resolved.entry_key, references_resolved.company_id
    having
        count(distinct references_resolved.invoice_id) filter (where references_resolved.strength = 2) = 1
        and bool_and(
            references_resolved.strength <> 2
            or (references_resolved.is_unique and not references_resolved.is_rejected)
        )
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
        -- With other documents named beside it, only its exact amount is its own: the rest is for all of them together.
        and (not named.names_others or entries_left.left_amount - items_left.open_amount = 0)
),

{{ settle_in_order() }},

compared as (
    select
        settled.*,
        settled.open_amount - days_in_order.earlier_amount as open_before
    from settled
    inner join days_in_order
        on
            settled.company_id = days_in_order.company_id
            and settled.invoice_id = days_in_order.invoice_id
            and settled.booked_on = days_in_order.booked_on
),

matches as (
    select
        compared.entry_key,
        compared.company_id,
        compared.customer_id,
        compared.invoice_id,
        case
            when compared.claimed_amount > compared.amount then 'reference_over'
            when compared.amount = compared.open_before then 'reference_exact'
            else 'reference_partial'
        end as rule_id,
        compared.amount,
        compared.currency,
        'Payment reference "' || compared.span_text || '" is the one of ' || compared.invoice_number
        || case
            when compared.claimed_amount > compared.amount
                then
                    ': all of its open amount is taken, ' || (compared.claimed_amount - compared.amount) || ' '
                    || compared.currency || ' is more than was due.'
            when compared.amount = compared.open_before then ' and the amount is exact.'
            else
                ': a part payment, ' || (compared.open_before - compared.amount) || ' ' || compared.currency
                || ' stays open.'
        end as evidence,
        compared.booked_on
    from compared
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

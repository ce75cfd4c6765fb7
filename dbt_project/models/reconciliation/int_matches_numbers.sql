with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after(["int_matches_confirmed", "int_matches_end_to_end", "int_matches_reference"]) }},

named as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.amount,
        entries_left.counterparty_iban,
        references_resolved.document_id,
        references_resolved.invoice_id,
        references_resolved.customer_id,
        references_resolved.document_kind,
        references_resolved.document_amount,
        references_resolved.span_text,
        references_resolved.span_start,
        references_resolved.is_unique and not references_resolved.is_rejected
        and references_resolved.currency = entries_left.currency as is_usable
    from references_resolved
    inner join entries_left
        on references_resolved.entry_key = entries_left.entry_key
    where
        entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

-- Credit notes issued after the payment was booked: the payer could not yet have taken them off.
later_credits as (
    select
        named.entry_key,
        named.invoice_id,
        named.document_id,
        sum(credit_settlements.amount) as amount
    from named
    inner join credit_settlements
        on
            named.company_id = credit_settlements.company_id
            and named.invoice_id = credit_settlements.invoice_id
            and named.booked_on < credit_settlements.credited_on
    group by named.entry_key, named.invoice_id, named.document_id
),

valued as (
    select
        named.*,
        items_left.invoice_number,
        -- A named credit note that its invoice has taken already adds nothing; an invoice must still be open.
        case
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount
        end
            as open_amount,
        case
            when named.document_kind = 'term_note' then least(named.document_amount, items_left.open_amount)
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount
        end as due_amount,
        case
            when named.document_kind = 'term_note' then least(named.document_amount, items_left.open_amount)
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount + coalesce(later_credits.amount, 0)
        end as due_when_paid
    from named
    left join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and named.currency = items_left.currency
    left join later_credits
        on
            named.entry_key = later_credits.entry_key
            and named.document_id = later_credits.document_id
),

summed as (
    select
        valued.entry_key,
        min(valued.customer_id) as customer_id,
        sum(valued.due_amount) as due_amount,
        sum(valued.due_when_paid) as due_when_paid,
        string_agg(valued.span_text, ', ' order by valued.span_start, valued.document_id) as span_text
    from valued
    group by valued.entry_key
    having
        count(distinct valued.customer_id) = 1
        and bool_and(valued.is_usable and valued.open_amount is not null)
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

-- The payer's account belongs to others only: then the number alone is not enough.
foreign_payers as (
    select
        valued.entry_key,
        bool_or(payer_accounts.family_id = families.family_id) as has_own_owner
    from valued
    inner join payer_accounts
        on
            valued.company_id = payer_accounts.company_id
            and valued.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    inner join families
        on
            valued.company_id = families.company_id
            and valued.customer_id = families.customer_id
    group by valued.entry_key
),

claims as (
    select
        valued.*,
        summed.span_text as all_spans,
        summed.due_amount as sum_amount
    from valued
    inner join summed
        on valued.entry_key = summed.entry_key
    left join foreign_payers
        on valued.entry_key = foreign_payers.entry_key
    where
        valued.amount in (summed.due_amount, summed.due_when_paid)
        and coalesce(foreign_payers.has_own_owner, true)
),

days_of_claims as (
    select
        claims.company_id,
        claims.invoice_id,
        claims.booked_on,
        count(distinct claims.entry_key) as claim_count,
        min(claims.booked_on) over (partition by claims.company_id, claims.invoice_id) as first_booked_on
    from claims
    group by claims.company_id, claims.invoice_id, claims.booked_on
),

-- All or nothing: an entry takes its invoices only when it is the first, and the only one that day, to name each.
winners as (
    select claims.entry_key
    from claims
    inner join days_of_claims
        on
            claims.company_id = days_of_claims.company_id
            and claims.invoice_id = days_of_claims.invoice_id
            and claims.booked_on = days_of_claims.booked_on
    group by claims.entry_key
    having bool_and(days_of_claims.claim_count = 1 and days_of_claims.booked_on = days_of_claims.first_booked_on)
),

matches as (
    select
        claims.entry_key,
        claims.company_id,
        claims.customer_id,
        claims.invoice_id,
        'numbers_exact' as rule_id,
        -- Two term notes of one invoice are one row; more than is open is left over.
        case
            when max(claims.open_amount) > 0 then least(sum(claims.due_amount), max(claims.open_amount))
            else max(claims.open_amount)
        end as amount,
        claims.currency,
        case
            when count(*) over (partition by claims.entry_key) > 1
                then 'The text names "' || min(claims.all_spans) || '"; their open amounts add up to the payment.'
            when claims.amount = min(claims.sum_amount)
                then 'The text names "' || min(claims.all_spans) || '" and the amount is exact.'
            else
                'The text names "'
                || min(claims.all_spans)
                || '" and the amount is what was due before its credit note.'
        end as evidence,
        claims.booked_on
    from claims
    inner join winners
        on claims.entry_key = winners.entry_key
    group by
        claims.entry_key,
        claims.company_id,
        claims.customer_id,
        claims.invoice_id,
        claims.currency,
        claims.amount,
        claims.booked_on
),

final as (
    select
        {{ match_columns("matches", "rules") }}
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
    where matches.amount <> 0
)

select * from final

with returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

entries as (
    select * from {{ ref("entries") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

keys_paired as (
    select returns_paired.return_key as entry_key
    from returns_paired
    union
    select returns_paired.original_key as entry_key
    from returns_paired
),

-- Of all that earlier runs placed only what is of these pairs.
standing as (
    select judged.*
    from {{ ref("int_standing_judged") }} as judged
    inner join keys_paired
        on judged.entry_key = keys_paired.entry_key
),

standing_entries as (
    select distinct standing.entry_key
    from standing
),

new_returns as (
    select returns_paired.*
    from returns_paired
    left join standing_entries
        on returns_paired.return_key = standing_entries.entry_key
    where standing_entries.entry_key is null
),

-- The payment was placed by an earlier run: its return takes back the same amounts from the same invoices.
taken_back as (
    select
        new_returns.return_key as entry_key,
        standing.company_id,
        standing.current_customer_id as customer_id,
        standing.invoice_id,
        standing.component,
        'return_of_payment' as rule_id,
        -standing.amount as amount,
        standing.currency,
        'Return of the payment of ' || standing.booked_on || ' (' || new_returns.evidence || ').' as evidence,
        new_returns.returned_on as booked_on
    from new_returns
    inner join standing
        on
            new_returns.original_key = standing.entry_key
            and standing.undone_reason is null
),

-- Payment and return arrive together, or the payment was never placed: both are shown on the invoice it names, and
-- between them they leave its balance as it was. Nothing but a document named once and for its full amount will do.
unplaced_pairs as (
    select new_returns.*
    from new_returns
    left join standing_entries
        on new_returns.original_key = standing_entries.entry_key
    where standing_entries.entry_key is null
),

named as (
    select
        unplaced_pairs.return_key,
        unplaced_pairs.original_key,
        documents.company_id,
        documents.invoice_id,
        documents.customer_id,
        documents.currency,
        documents.document_amount,
        references_resolved.span_text,
        sum(documents.document_amount) over (partition by unplaced_pairs.original_key) as named_amount,
        count(*) over (partition by unplaced_pairs.original_key, documents.invoice_id) as times_named,
        min(case when references_resolved.is_unique and not documents.is_cancelled then 1 else 0 end) over (
            partition by unplaced_pairs.original_key
        ) as is_certain
    from unplaced_pairs
    inner join references_resolved
        on unplaced_pairs.original_key = references_resolved.entry_key
    inner join documents
        on
            references_resolved.company_id = documents.company_id
            and references_resolved.document_id = documents.document_id
    where not references_resolved.is_rejected
),

certain as (
    select
        named.*,
        original.booked_on as original_booked_on,
        returning_entry.booked_on as returned_on
    from named
    inner join entries as original
        on named.original_key = original.entry_key
    inner join entries as returning_entry
        on named.return_key = returning_entry.entry_key
    where
        named.is_certain = 1
        and named.times_named = 1
        and named.named_amount = original.amount
        and named.currency = original.currency
),

claims as (
    select * from taken_back
    union all
    select
        certain.original_key as entry_key,
        certain.company_id,
        certain.customer_id,
        certain.invoice_id,
        'principal' as component,
        'payment_returned_later' as rule_id,
        certain.document_amount as amount,
        certain.currency,
        'Names "'
        || certain.span_text
        || '" for its full amount; the bank took it back on '
        || certain.returned_on
        || '.'
            as evidence,
        certain.original_booked_on as booked_on
    from certain
    union all
    select
        certain.return_key as entry_key,
        certain.company_id,
        certain.customer_id,
        certain.invoice_id,
        'principal' as component,
        'return_of_payment' as rule_id,
        -certain.document_amount as amount,
        certain.currency,
        'Return of the payment of ' || certain.original_booked_on || ' that names "' || certain.span_text || '".'
            as evidence,
        certain.returned_on as booked_on
    from certain
),

final as (
    select
        {{ match_columns("claims", "rules") }},
        claims.component
    from claims
    inner join rules
        on
            claims.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

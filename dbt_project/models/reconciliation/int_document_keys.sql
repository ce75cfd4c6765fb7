with documents as (
    select * from {{ ref("int_documents_named") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

keys as (
    select
        documents.company_id,
        documents.normalised_number as reference_key,
        documents.document_id,
        documents.invoice_id,
        documents.kind,
        documents.is_cancelled
    from documents
    union all
    select
        documents.company_id,
        documents.normalised_payment_reference as reference_key,
        documents.document_id,
        documents.invoice_id,
        documents.kind,
        documents.is_cancelled
    from documents
    where
        documents.normalised_payment_reference is not null
        and documents.normalised_payment_reference <> documents.normalised_number
),

-- A number shorter than the policy's minimum, or without a digit, is a word: it names nothing.
usable as (
    select keys.*
    from keys
    cross join tolerances
    where
        length(keys.reference_key) >= tolerances.min_number_length
        and {{ has_digit("keys.reference_key") }}
),

-- A cancelled document gives its number up to the one that replaces it; a term note gives way to its invoice.
ranked as (
    select
        usable.*,
        row_number() over (
            partition by usable.company_id, usable.reference_key
            order by usable.is_cancelled, case when usable.kind = 'term_note' then 1 else 0 end, usable.document_id
        ) as preference
    from usable
),

counted as (
    select
        usable.company_id,
        usable.reference_key,
        greatest(
            count(distinct case when not usable.is_cancelled then usable.invoice_id end), 1
        ) as invoice_count
    from usable
    group by usable.company_id, usable.reference_key
),

final as (
    select
        ranked.company_id,
        ranked.reference_key,
        ranked.document_id,
        ranked.invoice_id,
        counted.invoice_count
    from ranked
    inner join counted
        on
            ranked.company_id = counted.company_id
            and ranked.reference_key = counted.reference_key
    where ranked.preference = 1
)

select * from final

with entries as (
    select * from {{ ref("entries") }}
),

bank_references as (
    select * from {{ ref("stg_bank__entry_references") }}
),

document_keys as (
    select * from {{ ref("int_document_keys") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

candidates as (
    select
        entries.entry_key,
        entries.company_id,
        bank_references.source,
        case
            when bank_references.kind in ('RF', 'OGM', 'CUR') and bank_references.is_valid then 2
            when bank_references.source = 'end_to_end' then 1
            else 3
        end as strength,
        bank_references.reference as reference_key,
        bank_references.span_start,
        bank_references.span_end,
        coalesce(bank_references.span_text, bank_references.reference) as span_text
    from bank_references
    inner join entries
        on bank_references.entry_key = entries.entry_key
    union all
    -- A creditor reference may be built over the invoice number itself: RF, two check digits, number.
    select
        entries.entry_key,
        entries.company_id,
        bank_references.source,
        2 as strength,
        substr(bank_references.reference, 5) as reference_key,
        bank_references.span_start,
        bank_references.span_end,
        coalesce(bank_references.span_text, bank_references.reference) as span_text
    from bank_references
    inner join entries
        on bank_references.entry_key = entries.entry_key
    where bank_references.kind = 'RF' and bank_references.is_valid
    union all
    select
        entries.entry_key,
        entries.company_id,
        'end_to_end' as source,
        1 as strength,
        {{ normalised_reference("entries.end_to_end_id") }} as reference_key,
        cast(null as bigint) as span_start,
        cast(null as bigint) as span_end,
        entries.end_to_end_id as span_text
    from entries
    where entries.end_to_end_id is not null
),

resolved as (
    select
        candidates.entry_key,
        candidates.company_id,
        candidates.source,
        candidates.strength,
        candidates.reference_key,
        candidates.span_start,
        candidates.span_end,
        candidates.span_text,
        document_keys.document_id,
        document_keys.invoice_id,
        document_keys.invoice_count
    from candidates
    inner join document_keys
        on
            candidates.company_id = document_keys.company_id
            and candidates.reference_key = document_keys.reference_key
),

-- Where two readings of one text overlap the longer one is meant: 20260012 inside F20260012 is not a number of its own.
overlapped as (
    select distinct
        shorter.entry_key,
        shorter.source,
        shorter.span_start,
        shorter.span_end,
        shorter.reference_key
    from resolved as shorter
    inner join resolved as longer
        on
            shorter.entry_key = longer.entry_key
            and shorter.source = longer.source
            and shorter.span_start < longer.span_end
            and shorter.span_end > longer.span_start
            and length(shorter.reference_key) < length(longer.reference_key)
),

standing_readings as (
    select
        resolved.*,
        row_number() over (
            partition by resolved.entry_key, resolved.document_id
            order by resolved.strength, resolved.span_start, resolved.span_end, resolved.source
        ) as reading_rank
    from resolved
    left join overlapped
        on
            resolved.entry_key = overlapped.entry_key
            and resolved.source = overlapped.source
            and resolved.span_start = overlapped.span_start
            and resolved.span_end = overlapped.span_end
            and resolved.reference_key = overlapped.reference_key
    where overlapped.entry_key is null
),

final as (
    select
        standing_readings.entry_key,
        standing_readings.company_id,
        standing_readings.source,
        standing_readings.strength,
        standing_readings.reference_key,
        standing_readings.span_start,
        standing_readings.span_end,
        standing_readings.span_text,
        standing_readings.document_id,
        standing_readings.invoice_id,
        documents.customer_id,
        documents.currency,
        documents.kind as document_kind,
        documents.document_amount,
        documents.is_cancelled,
        standing_readings.invoice_count = 1 as is_unique,
        coalesce(match_answers.answer = 'rejected', false) as is_rejected
    from standing_readings
    inner join documents
        on
            standing_readings.company_id = documents.company_id
            and standing_readings.document_id = documents.document_id
    left join match_answers
        on
            standing_readings.entry_key = match_answers.entry_key
            and standing_readings.company_id = match_answers.company_id
            and standing_readings.invoice_id = match_answers.invoice_id
    where standing_readings.reading_rank = 1
)

select * from final

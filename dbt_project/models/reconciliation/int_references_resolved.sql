with entries as (
    select entries.*
    from {{ ref("entries") }} as entries
    inner join {{ ref("int_entries_consulted") }} as entries_consulted
        on entries.entry_key = entries_consulted.entry_key
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
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

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

-- Companies whose numbers are digits only: a payer may have put letters of his own in front of one.
companies_of_digits as (
    select distinct document_keys.company_id
    from document_keys
    where document_keys.is_distinct and document_keys.reference_key < 'A'
),

candidates as (
    select
        bank_references.entry_key,
        bank_references.company_id,
        bank_references.source,
        case
            -- A betalingskenmerk of seven digits has no check digit.
            when
                bank_references.kind in ('RF', 'OGM', 'CUR')
                and bank_references.is_valid
                and length(bank_references.reference) > 7
                then 2
            when bank_references.source = 'end_to_end' then 1
            else 3
        end as strength,
        bank_references.reference as reference_key,
        bank_references.span_start,
        bank_references.span_end,
        coalesce(bank_references.span_text, bank_references.reference) as span_text,
        false as is_stripped
    from bank_references
    union all
    -- A creditor reference may be built over the invoice number itself: RF, two check digits, number.
    select
        bank_references.entry_key,
        bank_references.company_id,
        bank_references.source,
        2 as strength,
        substr(bank_references.reference, 5) as reference_key,
        bank_references.span_start,
        bank_references.span_end,
        coalesce(bank_references.span_text, bank_references.reference) as span_text,
        false as is_stripped
    from bank_references
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
        entries.end_to_end_id as span_text,
        false as is_stripped
    from entries
    where entries.end_to_end_id is not null
    union all
    -- INV2026-0042 for 2026-0042.
    select
        bank_references.entry_key,
        bank_references.company_id,
        bank_references.source,
        3 as strength,
        {{ without_prefix("bank_references.reference") }} as reference_key,
        bank_references.span_start,
        bank_references.span_end,
        bank_references.span_text,
        true as is_stripped
    from bank_references
    inner join companies_of_digits
        on bank_references.company_id = companies_of_digits.company_id
    where
        bank_references.source = 'remittance'
        and bank_references.reference >= 'A'
        and bank_references.span_text not like '% %'
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
        document_keys.invoice_count,
        document_keys.is_distinct
    from candidates
    inner join document_keys
        on
            candidates.company_id = document_keys.company_id
            and candidates.reference_key = document_keys.reference_key
            and (document_keys.is_distinct or not candidates.is_stripped)
),

-- Readings that may be of something else: a piece of a longer number, a year, a date, a telephone.
suspects as (
    select
        resolved.entry_key,
        resolved.company_id,
        resolved.source,
        resolved.reference_key,
        resolved.span_start,
        resolved.span_end,
        resolved.span_text,
        resolved.document_id,
        resolved.is_distinct,
        entries.booked_on,
        entries.end_to_end_id,
        lower(
            substr(entries.remittance, greatest(resolved.span_start - 24, 0) + 1, least(resolved.span_start, 24))
        ) as text_before,
        lower(substr(entries.remittance, resolved.span_end + 1, 24)) as text_after
    from resolved
    inner join entries
        on resolved.entry_key = entries.entry_key
    where
        resolved.source in ('remittance', 'end_to_end')
        and resolved.strength <> 2
        and (
            not resolved.is_distinct
            or (
                resolved.source = 'remittance'
                and resolved.reference_key < 'A'
                and (
                    resolved.span_start > 1
                    or length(resolved.reference_key) = 6
                    or {{ reads_as_date("resolved.reference_key") }}
                )
            )
        )
),

announced as (
    select
        suspects.*,
        {{ announces_another_number("suspects.text_before") }} as is_announced
    from suspects
),

surrounded as (
    select
        announced.*,
        length(announced.reference_key) = 4
        and announced.reference_key between
        cast(extract(year from announced.booked_on) - 5 as varchar)
        and cast(extract(year from announced.booked_on) + 1 as varchar) as is_year,
        {{ first_match("announced.text_before", "'([0-9a-z]+)[-./_]?$'") }} as group_before,
        {{ first_match("announced.text_after", "'^[-./_]?([0-9a-z]+)'") }} as group_after,
        {{ first_match("announced.text_before", "'([0-9a-z./_-]*)$'") }}
        || announced.span_text
        || {{ first_match("announced.text_after", "'^([0-9a-z./_-]*)'") }} as whole_group
    from announced
    where
        not announced.is_distinct
        or announced.is_announced
        or length(announced.reference_key) = 6
        or {{ reads_as_date("announced.reference_key") }}
),

-- Joined to digits on a side where no number of ours stands: 2026 in 2026-1062, but not 1062 in 1062/1063.
cut_off as (
    select distinct
        surrounded.entry_key,
        surrounded.source,
        surrounded.span_start,
        surrounded.span_end,
        surrounded.reference_key
    from surrounded
    left join surrounded as number_before
        on
            surrounded.entry_key = number_before.entry_key
            and surrounded.source = number_before.source
            and surrounded.span_start = number_before.span_end + 1
            and not number_before.is_year
    left join surrounded as number_after
        on
            surrounded.entry_key = number_after.entry_key
            and surrounded.source = number_after.source
            and surrounded.span_end + 1 = number_after.span_start
            and not number_after.is_year
    where
        ({{ has_digit("surrounded.group_before") }} and number_before.entry_key is null)
        or ({{ has_digit("surrounded.group_after") }} and number_after.entry_key is null)
),

-- Not meant as a number of ours. Written exactly as we print it, separators included, it always is one.
set_aside as (
    select distinct
        surrounded.entry_key,
        surrounded.source,
        surrounded.span_start,
        surrounded.span_end,
        surrounded.reference_key
    from surrounded
    left join cut_off
        on
            surrounded.entry_key = cut_off.entry_key
            and surrounded.source = cut_off.source
            and surrounded.span_start = cut_off.span_start
            and surrounded.span_end = cut_off.span_end
            and surrounded.reference_key = cut_off.reference_key
    left join documents
        on
            surrounded.company_id = documents.company_id
            and surrounded.document_id = documents.document_id
            and surrounded.span_text = documents.invoice_number
            and surrounded.span_text <> surrounded.reference_key
    where
        documents.document_id is null
        and case
            when surrounded.source = 'end_to_end'
                then
                    not surrounded.is_distinct
                    and surrounded.reference_key <> {{ normalised_reference("surrounded.end_to_end_id") }}
            else
                surrounded.is_announced
                or {{ is_written_as_a_date("surrounded.whole_group") }}
                or (
                    {{ reads_as_date("surrounded.reference_key") }}
                    and {{ announces_a_date("surrounded.text_before") }}
                )
                or (
                    not surrounded.is_distinct
                    and (
                        cut_off.entry_key is not null
                        or (surrounded.is_year and not {{ announces_a_number("surrounded.text_before") }})
                    )
                )
        end
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
    left join set_aside
        on
            resolved.entry_key = set_aside.entry_key
            and resolved.source = set_aside.source
            and resolved.reference_key = set_aside.reference_key
            and coalesce(resolved.span_start, -1) = coalesce(set_aside.span_start, -1)
            and coalesce(resolved.span_end, -1) = coalesce(set_aside.span_end, -1)
    where overlapped.entry_key is null and set_aside.entry_key is null
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
    cross join tolerances
    inner join entries
        on standing_readings.entry_key = entries.entry_key
    inner join documents
        on
            standing_readings.company_id = documents.company_id
            and standing_readings.document_id = documents.document_id
            -- A number that nobody had given out yet is another one, mistyped. A checked reference may come first.
            and (
                standing_readings.strength <= 2
                or (documents.issued_on > entries.booked_on + cast(tolerances.named_ahead_days as integer)) is not true
            )
    left join match_answers
        on
            standing_readings.entry_key = match_answers.entry_key
            and standing_readings.company_id = match_answers.company_id
            and standing_readings.invoice_id = match_answers.invoice_id
    where standing_readings.reading_rank = 1
)

select * from final

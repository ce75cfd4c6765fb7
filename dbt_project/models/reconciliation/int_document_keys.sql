-- Only of the numbers that are asked for: the keys of all documents would be larger than what they are made of.
with references_asked as (
    select * from {{ ref("int_references_asked") }}
),

number_series as (
    select * from {{ ref("int_number_series") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

number_patterns as (
    select * from {{ ref("number_patterns") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
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

patterns_in_force as (
    select
        number_patterns.company_id,
        number_patterns.decision,
        {{ number_pattern("number_patterns.pattern") }} as expression
    from number_patterns
    cross join business_day
    where
        number_patterns.valid_from <= business_day.as_of_date
        and coalesce(number_patterns.valid_to, business_day.as_of_date) >= business_day.as_of_date
),

-- What a person decided about numbers of this kind: their own company's word goes before the general one.
decided as (
    select
        keys.company_id,
        keys.reference_key,
        coalesce(
            min(patterns_in_force.decision) filter (where patterns_in_force.company_id is not null),
            min(patterns_in_force.decision)
        ) as decision
    from keys
    inner join patterns_in_force
        on
            coalesce(patterns_in_force.company_id, keys.company_id) = keys.company_id
            and {{ matches_pattern("keys.reference_key", "patterns_in_force.expression") }}
    group by keys.company_id, keys.reference_key
),

keys_asked as (
    select keys.*
    from keys
    inner join references_asked
        on
            keys.company_id = references_asked.company_id
            and keys.reference_key = references_asked.reference_key
),

-- A number shorter than the policy's minimum, or without a digit, is a word: it names nothing.
usable as (
    select
        keys_asked.*,
        coalesce(decided.decision = 'use', false) as is_decided
    from keys_asked
    cross join tolerances
    left join decided
        on
            keys_asked.company_id = decided.company_id
            and keys_asked.reference_key = decided.reference_key
    where
        length(keys_asked.reference_key) >= tolerances.min_number_length
        and {{ has_digit("keys_asked.reference_key") }}
        and coalesce(decided.decision, 'use') = 'use'
),

-- The company's patterns, learned from all its documents: how long its numbers are, and whether they begin with a
-- letter. What a person decided to ignore is none of them.
patterned as (
    select
        number_series.company_id,
        number_series.number_length,
        number_series.stem >= 'A' as has_prefix,
        number_series.key_count
    from number_series
    cross join tolerances
    where
        number_series.number_length >= tolerances.min_number_length
        and (number_series.number_length > length(number_series.stem) or {{ has_digit("number_series.stem") }})
    union all
    select
        keys.company_id,
        length(keys.reference_key) as number_length,
        keys.reference_key >= 'A' as has_prefix,
        -1 as key_count
    from keys
    cross join tolerances
    inner join decided
        on
            keys.company_id = decided.company_id
            and keys.reference_key = decided.reference_key
    where
        decided.decision <> 'use'
        and length(keys.reference_key) >= tolerances.min_number_length
        and {{ has_digit("keys.reference_key") }}
),

learned as (
    select
        patterned.company_id,
        patterned.number_length,
        patterned.has_prefix,
        cast(sum(patterned.key_count) as bigint) as document_count,
        sum(sum(patterned.key_count)) over (partition by patterned.company_id) as company_count
    from patterned
    group by patterned.company_id, patterned.number_length, patterned.has_prefix
    having sum(patterned.key_count) > 0
),

-- Of a pattern the company uses, and so long that a piece of some other number will hardly ever be one of its own.
distinct_patterns as (
    select
        learned.company_id,
        learned.number_length,
        learned.has_prefix
    from learned
    cross join tolerances
    where
        learned.number_length >= tolerances.min_piece_length
        and learned.document_count * 100 >= learned.company_count
        and (
            learned.has_prefix
            or learned.number_length - length(cast(learned.document_count as varchar)) >= tolerances.piece_spare_digits
        )
),

-- Nearly every key is of one document. Keys are told apart by a number first, and only those whose number occurs more
-- than once are ranked.
repeated_numbers as (
    select {{ hashed(["usable.company_id", "usable.reference_key"]) }} as key_hash
    from usable
    group by {{ hashed(["usable.company_id", "usable.reference_key"]) }}
    having count(*) > 1
),

repeated as (
    select usable.*
    from usable
    inner join repeated_numbers
        on {{ hashed(["usable.company_id", "usable.reference_key"]) }} = repeated_numbers.key_hash
),

-- A cancelled document gives its number up to the one that replaces it; a term note gives way to its invoice.
ranked as (
    select
        repeated.*,
        row_number() over (
            partition by repeated.company_id, repeated.reference_key
            order by
                repeated.is_cancelled, case when repeated.kind = 'term_note' then 1 else 0 end, repeated.document_id
        ) as preference
    from repeated
),

counted as (
    select
        repeated.company_id,
        repeated.reference_key,
        greatest(
            count(distinct case when not repeated.is_cancelled then repeated.invoice_id end), 1
        ) as invoice_count
    from repeated
    group by repeated.company_id, repeated.reference_key
),

final as (
    select
        usable.company_id,
        usable.reference_key,
        usable.document_id,
        usable.invoice_id,
        1 as invoice_count,
        usable.is_decided or distinct_patterns.company_id is not null as is_distinct
    from usable
    left join distinct_patterns
        on
            usable.company_id = distinct_patterns.company_id
            and length(usable.reference_key) = distinct_patterns.number_length
            and (usable.reference_key >= 'A') = distinct_patterns.has_prefix
    left join repeated_numbers
        on {{ hashed(["usable.company_id", "usable.reference_key"]) }} = repeated_numbers.key_hash
    where repeated_numbers.key_hash is null
    union all
    select
        ranked.company_id,
        ranked.reference_key,
        ranked.document_id,
        ranked.invoice_id,
        counted.invoice_count,
        ranked.is_decided or distinct_patterns.company_id is not null as is_distinct
    from ranked
    inner join counted
        on
            ranked.company_id = counted.company_id
            and ranked.reference_key = counted.reference_key
    left join distinct_patterns
        on
            ranked.company_id = distinct_patterns.company_id
            and length(ranked.reference_key) = distinct_patterns.number_length
            and (ranked.reference_key >= 'A') = distinct_patterns.has_prefix
    where ranked.preference = 1
)

select * from final

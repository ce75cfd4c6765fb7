-- How the numbers of a company's documents are built: what stands before the last digits, and how long they are. Of
-- millions of numbers few differ in that.
with documents as (
    select * from {{ ref("int_documents_named") }}
),

counted as (
    select
        documents.company_id,
        rtrim(documents.normalised_number, '0123456789') as stem,
        length(documents.normalised_number) as number_length,
        count(*) as number_count,
        0 as reference_count
    from documents
    group by
        documents.company_id,
        rtrim(documents.normalised_number, '0123456789'),
        length(documents.normalised_number)
    union all
    select
        documents.company_id,
        rtrim(documents.normalised_payment_reference, '0123456789') as stem,
        length(documents.normalised_payment_reference) as number_length,
        0 as number_count,
        count(*) as reference_count
    from documents
    where
        documents.normalised_payment_reference is not null
        and documents.normalised_payment_reference <> documents.normalised_number
    group by
        documents.company_id,
        rtrim(documents.normalised_payment_reference, '0123456789'),
        length(documents.normalised_payment_reference)
),

final as (
    select
        counted.company_id,
        counted.stem,
        counted.number_length,
        sum(counted.number_count) as number_count,
        sum(counted.number_count) + sum(counted.reference_count) as key_count
    from counted
    group by counted.company_id, counted.stem, counted.number_length
)

select * from final

-- What stands between a document and a claim on it: the document was refused, or billing says otherwise.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

documents as (
    select * from {{ ref("stg_invoicing__documents") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

ranked as (
    select
        problem.company_id,
        problem.customer_id,
        problem.invoice_id as invoice_number,
        {{ normalised_reference("problem.invoice_id") }} as normalised_number,
        problem.code,
        problem.message,
        problem.source_sha256,
        problem.batch_id,
        problem.ordinal,
        row_number() over (
            partition by problem.company_id, problem.customer_id, problem.invoice_id
            order by problem.batch_id desc, problem.ordinal desc
        ) as newest_rank
    from {{ source("raw", "row_problems") }} as problem
    cross join business_day
    where problem.table_name = 'invoice_documents' and problem.batch_id <= business_day.batch_watermark
),

refusals as (
    select * from ranked
    where newest_rank = 1
),

-- A document of that number, or one that credits or corrects it, has come since.
mended_by_document as (
    select distinct refusals.source_sha256
    from refusals
    inner join documents
        on
            refusals.company_id = documents.company_id
            and (
                refusals.invoice_number = documents.invoice_number
                or refusals.invoice_number = documents.preceding_invoice_number
            )
    where
        documents.batch_id > refusals.batch_id
        or (documents.batch_id = refusals.batch_id and documents.ordinal > refusals.ordinal)
),

-- Billing knows the number: what it says counts, whatever became of the document.
known_to_billing as (
    select distinct refusals.source_sha256
    from refusals
    inner join invoices
        on
            refusals.company_id = invoices.company_id
            and refusals.normalised_number = invoices.normalised_number
    left join documents
        on
            invoices.company_id = documents.company_id
            and invoices.invoice_id = documents.invoice_id
            and not documents.is_in_extract
    where documents.invoice_id is null
),

refused as (
    select
        refusals.company_id,
        refusals.customer_id,
        refusals.invoice_number as invoice_id,
        refusals.code,
        refusals.message,
        refusals.source_sha256,
        refusals.ordinal
    from refusals
    left join mended_by_document on refusals.source_sha256 = mended_by_document.source_sha256
    left join known_to_billing on refusals.source_sha256 = known_to_billing.source_sha256
    where
        mended_by_document.source_sha256 is null
        and known_to_billing.source_sha256 is null
),

-- An amount prepaid may be in the extract or not: either of the two totals agrees.
compared as (
    select
        documents.company_id,
        documents.customer_id as document_customer_id,
        invoices.customer_id,
        invoices.invoice_id,
        case
            when documents.currency <> invoices.currency
                then 'the document is in ' || documents.currency || ', billing says ' || invoices.currency
            when invoices.total_amount not in (documents.total_amount, documents.tax_inclusive_amount)
                then
                    'the document asks for ' || documents.total_amount || ' ' || documents.currency
                    || ', billing says ' || invoices.total_amount
            when documents.kind <> invoices.kind
                then
                    'the document is of kind ' || documents.kind || ', billing says ' || invoices.kind
            when documents.customer_id <> invoices.customer_id
                then
                    'the document is addressed to ' || documents.customer_id || ', billing says '
                    || invoices.customer_id
        end as difference,
        documents.source_sha256,
        documents.ordinal
    from documents
    inner join invoices
        on
            documents.company_id = invoices.company_id
            and documents.normalised_number = invoices.normalised_number
    where documents.is_in_extract and invoices.kind <> 'term_note' and not invoices.is_cancelled
),

differing as (
    select
        compared.company_id,
        compared.customer_id,
        compared.invoice_id,
        compared.difference,
        compared.source_sha256,
        compared.ordinal
    from compared
    where compared.difference is not null
    union
    select
        compared.company_id,
        compared.document_customer_id as customer_id,
        compared.invoice_id,
        compared.difference,
        compared.source_sha256,
        compared.ordinal
    from compared
    where compared.difference is not null
),

final as (
    select
        'invoice_documents' as table_name,
        refused.company_id,
        refused.customer_id,
        refused.invoice_id,
        refused.code,
        refused.message,
        refused.source_sha256,
        refused.ordinal
    from refused
    union all
    select
        'invoice_documents' as table_name,
        differing.company_id,
        differing.customer_id,
        differing.invoice_id,
        'differs_from_billing' as code,
        differing.difference as message,
        differing.source_sha256,
        differing.ordinal
    from differing
)

select * from final

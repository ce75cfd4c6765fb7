with versions as (
    {{ ranked_versions("invoice_lines", ["company_id", "invoice_id", "line_number"]) }}
),

documents as (
    select * from {{ ref("stg_invoicing__documents") }}
),

document_lines as (
    select * from {{ source("raw", "invoice_document_lines") }}
),

final as (
    select
        versions.company_id,
        versions.invoice_id,
        versions.line_number,
        versions.description,
        versions.line_amount,
        versions.quantity,
        versions.unit_price,
        versions.order_line
    from versions
    where versions.version_rank = 1 and not versions.is_deleted
    union all
    select
        documents.company_id,
        documents.invoice_id,
        document_lines.line_number,
        document_lines.description,
        document_lines.line_amount,
        document_lines.quantity,
        document_lines.unit_price,
        document_lines.order_line
    from documents
    inner join document_lines
        on
            documents.company_id = document_lines.company_id
            and documents.invoice_number = document_lines.invoice_number
            and documents.source_sha256 = document_lines.source_sha256
            and documents.batch_id = document_lines.batch_id
    where not documents.is_in_extract
)

select * from final

-- A table, unlike the rest of staging: every chapter reads it, and ranking its versions is the dearest step of a day.
{{ config(materialized="table") }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

documents as (
    select * from {{ ref("stg_invoicing__documents") }}
),

versions as (
    {{ ranked_versions("invoices", ["company_id", "invoice_id"]) }}
),

extracted as (
    select
        versions.*,
        {{ normalised_reference("versions.invoice_number") }} as normalised_number
    from versions
    cross join business_day
    where
        versions.version_rank = 1
        and not versions.is_deleted
        and versions.issued_on <= business_day.as_of_date
),

-- The last day the customer was told on paper, where the document says one.
promised_days as (
    select
        documents.company_id,
        documents.normalised_number,
        max(documents.due_on) as due_on
    from documents
    where documents.is_in_extract and not documents.is_due_derived
    group by documents.company_id, documents.normalised_number
),

from_extract as (
    select
        extracted.company_id,
        extracted.invoice_id,
        extracted.invoice_number,
        extracted.normalised_number,
        extracted.customer_id,
        extracted.kind,
        extracted.issued_on,
        -- Billing may give more time than the document does, never less.
        case
            when extracted.kind = 'invoice' then greatest(extracted.due_on, promised_days.due_on)
            else extracted.due_on
        end as due_on,
        upper(extracted.currency) as currency,
        extracted.total_amount,
        extracted.payment_reference,
        nullif({{ normalised_reference("extracted.payment_reference") }}, '') as normalised_payment_reference,
        extracted.order_number,
        extracted.project_number,
        extracted.delivered_at,
        extracted.delivery_status,
        extracted.credits_invoice_number,
        extracted.replaces_invoice_number,
        extracted.discount_percent,
        extracted.discount_until,
        extracted.term_of_invoice_id,
        extracted.document_path,
        coalesce(extracted.is_cancelled, false) as is_cancelled,
        extracted.description
    from extracted
    left join promised_days
        on
            extracted.company_id = promised_days.company_id
            and extracted.normalised_number = promised_days.normalised_number
),

-- What billing knows by number, the extract says; the document is then only compared with it.
from_documents as (
    select
        documents.company_id,
        documents.invoice_id,
        documents.invoice_number,
        documents.normalised_number,
        documents.customer_id,
        documents.kind,
        documents.issued_on,
        documents.due_on,
        documents.currency,
        documents.total_amount,
        documents.payment_reference,
        nullif({{ normalised_reference("documents.payment_reference") }}, '') as normalised_payment_reference,
        documents.order_number,
        documents.project_number,
        cast(null as timestamp) as delivered_at,
        cast(null as varchar) as delivery_status,
        case when documents.kind = 'credit_note' then documents.preceding_invoice_number end as credits_invoice_number,
        case
            when documents.kind = 'invoice' and documents.type_code = '384' then documents.preceding_invoice_number
        end as replaces_invoice_number,
        documents.discount_percent,
        documents.discount_until,
        cast(null as varchar) as term_of_invoice_id,
        cast(null as varchar) as document_path,
        documents.is_replaced as is_cancelled,
        cast(null as varchar) as description
    from documents
    where not documents.is_in_extract
),

final as (
    select * from from_extract
    union all
    select * from from_documents
)

select * from final

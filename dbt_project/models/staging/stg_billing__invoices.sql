-- A table, unlike the rest of staging: every chapter reads it, and ranking its versions is the dearest step of a day.
{{ config(materialized="table") }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

versions as (
    {{ ranked_versions("invoices", ["company_id", "invoice_id"]) }}
),

final as (
    select
        versions.company_id,
        versions.invoice_id,
        versions.invoice_number,
        {{ normalised_reference("versions.invoice_number") }} as normalised_number,
        versions.customer_id,
        versions.kind,
        versions.issued_on,
        versions.due_on,
        upper(versions.currency) as currency,
        versions.total_amount,
        versions.payment_reference,
        nullif({{ normalised_reference("versions.payment_reference") }}, '') as normalised_payment_reference,
        versions.order_number,
        versions.project_number,
        versions.delivered_at,
        versions.delivery_status,
        versions.credits_invoice_number,
        versions.replaces_invoice_number,
        versions.discount_percent,
        versions.discount_until,
        versions.term_of_invoice_id,
        versions.document_path,
        coalesce(versions.is_cancelled, false) as is_cancelled,
        versions.description
    from versions
    cross join business_day
    where
        versions.version_rank = 1
        and not versions.is_deleted
        and versions.issued_on <= business_day.as_of_date
)

select * from final

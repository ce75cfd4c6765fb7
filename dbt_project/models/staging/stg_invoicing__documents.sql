-- A table: balances, lines and problems all ask which documents stand by themselves.
{{ config(materialized="table") }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

ranked as (
    select
        log.*,
        {{ normalised_reference("log.invoice_number") }} as normalised_number,
        row_number() over (
            partition by log.company_id, log.invoice_number order by log.batch_id desc, log.ordinal desc
        ) as arrival_rank
    from {{ source("raw", "invoice_documents") }} as log
    cross join business_day
    where log.batch_id <= business_day.batch_watermark
),

-- One number is one document: another with that number is refused at landing, unless billing agrees with it alone.
arrived as (
    select ranked.*
    from ranked
    cross join business_day
    where ranked.arrival_rank = 1 and ranked.issued_on <= business_day.as_of_date
),

-- Whatever the extract ever called by such a number; only these few rows are ranked.
rows_that_had_it as (
    select distinct
        log.company_id,
        log.invoice_id
    from {{ source("raw", "invoices") }} as log
    cross join business_day
    inner join arrived
        on
            log.company_id = arrived.company_id
            and {{ normalised_reference("log.invoice_number") }} = arrived.normalised_number
    where log.batch_id <= business_day.batch_watermark
),

versions as (
    select
        log.*,
        row_number() over (
            partition by log.company_id, log.invoice_id
            order by log.batch_id desc, log.ordinal desc, log.source_sha256 desc
        ) as version_rank
    from {{ source("raw", "invoices") }} as log
    cross join business_day
    inner join rows_that_had_it
        on
            log.company_id = rows_that_had_it.company_id
            and log.invoice_id = rows_that_had_it.invoice_id
    where log.batch_id <= business_day.batch_watermark
),

-- One that was deleted counts too: billing knows that number, and says it is no more.
extract_numbers as (
    select
        versions.company_id,
        {{ normalised_reference("versions.invoice_number") }} as normalised_number,
        count(*) as invoice_count
    from versions
    where versions.version_rank = 1 and versions.kind <> 'term_note'
    group by versions.company_id, {{ normalised_reference("versions.invoice_number") }}
),

-- The id of another invoice of the extract may read like this number.
ids_taken as (
    select distinct
        log.company_id,
        log.invoice_id
    from {{ source("raw", "invoices") }} as log
    cross join business_day
    inner join arrived
        on
            log.company_id = arrived.company_id
            and log.invoice_id = arrived.invoice_number
    where log.batch_id <= business_day.batch_watermark
),

-- A corrected invoice (type 384) that asks for money stands in the place of the one it names.
corrections as (
    select distinct
        arrived.company_id,
        arrived.customer_id,
        arrived.preceding_invoice_number as replaced_number
    from arrived
    where
        arrived.type_code = '384'
        and arrived.kind = 'invoice'
        and arrived.preceding_invoice_number is not null
),

final as (
    select
        arrived.company_id,
        case
            when ids_taken.invoice_id is null then arrived.invoice_number else 'document/' || arrived.invoice_number
        end as invoice_id,
        arrived.invoice_number,
        arrived.normalised_number,
        arrived.customer_id,
        arrived.kind,
        arrived.type_code,
        arrived.issued_on,
        arrived.due_on,
        arrived.is_due_derived,
        upper(arrived.currency) as currency,
        arrived.total_amount,
        arrived.tax_inclusive_amount,
        arrived.payment_reference,
        arrived.order_number,
        arrived.project_number,
        arrived.preceding_invoice_number,
        arrived.mandate_id,
        arrived.payment_terms,
        arrived.discount_percent,
        arrived.discount_until,
        corrections.replaced_number is not null as is_replaced,
        extract_numbers.normalised_number is not null as is_in_extract,
        arrived.source_sha256,
        arrived.batch_id,
        arrived.ordinal
    from arrived
    left join extract_numbers
        on
            arrived.company_id = extract_numbers.company_id
            and arrived.normalised_number = extract_numbers.normalised_number
    left join ids_taken
        on
            arrived.company_id = ids_taken.company_id
            and arrived.invoice_number = ids_taken.invoice_id
    left join corrections
        on
            arrived.company_id = corrections.company_id
            and arrived.customer_id = corrections.customer_id
            and arrived.invoice_number = corrections.replaced_number
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- A full extract says again what is still wrong: whatever was refused before it is over, also what names nobody.
newest_full_extracts as (
    select
        extract_begun.table_name,
        max(extract_begun.batch_id * 1000000000 + extract_begun.after_ordinal) as arrival
    from {{ source("raw", "full_extracts") }} as extract_begun
    cross join business_day
    where extract_begun.batch_id <= business_day.batch_watermark
    group by extract_begun.table_name
),

problems as (
    select
        problem.*,
        row_number() over (
            partition by problem.table_name, problem.company_id, problem.customer_id, problem.invoice_id
            order by problem.batch_id desc, problem.ordinal desc
        ) as version_rank
    from {{ source("raw", "row_problems") }} as problem
    cross join business_day
    left join newest_full_extracts on problem.table_name = newest_full_extracts.table_name
    -- Refused documents have a model of their own: they heal in other ways.
    where
        problem.batch_id <= business_day.batch_watermark and problem.table_name <> 'invoice_documents'
        and problem.batch_id * 1000000000 + problem.ordinal > coalesce(newest_full_extracts.arrival, 0)
),

-- A good row of the same key that arrived after the refused one heals it.
good_rows as (
    select
        'companies' as table_name,
        log.company_id,
        null as customer_id,
        null as invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "companies") }} as log
    union all
    select
        'customers' as table_name,
        log.company_id,
        log.customer_id,
        null as invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "customers") }} as log
    union all
    select
        'invoices' as table_name,
        log.company_id,
        null as customer_id,
        log.invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "invoices") }} as log
    union all
    select
        'invoice_lines' as table_name,
        log.company_id,
        null as customer_id,
        log.invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "invoice_lines") }} as log
    union all
    select
        'mandates' as table_name,
        log.company_id,
        log.customer_id,
        null as invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "mandates") }} as log
    union all
    select
        'orders' as table_name,
        log.company_id,
        log.customer_id,
        null as invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "orders") }} as log
    union all
    select
        'opening_stages' as table_name,
        log.company_id,
        null as customer_id,
        log.invoice_id,
        log.source_sha256,
        log.batch_id,
        log.ordinal
    from {{ source("raw", "opening_stages") }} as log
),

newest_good_rows as (
    select
        good_rows.table_name,
        good_rows.company_id,
        good_rows.customer_id,
        good_rows.invoice_id,
        good_rows.source_sha256,
        max(good_rows.batch_id * 1000000000 + good_rows.ordinal) as arrival
    from good_rows
    cross join business_day
    where good_rows.batch_id <= business_day.batch_watermark
    group by
        good_rows.table_name,
        good_rows.company_id,
        good_rows.customer_id,
        good_rows.invoice_id,
        good_rows.source_sha256
),

-- The refused row may name its customer as well as its invoice; a good row is found by the finer of the two.
keyed_problems as (
    select
        problems.*,
        case when problems.invoice_id is null then problems.customer_id end as healing_customer_id
    from problems
    where problems.version_rank = 1
),

final as (
    select
        keyed_problems.table_name,
        keyed_problems.company_id,
        keyed_problems.customer_id,
        keyed_problems.invoice_id,
        keyed_problems.code,
        keyed_problems.message,
        keyed_problems.source_sha256,
        keyed_problems.ordinal
    from keyed_problems
    left join newest_good_rows
        on
            keyed_problems.table_name = newest_good_rows.table_name
            and keyed_problems.company_id = newest_good_rows.company_id
            and keyed_problems.healing_customer_id is not distinct from newest_good_rows.customer_id
            and keyed_problems.invoice_id is not distinct from newest_good_rows.invoice_id
            and newest_good_rows.arrival > keyed_problems.batch_id * 1000000000 + keyed_problems.ordinal
            -- Where an invoice or customer has several rows, a good one beside the refused one is another row.
            and (
                keyed_problems.table_name not in ('invoice_lines', 'mandates', 'orders')
                or newest_good_rows.source_sha256 is distinct from keyed_problems.source_sha256
            )
    where newest_good_rows.arrival is null
    union all
    select * from {{ ref("stg_invoicing__document_problems") }}
)

select * from final

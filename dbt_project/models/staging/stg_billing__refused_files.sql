with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- A later arrival of invoices settles it: whatever the refused file would have said is there now, or was wrong.
newest_invoices as (
    select max(log.batch_id) as batch_id
    from {{ source("raw", "invoices") }} as log
    cross join business_day
    where log.batch_id <= business_day.batch_watermark
),

final as (
    select
        quarantined.file_sha256,
        quarantined.original_name,
        quarantined.code,
        quarantined.message,
        max(quarantined.batch_id) as batch_id
    from {{ source("raw", "quarantined_files") }} as quarantined
    cross join business_day
    cross join newest_invoices
    where
        quarantined.inbox = 'billing'
        and lower(quarantined.original_name) like 'invoices%'
        and quarantined.batch_id <= business_day.batch_watermark
        and quarantined.batch_id >= coalesce(newest_invoices.batch_id, 0)
    group by quarantined.file_sha256, quarantined.original_name, quarantined.code, quarantined.message
)

select * from final

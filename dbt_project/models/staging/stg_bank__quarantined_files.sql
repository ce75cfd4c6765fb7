with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select
        quarantined.file_sha256,
        quarantined.inbox,
        {{ normalised_iban("quarantined.account_iban") }} as account_iban,
        quarantined.code,
        quarantined.message,
        quarantined.position,
        quarantined.original_name,
        min(quarantined.batch_id) as batch_id
    from {{ source("raw", "quarantined_files") }} as quarantined
    cross join business_day
    where quarantined.batch_id <= business_day.batch_watermark
    group by
        quarantined.file_sha256,
        quarantined.inbox,
        quarantined.account_iban,
        quarantined.code,
        quarantined.message,
        quarantined.position,
        quarantined.original_name
)

select * from final

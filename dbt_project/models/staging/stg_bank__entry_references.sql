with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

final as (
    select distinct
        reference.entry_key,
        reference.position,
        reference.source,
        reference.kind,
        reference.reference,
        reference.span_start,
        reference.span_end,
        reference.span_text,
        reference.is_valid
    from {{ source("raw", "entry_references") }} as reference
    cross join business_day
    where reference.batch_id <= business_day.batch_watermark
)

select * from final

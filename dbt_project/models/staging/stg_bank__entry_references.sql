with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

-- Of what was only notified those of details that may stand for a booked sum; which of them do, `entries` says.
notified as (
    select notified_entries.entry_key
    from {{ ref("stg_bank__notified_entries") }} as notified_entries
),

arrived as (
    select * from {{ source("raw", "entry_references") }}
    union all
    select reference.*
    from {{ source("raw", "notified_references") }} as reference
    inner join notified
        on reference.entry_key = notified.entry_key
),

-- An entry that came in two files has its references twice; to take each once is for those who read a few of them.
final as (
    select
        arrived.entry_key,
        arrived.position,
        arrived.source,
        arrived.kind,
        arrived.reference,
        arrived.span_start,
        arrived.span_end,
        arrived.span_text,
        arrived.is_valid
    from arrived
    cross join business_day
    where arrived.batch_id <= business_day.batch_watermark
)

select * from final

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

versions as (
    {{ ranked_versions("opening_stages", ["company_id", "invoice_id"]) }}
),

final as (
    select
        versions.company_id,
        versions.invoice_id,
        versions.stage_no,
        versions.dispatched_on,
        versions.channel
    from versions
    cross join business_day
    where
        versions.version_rank = 1
        and not versions.is_deleted
        and versions.dispatched_on <= business_day.as_of_date
)

select * from final

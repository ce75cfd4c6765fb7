with templates as (
    select * from {{ source("control", "templates") }}
),

final as (
    select
        templates.template_id,
        templates.template_hash,
        templates.channel,
        templates.language,
        templates.message_kind
    from templates
)

select * from final

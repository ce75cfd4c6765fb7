{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with planned as (
    select * from {{ ref("int_messages_planned") }}
),

sent_today as (
    select * from {{ ref("int_messages_sent_today") }}
),

final as (
    select {{ message_columns() | join(", ") }} from planned
    union all
    select {{ message_columns() | join(", ") }} from sent_today
)

select * from final

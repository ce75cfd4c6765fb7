{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

communications_due as (
    select * from {{ ref("communications_due") }}
),

-- Read from the message itself, so that this table cannot say anything else than what is printed and sent.
final as (
    select
        communications_due.as_of_date,
        communications_due.communication_id,
        communications_due.company_id,
        communications_due.customer_id,
        {{ json_text("item.element", "invoice_id") }} as invoice_id,
        cast({{ json_text("item.element", "open_amount") }} as decimal(18, 2)) as open_amount,
        communications_due.currency,
        cast({{ json_text("item.element", "stage_no") }} as bigint) as stage_no,
        cast({{ json_text("item.element", "cycle") }} as bigint) as cycle,
        cast({{ json_text("item.element", "is_acted") }} as boolean) as is_acted
    from communications_due
    inner join business_day
        on communications_due.as_of_date = business_day.as_of_date
    cross join {{ unnested(json_array_elements("communications_due.items"), "item") }}
)

select * from final

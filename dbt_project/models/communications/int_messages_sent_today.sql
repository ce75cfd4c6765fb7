-- One row per message that already left today, read back exactly as it was frozen when it was sent.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

newest as (
    select
        sent_messages.*,
        row_number() over (partition by sent_messages.communication_id order by sent_messages.seq desc) as newest_rank
    from sent_messages
    inner join business_day
        on sent_messages.as_of_date = business_day.as_of_date
),

final as (
    select
    {% for column, type in message_columns().items() -%}
        {% if column in ("communication_id", "as_of_date", "company_id", "customer_id") -%}
                newest.{{ column }}{{ "," if not loop.last }}
        {% else -%}
                cast({{ json_text("newest.row_json", column) }} as {{ type }}) as {{ column }}{{ "," if not loop.last }}
        {% endif -%}
    {% endfor %}
    from newest
    where newest.newest_rank = 1
)

select * from final

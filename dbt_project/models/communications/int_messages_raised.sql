-- Every message the facts of today call for, whoever calls for it. A new kind is a new file and a line here; who gets
-- it, in which language and wording, and what identifies it is settled once for all in int_messages_planned.
{% set families = [
    "int_messages_of_track", "int_messages_of_agreements", "int_messages_of_disputes", "int_messages_of_delivery",
    "int_messages_of_thanks", "int_messages_of_money",
] -%}
with gathered as (
    {% for family in families -%}
        select * from {{ ref(family) }}
        {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        {{ message_key("gathered") }} as message_key,
        gathered.*
    from gathered
)

select * from final

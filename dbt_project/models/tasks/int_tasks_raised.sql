-- Every task the facts of today give rise to, whoever raises it. A new kind is a new file and a line here.
{% set families = [
    "int_tasks_of_schedule", "int_tasks_of_distribution", "int_tasks_of_money", "int_tasks_of_agreements",
    "int_tasks_of_delivery", "int_tasks_of_feeds", "int_tasks_of_risk", "int_tasks_of_corrections",
    "int_tasks_of_handovers",
] -%}
with gathered as (
    {% for family in families -%}
        select
            {{ family }}.*,
            cast(null as varchar) as owner_role,
            false as is_cancelled
        from {{ ref(family) }} as {{ family }}
        union all
    {% endfor -%}
    -- The track names the owner of its steps, and calls off what the customer made needless.
    select * from {{ ref("int_tasks_of_track") }}
),

final as (
    select
        {{ task_id(
            "gathered.task_kind", "gathered.company_id", "gathered.customer_id", "gathered.invoice_id",
            "gathered.opening_fact"
        ) }} as task_id,
        gathered.*
    from gathered
)

select * from final

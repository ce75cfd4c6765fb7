{# Of one key, a period ends before the next one begins, and no day lies between them. An open end is for ever. #}
{% test periods_do_not_overlap(model, key=[]) -%}
with periods as (
    select
        {% for column in key -%}
        {{ column }},
        {% endfor -%}
        valid_from,
        valid_to,
        lead(valid_from) over (
            {% if key -%} partition by {{ key | join(", ") }} {% endif -%}
            order by valid_from
        ) as next_from
    from {{ model }}
)

select *
from periods
where
    valid_to < valid_from
    or (next_from is not null and (valid_to is null or valid_to + 1 <> next_from))
{% endtest %}

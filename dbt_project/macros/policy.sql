{# Whether a row of an effective-dated policy seed counts on the business day. Needs `business_day` in scope. #}
{% macro in_force(policy) -%}
    business_day.as_of_date between {{ policy }}.valid_from and {{ policy }}.valid_to
{%- endmacro %}

{# The rows of a policy seed that count on the business day: the whole body of a private model. #}
{% macro policy_in_force(seed) -%}
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

policy as (
    select * from {{ ref(seed) }}
),

final as (
    select policy.*
    from policy
    cross join business_day
    where {{ in_force("policy") }}
)

select * from final
{%- endmacro %}

{# The kinds of message that are part of a dunning track: they carry stages and count for spacing. #}
{% macro dunning_kinds() -%}('pre_due_notice', 'reminder_1', 'reminder_2', 'formal_notice'){%- endmacro %}

{#
    Effective-dated policy has exactly one answer on every day: for each key the periods follow one another without a
    gap or an overlap, from the first day the house knows to the last.
#}
{% test unbroken_periods(model, key) %}
with periods as (
    select
        {% for column in key %}{{ column }}, {% endfor %}
        valid_from,
        valid_to,
        lag(valid_to) over (
            partition by {% for column in key %}{{ column }}{{ ", " if not loop.last }}{% else %}1{% endfor %}
            order by valid_from
        ) as previous_valid_to
    from {{ model }}
)

select *
from periods
where
    valid_to < valid_from
    or (previous_valid_to is null and valid_from > date '2010-01-01')
    or (previous_valid_to is not null and valid_from <> previous_valid_to + 1)
{% endtest %}

{# The date a number of calendar months before another. #}
{% macro months_before(day, months) -%}{{ return(adapter.dispatch("months_before")(day, months)) }}{%- endmacro %}
{% macro default__months_before(day, months) -%}cast({{ day }} - to_months({{ months }}) as date){%- endmacro %}

{# A signed integer divided by a positive one, to two decimals, rounded half away from zero. #}
{% macro signed_part_of(numerator, denominator) -%}
    cast(sign({{ numerator }}) as integer) * {{ part_of("cast(1 as decimal(18, 2))", "abs(" ~ numerator ~ ")", denominator) }}
{%- endmacro %}

{# A number of days divided by a count, rounded down to whole days; null when the count is zero or null. #}
{% macro whole_days(days, divisor) -%}{{ return(adapter.dispatch("whole_days")(days, divisor)) }}{%- endmacro %}
{% macro default__whole_days(days, divisor) -%}
    cast(({{ days }} - (({{ days }} % nullif({{ divisor }}, 0)) + {{ divisor }}) % {{ divisor }}) // {{ divisor }} as bigint)
{%- endmacro %}

{# The date a number of calendar years after another; the 29th of February becomes the 28th. #}
{% macro years_after(day, years) -%}{{ return(adapter.dispatch("years_after")(day, years)) }}{%- endmacro %}
{% macro default__years_after(day, years) -%}cast({{ day }} + to_years({{ years }}) as date){%- endmacro %}

{# How many month ends a segment can remember at most: each is a column of int_turnovers_assessed. #}
{% macro assessment_numbers() -%}{{ return(range(1, 13)) }}{%- endmacro %}

{# Basis points as people write a percentage: 1250 is 12.50. #}
{% macro percent_text(basis_points) -%}
    cast({{ basis_points }} // 100 as varchar) || '.' || lpad(cast({{ basis_points }} % 100 as varchar), 2, '0')
{%- endmacro %}

{# The date a number of calendar months after another; of a longer month the last day of a shorter one. #}
{% macro months_after(day, months) -%}{{ return(adapter.dispatch("months_after")(day, months)) }}{%- endmacro %}
{% macro default__months_after(day, months) -%}cast({{ day }} + to_months({{ months }}) as date){%- endmacro %}

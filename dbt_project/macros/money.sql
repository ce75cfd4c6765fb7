{#
    Division and rounding of money, exact: DuckDB's `/` and avg() give DOUBLE even for decimals, so everything is done
    on integers. `part_of(amount, numerator, denominator)` is amount * numerator / denominator, rounded half away from
    zero to cents; numerator and denominator are integers (a percentage of 7.25 is 725 of 10000).
#}
{% macro part_of(amount, numerator, denominator) -%}
    {{ return(adapter.dispatch("part_of")(amount, numerator, denominator)) }}
{%- endmacro %}

{% macro default__part_of(amount, numerator, denominator) -%}
    cast(
        sign({{ amount }}) * (
            (abs(cast({{ amount }} * 100 as bigint)) * cast({{ numerator }} as hugeint) * 2 + {{ denominator }})
            // (2 * cast({{ denominator }} as hugeint))
        ) as decimal(18, 0)
    ) * cast(0.01 as decimal(3, 2))
{%- endmacro %}

{# A share in basis points (1/100 of a percent), as an integer; null when the whole is zero. #}
{% macro basis_points(part, whole) -%}
    {{ return(adapter.dispatch("basis_points")(part, whole)) }}
{%- endmacro %}

{% macro default__basis_points(part, whole) -%}
    case
        when {{ whole }} = 0 then null
        else cast((cast({{ part }} * 100 as hugeint) * 10000) // cast({{ whole }} * 100 as hugeint) as bigint)
    end
{%- endmacro %}

{# An integer that is not negative divided by a positive one, rounded half up: cents from a sum of finer parts. #}
{% macro rounded_quotient(numerator, denominator) -%}
    {{ return(adapter.dispatch("rounded_quotient")(numerator, denominator)) }}
{%- endmacro %}

{% macro default__rounded_quotient(numerator, denominator) -%}
    cast(
        (2 * cast({{ numerator }} as hugeint) + {{ denominator }}) // (2 * cast({{ denominator }} as hugeint)) as hugeint
    )
{%- endmacro %}

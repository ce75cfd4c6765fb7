{#
    A name as it is compared: capitals without accents, one space between words, "Stg." written out. Names are the same
    only when all of this is.
#}
{% macro normalised_name(text) -%}{{ return(adapter.dispatch("normalised_name")(text)) }}{%- endmacro %}
{% macro default__normalised_name(text) -%}
    trim(
        regexp_replace(
            regexp_replace(upper(strip_accents({{ text }})), '[^A-Z0-9]+', ' ', 'g'), '^ ?STG ', 'STICHTING '
        )
    )
{%- endmacro %}

{# The same without the legal form at its end, however that is written: B.V., BV, N.V., VOF, BVBA, SRL, GmbH. #}
{% macro name_without_form(text) -%}{{ return(adapter.dispatch("name_without_form")(text)) }}{%- endmacro %}
{% macro default__name_without_form(text) -%}
    regexp_replace(
        {{ normalised_name(text) }},
        ' (B ?V|N ?V|V ?O ?F|C ?V|B ?V ?B ?A|C ?V ?B ?A|S ?P ?R ?L|S ?R ?L|S ?A|S ?A ?R ?L|S ?N ?C|GMBH|A ?G|K ?G|LTD)$',
        ''
    )
{%- endmacro %}

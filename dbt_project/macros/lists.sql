{# Lists and account numbers: engine-specific functions of the staging chapter. #}

{# The parts of a text with a one-character separator, as a list; empty when the text is null. #}
{% macro split_text(text, separator) -%}{{ return(adapter.dispatch("split_text")(text, separator)) }}{%- endmacro %}
{% macro default__split_text(text, separator) -%}string_split(coalesce({{ text }}, ''), '{{ separator }}'){%- endmacro %}

{# To use after `cross join`: one row per element of a list, as alias(element, position), positions from 1. #}
{% macro unnested(list, alias) -%}{{ return(adapter.dispatch("unnested")(list, alias)) }}{%- endmacro %}
{% macro default__unnested(list, alias) -%}unnest({{ list }}) with ordinality as {{ alias }}(element, position){%- endmacro %}

{# A JSON text element as plain text, without its quotes. #}
{% macro json_scalar(json) -%}{{ return(adapter.dispatch("json_scalar")(json)) }}{%- endmacro %}
{% macro default__json_scalar(json) -%}json_extract_string({{ json }}, '$'){%- endmacro %}

{# An account number as banks compare it: letters and digits, upper case, null when empty. #}
{% macro normalised_iban(text) -%}nullif({{ normalised_reference(text) }}, ''){%- endmacro %}

{# Every date from first to last, as rows of one column `date_day`. Both are SQL date expressions. #}
{% macro date_rows(first, last) -%}{{ return(adapter.dispatch("date_rows")(first, last)) }}{%- endmacro %}
{% macro default__date_rows(first, last) -%}
select cast(days.date_day as date) as date_day
from generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day) as days(date_day)
{%- endmacro %}

{# ISO day of the week: Monday 1 ... Sunday 7. #}
{% macro iso_weekday(day) -%}{{ return(adapter.dispatch("iso_weekday")(day)) }}{%- endmacro %}
{% macro default__iso_weekday(day) -%}isodow({{ day }}){%- endmacro %}

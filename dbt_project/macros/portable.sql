{# Engine-specific functions, one macro each, so that the models read as plain SQL. #}

{# First 26 hex digits of the SHA-256 of a text: the length of every key we make ourselves. #}
{% macro short_hash(text) -%}{{ return(adapter.dispatch("short_hash")(text)) }}{%- endmacro %}
{% macro default__short_hash(text) -%}left(sha256({{ text }}), 26){%- endmacro %}

{# The value of a key in a JSON text, as text; null when absent. #}
{% macro json_text(json, key) -%}{{ return(adapter.dispatch("json_text")(json, key)) }}{%- endmacro %}
{% macro default__json_text(json, key) -%}json_extract_string({{ json }}, '$.{{ key }}'){%- endmacro %}

{# The elements of an array in a JSON text, as a list of JSON texts; empty when absent. #}
{% macro json_elements(json, key) -%}{{ return(adapter.dispatch("json_elements")(json, key)) }}{%- endmacro %}
{% macro default__json_elements(json, key) -%}coalesce(cast(json_extract({{ json }}, '$.{{ key }}') as json[]), []){%- endmacro %}

{# How large a company is said to be: large, sme or authority; anything else says nothing. #}
{% macro size_class(text) -%}
    case when lower(trim({{ text }})) in ('large', 'sme', 'authority') then lower(trim({{ text }})) end
{%- endmacro %}

{# Letters and digits only, upper case: how references and invoice numbers are compared. #}
{% macro normalised_reference(text) -%}{{ return(adapter.dispatch("normalised_reference")(text)) }}{%- endmacro %}
{% macro default__normalised_reference(text) -%}upper(regexp_replace({{ text }}, '[^A-Za-z0-9]', '', 'g')){%- endmacro %}

{# A number for some columns together: rows whose numbers differ differ, rows whose numbers agree are to be compared. #}
{% macro hashed(columns) -%}{{ return(adapter.dispatch("hashed")(columns)) }}{%- endmacro %}
{% macro default__hashed(columns) -%}hash({{ columns | join(", ") }}){%- endmacro %}

{# One number for all texts of a group, whatever their order; equal groups give equal numbers. Null if it is empty. #}
{% macro multiset_hash(text) -%}{{ return(adapter.dispatch("multiset_hash")(text)) }}{%- endmacro %}
{% macro default__multiset_hash(text) -%}cast(sum(hash({{ text }})) as hugeint){%- endmacro %}

{# A date or an amount of a register payload; null when the key is absent or empty. #}
{% macro payload_date(payload, key) -%}cast(nullif({{ json_text(payload, key) }}, '') as date){%- endmacro %}
{% macro payload_amount(payload, key) -%}cast(nullif({{ json_text(payload, key) }}, '') as decimal(18, 2)){%- endmacro %}
{% macro payload_text(payload, key) -%}nullif({{ json_text(payload, key) }}, ''){%- endmacro %}

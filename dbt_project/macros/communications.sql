{# Keys and JSON of messages and tasks. #}

{#
    Identity of a task: SHA-256 over `task_kind|company_id|customer_id|invoice_id|opening fact`, first 26 hex digits,
    empty text for what is null. The day is not part of it, so that an outcome recorded yesterday finds its task today.
#}
{% macro task_id(task_kind, company_id, customer_id, invoice_id, opening_fact) -%}
{{ short_hash(
    "concat_ws('|', " ~ task_kind
    ~ ", coalesce(" ~ company_id ~ ", '')"
    ~ ", coalesce(" ~ customer_id ~ ", '')"
    ~ ", coalesce(" ~ invoice_id ~ ", '')"
    ~ ", coalesce(" ~ opening_fact ~ ", ''))"
) }}
{%- endmacro %}

{#
    Identity of a message: SHA-256 over
    `company_id|customer_id|channel|class|stage_no|cycle|items|as_of_date|policy_version|template_hash`, first 26 hex
    digits. `items` is `invoice_id=amount` for every item, joined by commas in the order of invoice_id, amounts with
    two decimals and a dot; the date is ISO. The same facts on the same day under the same policy and wording give the
    same message; anything else gives another one.
#}
{% macro communication_id(message, items, policy_version) -%}
{{ short_hash(
    "concat_ws('|', " ~ message ~ ".company_id, " ~ message ~ ".customer_id, " ~ message ~ ".channel, "
    ~ message ~ ".class, cast(" ~ message ~ ".stage_no as varchar), cast(" ~ message ~ ".cycle as varchar), "
    ~ items ~ ", cast(" ~ message ~ ".as_of_date as varchar), coalesce(" ~ policy_version ~ ", ''), coalesce("
    ~ message ~ ".template_hash, ''))"
) }}
{%- endmacro %}

{# A JSON object from a mapping of keys to SQL expressions, keys in the order given; a null stays a JSON null. #}
{% macro json_object(pairs) -%}{{ return(adapter.dispatch("json_object")(pairs)) }}{%- endmacro %}
{% macro default__json_object(pairs) -%}
cast(json_object({% for key, expression in pairs.items() %}'{{ key }}', {{ expression }}{{ ", " if not loop.last }}{% endfor %}) as varchar)
{%- endmacro %}

{# A JSON array of JSON texts, aggregated in a stated order so that equal facts give equal bytes. #}
{% macro json_array(element, order_by) -%}
'[' || string_agg({{ element }}, ',' order by {{ order_by }}) || ']'
{%- endmacro %}

{# The elements of a JSON array text, as a list of JSON texts. #}
{% macro json_array_elements(json) -%}{{ return(adapter.dispatch("json_array_elements")(json)) }}{%- endmacro %}
{% macro default__json_array_elements(json) -%}coalesce(cast(cast({{ json }} as json) as json[]), []){%- endmacro %}

{# Whether a text can be written to as an e-mail address. Null is no address. #}
{% macro is_email(text) -%}{{ return(adapter.dispatch("is_email")(text)) }}{%- endmacro %}
{% macro default__is_email(text) -%}
coalesce(regexp_full_match(trim({{ text }}), '[^@\s,;<>"]+@[^@\s,;<>".]+(\.[^@\s,;<>".]+)+'), false)
{%- endmacro %}

{# Whether a customer can be reached by a channel; an empty channel reaches nobody. #}
{% macro route_usable(channel, reach) -%}
(({{ channel }} = 'email' and {{ reach }}.is_email_usable)
or ({{ channel }} in ('letter', 'registered_letter') and {{ reach }}.is_post_usable))
{%- endmacro %}

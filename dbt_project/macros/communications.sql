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
    two decimals and a dot; the date is ISO. A message that is no stage of a track has `|currency|message_kind|occasion`
    after that: the fact that calls for it. The same facts on the same day under the same policy and wording give the
    same message; anything else gives another one.
#}
{% macro communication_id(message, items, policy_version) -%}
{{ short_hash(
    "concat_ws('|', " ~ message ~ ".company_id, " ~ message ~ ".customer_id, " ~ message ~ ".channel, "
    ~ message ~ ".class, cast(" ~ message ~ ".stage_no as varchar), cast(" ~ message ~ ".cycle as varchar), "
    ~ "coalesce(" ~ items ~ ", ''), cast(" ~ message ~ ".as_of_date as varchar), coalesce(" ~ policy_version ~ ", ''), "
    ~ "coalesce(" ~ message ~ ".template_hash, ''), "
    ~ "case when " ~ message ~ ".occasion is not null then concat_ws('|', " ~ message ~ ".currency, "
    ~ message ~ ".message_kind, " ~ message ~ ".occasion) end)"
) }}
{%- endmacro %}

{#
    What a message is about, before it is addressed and worded: `company_id|customer_id|currency|message_kind|occasion`.
    There is one message of it, and one message in all that ever leaves for an occasion.
#}
{% macro message_key(message) -%}
concat_ws(
        '|', {{ message }}.company_id, {{ message }}.customer_id, {{ message }}.currency, {{ message }}.message_kind,
        {{ message }}.occasion
    )
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

{# What stands between the brackets of a JSON array text, so that several can be joined; null when it is empty. #}
{% macro json_array_body(json) -%}nullif(substr({{ json }}, 2, length({{ json }}) - 2), ''){%- endmacro %}

{# The elements of a JSON array text, as a list of JSON texts. #}
{% macro json_array_elements(json) -%}{{ return(adapter.dispatch("json_array_elements")(json)) }}{%- endmacro %}
{% macro default__json_array_elements(json) -%}coalesce(cast(cast({{ json }} as json) as json[]), []){%- endmacro %}

{# Whether a text is exactly one plain e-mail address, as strictly as the renderer reads it. Null is no address. #}
{% macro is_email(text) -%}{{ return(adapter.dispatch("is_email")(text)) }}{%- endmacro %}
{% macro default__is_email(text) -%}
    {%- set label = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?" -%}
coalesce(
    regexp_full_match({{ text }}, '[A-Za-z0-9.!#$%&''*+/=?^_`{|}~-]{1,64}@{{ label }}(?:\.{{ label }})+'), false
)
{%- endmacro %}

{# Whether a customer can be reached by a channel; an empty channel reaches nobody. #}
{% macro route_usable(channel, reach) -%}
    (({{ channel }} = 'email' and {{ reach }}.is_email_usable)
or ({{ channel }} in ('letter', 'registered_letter') and {{ reach }}.is_post_usable))
{%- endmacro %}

{#
    The columns of a message, in order, with their types: one list for the row that is planned and for the row that is
    read back from what was frozen when it was sent.
#}
{% macro message_columns() -%}
{{ return({
    "communication_id": "varchar", "as_of_date": "date", "company_id": "varchar", "customer_id": "varchar",
    "channel": "varchar", "class": "varchar", "language": "varchar", "message_kind": "varchar",
    "scenario_id": "varchar", "stage_no": "bigint", "cycle": "bigint", "template_id": "varchar",
    "template_hash": "varchar", "policy_id": "varchar", "requires_release": "boolean", "currency": "varchar",
    "items_amount": "decimal(18, 2)", "credit_amount": "decimal(18, 2)", "total_amount": "decimal(18, 2)",
    "pay_by_on": "date", "oldest_due_on": "date", "recipient_name": "varchar", "recipient_department": "varchar",
    "recipient_email": "varchar", "recipient_street": "varchar", "recipient_postal_code": "varchar",
    "recipient_city": "varchar", "recipient_country": "varchar", "recipient_vat_number": "varchar",
    "sender_name": "varchar", "sender_street": "varchar", "sender_postal_code": "varchar", "sender_city": "varchar",
    "sender_country": "varchar", "sender_email": "varchar", "sender_phone": "varchar",
    "sender_vat_number": "varchar", "sender_registration_number": "varchar", "sender_iban": "varchar",
    "sender_bic": "varchar", "payment_reference": "varchar", "payment_text": "varchar",
    "next_message_kind": "varchar", "next_step_on": "date", "owner": "varchar", "run_id": "varchar",
    "items": "varchar", "trace": "varchar", "occasion": "varchar", "particulars": "varchar",
    "is_sending_day": "boolean",
    "approvals_needed": "bigint", "interest_amount": "decimal(18, 2)", "costs_amount": "decimal(18, 2)",
    "calculation": "varchar",
}) }}
{%- endmacro %}

{# Identity of a decision: the same length of hash over `as_of_date|company_id|invoice_id`. #}
{% macro decision_id(as_of_date, company_id, invoice_id) -%}
    {{ short_hash("concat_ws('|', cast(" ~ as_of_date ~ " as varchar), " ~ company_id ~ ", " ~ invoice_id ~ ")") }}
{%- endmacro %}

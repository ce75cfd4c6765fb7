{# Reading numbers in a text: what surrounds a number says whether it is one of ours. Regular expressions are RE2. #}

{# Whether a text matches a pattern anywhere. #}
{% macro matches_pattern(text, pattern) -%}
    {{ return(adapter.dispatch("matches_pattern")(text, pattern)) }}
{%- endmacro %}
{% macro default__matches_pattern(text, pattern) -%}regexp_matches({{ text }}, {{ pattern }}){%- endmacro %}

{# The first group of the first match of a pattern; empty without a match. #}
{% macro first_match(text, pattern) -%}{{ return(adapter.dispatch("first_match")(text, pattern)) }}{%- endmacro %}
{% macro default__first_match(text, pattern) -%}regexp_extract({{ text }}, {{ pattern }}, 1){%- endmacro %}

{#
    A number pattern of the seed as a regular expression: # is a digit, @ a letter, everything else stands for itself.
    Patterns are of normalised numbers: upper case letters and digits only.
#}
{% macro number_pattern(pattern) -%}
    '^' || replace(replace({{ pattern }}, '#', '[0-9]'), '@', '[A-Z]') || '$'
{%- endmacro %}

{# Whether digits can be read as a date: yyyymmdd or ddmmyyyy of this century, or ddmmyy. #}
{% macro reads_as_date(digits) -%}
    (
        case length({{ digits }})
            when 8
                then
                    (
                        {{ digits }} like '20%'
                        and substr({{ digits }}, 5, 2) between '01' and '12'
                        and substr({{ digits }}, 7, 2) between '01' and '31'
                    )
                    or (
                        substr({{ digits }}, 5, 2) = '20'
                        and substr({{ digits }}, 3, 2) between '01' and '12'
                        and substr({{ digits }}, 1, 2) between '01' and '31'
                    )
            when 6
                then
                    substr({{ digits }}, 3, 2) between '01' and '12'
                    and substr({{ digits }}, 1, 2) between '01' and '31'
            else false
        end
    )
{%- endmacro %}

{# The end of a text (lower case) that announces the number of something else: a telephone, a customer, an order. #}
{% macro announces_another_number(text) -%}
    {{ matches_pattern(text, "'" ~ (
        "(^|[^a-z])("
        ~ "((tel|telefoon|telephone|phone|gsm|mob|mobiel|mobile|fax)[ .:]*[0-9()+ ./-]*)"
        ~ "|((klant|kunde|kunden|customer|client|debiteur|debiteuren|deb|order|bestel|bestelling|commande|auftrag|po"
        ~ "|offerte|quote|devis|angebot|kvk|btw|vat|tva|ust|polis|contract)"
        ~ "[ .:#-]*(nr|no|num|nummer|numero|number|id)?[ .:#-]*)"
        ~ ")$"
    ) ~ "'") }}
{%- endmacro %}

{# The end of a text (lower case) that announces a date. #}
{% macro announces_a_date(text) -%}
    {{ matches_pattern(text, "'(^|[^a-z])(d[.]?d[.]?|datum|date|dated|vom)[ .:]*$'") }}
{%- endmacro %}

{# The end of a text (lower case) that announces a number: "nr. 2026", "#2026". #}
{% macro announces_a_number(text) -%}
    {{ matches_pattern(text, "'(nr|no|num|nummer|numero|number|n°|#)[ .:]*$'") }}
{%- endmacro %}

{# Whether a text (lower case) says that what it lists is not all: "e.a.", "etc." #}
{% macro says_there_is_more(text) -%}
    {{ matches_pattern(text, "'" ~ (
        "(^|[^a-z])(e[.] ?a|etc|e[.] ?v|u[.] ?a|usw|et al|en andere|en overige|and others|et autres)"
        ~ "([^a-z]|$)"
    ) ~ "'") }}
{%- endmacro %}

{# Digits written as a date, with separators: 31-10-2026, 2026.10.31. #}
{% macro is_written_as_a_date(text) -%}
    {{ matches_pattern(text, "'" ~ (
        "^([0-9]{1,2}[-./ ][0-9]{1,2}[-./ ]([0-9]{2}|20[0-9]{2})"
        ~ "|20[0-9]{2}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2})[-.]?$"
    ) ~ "'") }}
{%- endmacro %}

{# A reference without the letters it begins with, at most eight: INV20260042 -> 20260042. Null without letters. #}
{% macro without_prefix(reference) -%}
    case
        when {{ reference }} < 'A' then null
        {%- for letters in range(1, 9) %}
        when substr({{ reference }}, {{ letters + 1 }}, 1) < 'A' then substr({{ reference }}, {{ letters + 1 }})
        {%- endfor %}
    end
{%- endmacro %}

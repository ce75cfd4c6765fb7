{# Numbers as people copy them wrongly: engine-specific functions of the readings of damaged texts. #}

{# Whether two texts are one edit apart: a sign replaced, or two neighbours swapped. Both have the same length. #}
{% macro is_one_edit_apart(one, other) -%}{{ return(adapter.dispatch("is_one_edit_apart")(one, other)) }}{%- endmacro %}
{% macro default__is_one_edit_apart(one, other) -%}
    (length({{ one }}) = length({{ other }}) and damerau_levenshtein({{ one }}, {{ other }}) = 1)
{%- endmacro %}

{# The places in a text at which two neighbouring signs stand, as a list. #}
{% macro places_of_pairs(text) -%}{{ return(adapter.dispatch("places_of_pairs")(text)) }}{%- endmacro %}
{% macro default__places_of_pairs(text) -%}generate_series(1, greatest(length({{ text }}) - 1, 1)){%- endmacro %}

{# A text with the two signs at a place blotted out. Texts one edit apart are the same with a pair blotted out. #}
{% macro without_pair(text, place) -%}
    left({{ text }}, cast({{ place }} - 1 as integer)) || '**' || substr({{ text }}, cast({{ place }} + 2 as integer))
{%- endmacro %}

{# A normalised reference with the letters that are taken for digits written as those digits. #}
{% macro look_alikes_folded(text) -%}translate({{ text }}, 'OILZSB', '011258'){%- endmacro %}

{# A normalised reference without its zeros: the same for a number and for what is left when zeros are lost. #}
{% macro without_zeros(text) -%}replace({{ text }}, '0', ''){%- endmacro %}

{# Whether a text is written as a date, or is a year: 03.04.2026, 3-4-26, 2026-04-03, 2026. #}
{% macro is_date_like(text) -%}{{ return(adapter.dispatch("is_date_like")(text)) }}{%- endmacro %}
{% macro default__is_date_like(text) -%}
    regexp_matches(
        {{ text }},
        '^((0?[1-9]|[12][0-9]|3[01])[-./ ](0?[1-9]|1[0-2])[-./ ]((19|20)?[0-9]{2})|(19|20)[0-9]{2}([-./ ]?(0[1-9]|1[0-2])[-./ ]?(0[1-9]|[12][0-9]|3[01]))?)$'
    )
{%- endmacro %}

{# The month of a date, as text: 2026-04. #}
{% macro month_of(day) -%}{{ return(adapter.dispatch("month_of")(day)) }}{%- endmacro %}
{% macro default__month_of(day) -%}strftime({{ day }}, '%Y-%m'){%- endmacro %}

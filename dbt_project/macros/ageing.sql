{# Bucket of the days past the due date: the due day itself is not late, day 1 is. #}
{% macro ageing_bucket(days_overdue) -%}
case
            when {{ days_overdue }} <= 0 then 'not_due'
            when {{ days_overdue }} <= 30 then '1_30'
            when {{ days_overdue }} <= 60 then '31_60'
            when {{ days_overdue }} <= 90 then '61_90'
            when {{ days_overdue }} <= 120 then '91_120'
            else 'over_120'
        end
{%- endmacro %}

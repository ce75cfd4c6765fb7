{#
    Incremental strategy of every dated table: empty the business day, then append what the day computed.
    Plain delete+insert deletes only the keys that come back, so a re-run that selects no row would leave the earlier
    decision of the same day standing. The day is the one of control.business_day, never the wall clock.
#}
{% macro get_incremental_replace_day_sql(arg_dict) -%}
    {%- set columns = arg_dict["dest_columns"] | map(attribute="quoted") | join(", ") -%}
    delete from {{ arg_dict["target_relation"] }}
    where as_of_date in (select business_day.as_of_date from {{ source("control", "business_day") }} as business_day);

    insert into {{ arg_dict["target_relation"] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict["temp_relation"] }};
{%- endmacro %}

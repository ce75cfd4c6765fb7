{#
    CTE `{{ filled }}` from a CTE `{{ asking }}` with company_id, invoice_id, entry_key, booked_on, amount, and what was
    still claimed when each was booked: `first_amount` of the component that comes first (costs if `is_costs_first`, else
    interest), `both_amount` of both. The payments of an invoice fill them in order of booking: `costs_taken` and
    `interest_taken` of each row.
    What a claim has taken after row i is S(i) + min(0, min over j <= i of claim(j) - S(j)), S the running sum: a claim
    that grows takes from later payments only. A claim that is lowered gives nothing back.
#}
{% macro filled_in_turn(asking, filled) -%}
{%- set in_turn = "partition by company_id, invoice_id order by booked_on, entry_key" -%}
{{ filled }}_summed as (
    select
        *,
        sum(amount) over ({{ in_turn }} rows between unbounded preceding and current row) as summed_amount
    from {{ asking }}
),

{{ filled }}_bounded as (
    select
        *,
        {% for part in ["first", "both"] -%}
        summed_amount + least(
            min({{ part }}_amount - summed_amount) over (
                {{ in_turn }} rows between unbounded preceding and current row
            ),
            0
        ) as {{ part }}_bound{{ "," if not loop.last }}
        {% endfor %}
    from {{ filled }}_summed
),

{{ filled }}_risen as (
    select
        *,
        {% for part in ["first", "both"] -%}
        max({{ part }}_bound) over (
            {{ in_turn }} rows between unbounded preceding and current row
        ) as {{ part }}_until_here,
        coalesce(
            max({{ part }}_bound) over ({{ in_turn }} rows between unbounded preceding and 1 preceding), 0
        ) as {{ part }}_before{{ "," if not loop.last }}
        {% endfor %}
    from {{ filled }}_bounded
),

{{ filled }}_shared as (
    select
        *,
        first_until_here - first_before as first_taken,
        greatest(both_until_here - both_before - (first_until_here - first_before), 0) as second_taken
    from {{ filled }}_risen
),

{{ filled }} as (
    select
        *,
        case when is_costs_first then first_taken else second_taken end as costs_taken,
        case when is_costs_first then second_taken else first_taken end as interest_taken
    from {{ filled }}_shared
)
{%- endmacro %}

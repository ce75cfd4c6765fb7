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

{#
    CTEs that put the scale of collection costs over the principal of each row of a CTE `{{ claims }}` (principal_amount,
    country, debtor_kind, currency, costs_vat_basis_points and the `keys` that name a row): `{{ costs }}` with the keys and
    costs_amount. Needs CTEs `business_day` and `brackets` (the scale in force). The scales are in euros: of a debt in
    another currency a person works out the costs.
#}
{% macro costs_by_scale(claims, costs, keys) -%}
{{ costs }}_ranked as (
    select
        {% for key in keys %}{{ claims }}.{{ key }},
        {% endfor -%}
        {{ claims }}.costs_vat_basis_points,
        least(
            greatest(
                brackets.base_amount
                + {{ part_of(
                    "(" ~ claims ~ ".principal_amount - brackets.from_amount)", "brackets.rate_basis_points", "10000"
                ) }},
                brackets.minimum_amount
            ),
            brackets.maximum_amount
        ) as amount,
        row_number() over (
            partition by {% for key in keys %}{{ claims }}.{{ key }}{{ ", " if not loop.last }}{% endfor %}
            order by brackets.from_amount desc
        ) as bracket_rank
    from {{ claims }}
    inner join brackets
        on
            {{ claims }}.country = brackets.country
            and {{ claims }}.debtor_kind = brackets.debtor_kind
            and {{ claims }}.principal_amount > brackets.from_amount
    where {{ claims }}.currency = 'EUR'
),

{{ costs }} as (
    select
        {% for key in keys %}{{ costs }}_ranked.{{ key }},
        {% endfor -%}
        cast(
            {{ costs }}_ranked.amount
            + {{ part_of(costs ~ "_ranked.amount", costs ~ "_ranked.costs_vat_basis_points", "10000") }}
            as decimal(18, 2)
        ) as costs_amount
    from {{ costs }}_ranked
    where {{ costs }}_ranked.bracket_rank = 1
)
{%- endmacro %}

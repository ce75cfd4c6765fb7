{# Whether a text holds a digit. #}
{% macro has_digit(text) -%}{{ return(adapter.dispatch("has_digit")(text)) }}{%- endmacro %}
{% macro default__has_digit(text) -%}regexp_matches({{ text }}, '[0-9]'){%- endmacro %}

{# The shape of a reference: letters as A, digits as 9. Two numbers of one series have one shape. #}
{% macro reference_shape(text) -%}{{ return(adapter.dispatch("reference_shape")(text)) }}{%- endmacro %}
{% macro default__reference_shape(text) -%}
    regexp_replace(regexp_replace({{ text }}, '[A-Z]', 'A', 'g'), '[0-9]', '9', 'g')
{%- endmacro %}

{#
    Columns every rung of the ladder gives, from a CTE `claims` joined to the rules in force: adding a rung is adding a
    file and naming it in `later_rungs`.
#}
{% macro match_columns(claims, rules) -%}
    {{ claims }}.entry_key,
        {{ claims }}.company_id,
        {{ claims }}.customer_id,
        {{ claims }}.invoice_id,
        {{ rules }}.rung,
        {{ claims }}.rule_id,
        cast({{ claims }}.amount as decimal(18, 2)) as amount,
        {{ claims }}.currency,
        {{ rules }}.score,
        {{ claims }}.evidence,
        {{ rules }}.policy_id,
        {{ claims }}.booked_on
{%- endmacro %}

{#
    The ladder from where a payment no longer names its documents outright: what each rung leaves goes to the next.
    `int_matches_named` stands for all before. Adding a rung is adding a file and its name here.
#}
{% macro later_rungs() -%}
    {{ return([
        "int_matches_named",
        "int_matches_damaged",
        "int_matches_payer_amount",
        "int_matches_payer_balance",
        "int_matches_subset",
        "int_matches_short",
        "int_matches_refunded",
    ]) }}
{%- endmacro %}

{# The rungs before `rung`, for `left_after`. #}
{% macro rungs_before(rung) -%}
    {%- set rungs = later_rungs() -%}
    {{ return(rungs[: rungs.index(rung)]) }}
{%- endmacro %}

{# Everything that rungs have matched, in the columns all of them give: the whole body of a union. #}
{% macro matches_of(rungs) -%}
with final as (
    {% for rung in rungs %}
        select
            matched.entry_key,
            matched.company_id,
            matched.customer_id,
            matched.invoice_id,
            matched.rung,
            matched.rule_id,
            matched.amount,
            matched.currency,
            matched.score,
            matched.evidence,
            matched.policy_id,
            matched.booked_on
        from {{ ref(rung) }} as matched
        {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from final
{%- endmacro %}

{#
    CTEs `entries_left` and `items_left`: what earlier rungs leave open. Entries keep their whole amount beside what is
    left of it; items keep the sign of their document (credit notes negative). Money that pays interest or costs
    (`int_matches_charged`) is gone from the entry, not from the item.
#}
{% macro left_after(rungs) -%}
earlier_matches as (
    {% for rung in rungs -%}
    select
        matched.entry_key,
        matched.company_id,
        matched.invoice_id,
        matched.amount,
        {% if rung == "int_matches_charged" -%}
        case when matched.component = 'principal' then matched.amount else 0 end as principal_amount
        {%- else -%}
        matched.amount as principal_amount
        {%- endif %}
    from {{ ref(rung) }} as matched
    {{ "union all" if not loop.last }}
    {% endfor -%}
),

used_of_entries as (
    select earlier_matches.entry_key, sum(earlier_matches.amount) as amount
    from earlier_matches
    group by earlier_matches.entry_key
),

used_of_items as (
    select earlier_matches.company_id, earlier_matches.invoice_id, sum(earlier_matches.principal_amount) as amount
    from earlier_matches
    group by earlier_matches.company_id, earlier_matches.invoice_id
),

entries_left as (
    select
        opened_entries.entry_key,
        opened_entries.company_id,
        opened_entries.account_iban,
        opened_entries.booked_on,
        opened_entries.currency,
        opened_entries.amount,
        opened_entries.counterparty_iban,
        opened_entries.is_return,
        opened_entries.is_taken_back,
        cast(opened_entries.left_amount - coalesce(used_of_entries.amount, 0) as decimal(18, 2)) as left_amount
    from {{ ref("int_entries_opened") }} as opened_entries
    left join used_of_entries
        on opened_entries.entry_key = used_of_entries.entry_key
    where opened_entries.left_amount - coalesce(used_of_entries.amount, 0) <> 0
),

items_left as (
    select
        opened_items.company_id,
        opened_items.invoice_id,
        opened_items.invoice_number,
        opened_items.customer_id,
        opened_items.kind,
        opened_items.currency,
        opened_items.total_amount,
        opened_items.issued_on,
        opened_items.due_on,
        cast(opened_items.open_amount - coalesce(used_of_items.amount, 0) as decimal(18, 2)) as open_amount
    from {{ ref("int_items_opened") }} as opened_items
    left join used_of_items
        on
            opened_items.company_id = used_of_items.company_id
            and opened_items.invoice_id = used_of_items.invoice_id
    where opened_items.open_amount - coalesce(used_of_items.amount, 0) <> 0
)
{%- endmacro %}

{#
    CTE `settled` from a CTE `claims` (one row per entry, naming one item): claims on one item take it in order of
    booking date, each up to what is open. Claims of one day that together ask for more than is left are contested:
    none of that day or later takes anything, because which of them is the surplus would be a guess.
#}
{% macro settle_in_order() -%}
claims_by_day as (
    select
        claims.company_id,
        claims.invoice_id,
        claims.booked_on,
        count(*) as claim_count,
        sum(claims.claimed_amount) as claimed_amount,
        min(claims.open_amount) as open_amount
    from claims
    group by claims.company_id, claims.invoice_id, claims.booked_on
),

days_in_order as (
    select
        claims_by_day.*,
        coalesce(
            sum(claims_by_day.claimed_amount) over (
                partition by claims_by_day.company_id, claims_by_day.invoice_id
                order by claims_by_day.booked_on
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_amount
    from claims_by_day
),

contested_items as (
    select
        days_in_order.company_id,
        days_in_order.invoice_id,
        min(days_in_order.booked_on) as contested_on
    from days_in_order
    where
        days_in_order.claim_count > 1
        and days_in_order.earlier_amount < days_in_order.open_amount
        and days_in_order.earlier_amount + days_in_order.claimed_amount > days_in_order.open_amount
    group by days_in_order.company_id, days_in_order.invoice_id
),

settled as (
    select
        claims.*,
        cast(
            least(claims.claimed_amount, claims.open_amount - days_in_order.earlier_amount) as decimal(18, 2)
        ) as amount
    from claims
    inner join days_in_order
        on
            claims.company_id = days_in_order.company_id
            and claims.invoice_id = days_in_order.invoice_id
            and claims.booked_on = days_in_order.booked_on
    left join contested_items
        on
            claims.company_id = contested_items.company_id
            and claims.invoice_id = contested_items.invoice_id
    where
        days_in_order.earlier_amount < claims.open_amount
        and (contested_items.contested_on is null or claims.booked_on < contested_items.contested_on)
)
{%- endmacro %}

{#
    CTE `settled` from a CTE `claims` (one row per entry and item, the whole sum exact): all or nothing. An entry takes its
    items only when it is the first to claim each of them, and the only one on its day.
#}
{% macro settle_whole() -%}
claims_of_days as (
    select
        claims.company_id,
        claims.invoice_id,
        claims.booked_on,
        count(distinct claims.entry_key) as claim_count,
        min(claims.booked_on) over (partition by claims.company_id, claims.invoice_id) as first_booked_on
    from claims
    group by claims.company_id, claims.invoice_id, claims.booked_on
),

undisputed as (
    select claims.entry_key
    from claims
    inner join claims_of_days
        on
            claims.company_id = claims_of_days.company_id
            and claims.invoice_id = claims_of_days.invoice_id
            and claims.booked_on = claims_of_days.booked_on
    group by claims.entry_key
    having bool_and(claims_of_days.claim_count = 1 and claims_of_days.booked_on = claims_of_days.first_booked_on)
),

settled as (
    select claims.*
    from claims
    inner join undisputed
        on claims.entry_key = undisputed.entry_key
)
{%- endmacro %}

{#
    The cash discount that a payment may take off an item: of what credit notes leave of it, only while nothing of it was
    paid, and until the days of grace after its last day; else 0. The arguments are the names of CTEs or aliases: an
    item, its invoice, what was credited of it (left joined), the tolerances, and the day of the payment.
#}
{% macro discount_in_time(item, invoice, credited, tolerances, booked_on) -%}
    case
        when
            {{ item }}.open_amount > 0
            and {{ item }}.open_amount = {{ item }}.total_amount - coalesce({{ credited }}.amount, 0)
            and {{ booked_on }} <= {{ invoice }}.discount_until + cast({{ tolerances }}.discount_grace_days as integer)
            and {{ invoice }}.discount_percent > 0
            then {{
                part_of(item ~ ".open_amount", "cast(" ~ invoice ~ ".discount_percent * 10000 as bigint)", 1000000)
            }}
        else 0
    end
{%- endmacro %}

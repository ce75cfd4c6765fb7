{# Cents times basis points times days, over this, are cents: 365 days a year, 10,000 basis points a whole. #}
{% set year_of_basis_points = 3650000 -%}
with recursive charged as (
    select * from {{ ref("int_invoices_charged") }}
),

interest_rates as (
    select * from {{ ref("interest_rates") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

write_offs as (
    select * from {{ ref("stg_register__write_offs") }}
),

movements as (
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        payment_allocations.booked_on as moved_on,
        payment_allocations.amount
    from payment_allocations
    where payment_allocations.component = 'principal'
    union all
    select
        credit_settlements.company_id,
        credit_settlements.invoice_id,
        credit_settlements.credited_on as moved_on,
        credit_settlements.amount
    from credit_settlements
    union all
    select
        write_offs.company_id,
        write_offs.invoice_id,
        write_offs.written_off_on as moved_on,
        write_offs.amount
    from write_offs
),

years as (
    select 1 as year_no
    union all
    select years.year_no + 1 as year_no
    from years
    where years.year_no < 30
),

-- From the day after the due date on; after every full year what has accrued bears interest too, where the law says so.
anniversaries as (
    select
        charged.company_id,
        charged.invoice_id,
        years.year_no,
        {{ years_after("charged.due_on", "years.year_no") }} as ends_on
    from charged
    inner join years
        on charged.is_compound and {{ years_after("charged.due_on", "years.year_no") }} < charged.as_of_date
),

-- Something changes on the day after each of these: the rate, the principal, or what bears interest.
ends as (
    select
        charged.company_id,
        charged.invoice_id,
        charged.as_of_date as ends_on
    from charged
    union
    select
        charged.company_id,
        charged.invoice_id,
        interest_rates.valid_to as ends_on
    from charged
    inner join interest_rates
        on
            charged.country = interest_rates.country
            and charged.debtor_kind = interest_rates.debtor_kind
            and charged.due_on < interest_rates.valid_to
            and charged.as_of_date > interest_rates.valid_to
    union
    select
        charged.company_id,
        charged.invoice_id,
        movements.moved_on as ends_on
    from charged
    inner join movements
        on
            charged.company_id = movements.company_id
            and charged.invoice_id = movements.invoice_id
            and charged.due_on < movements.moved_on
            and charged.as_of_date > movements.moved_on
    union
    select
        anniversaries.company_id,
        anniversaries.invoice_id,
        anniversaries.ends_on
    from anniversaries
),

periods as (
    select
        charged.company_id,
        charged.invoice_id,
        charged.country,
        charged.debtor_kind,
        charged.total_amount,
        ends.ends_on,
        coalesce(
            lag(ends.ends_on) over (partition by charged.company_id, charged.invoice_id order by ends.ends_on),
            charged.due_on
        ) as starts_after
    from ends
    inner join charged
        on
            ends.company_id = charged.company_id
            and ends.invoice_id = charged.invoice_id
),

-- A payment counts from the day after it was booked: the day it came in is still a day of lateness.
principals as (
    select
        periods.company_id,
        periods.invoice_id,
        periods.ends_on,
        greatest(max(periods.total_amount) - coalesce(sum(movements.amount), 0), 0) as principal_amount
    from periods
    left join movements
        on
            periods.company_id = movements.company_id
            and periods.invoice_id = movements.invoice_id
            and periods.starts_after >= movements.moved_on
    group by periods.company_id, periods.invoice_id, periods.ends_on
),

-- Past the last known half-year the last rate is taken and said to be provisional.
rated as (
    select
        periods.company_id,
        periods.invoice_id,
        periods.ends_on,
        interest_rates.policy_id,
        interest_rates.rate_basis_points,
        interest_rates.source,
        periods.ends_on > interest_rates.valid_to as is_provisional,
        row_number() over (
            partition by periods.company_id, periods.invoice_id, periods.ends_on
            order by interest_rates.valid_from desc
        ) as newest_rank
    from periods
    inner join interest_rates
        on
            periods.country = interest_rates.country
            and periods.debtor_kind = interest_rates.debtor_kind
            and periods.ends_on >= interest_rates.valid_from
),

year_of_periods as (
    select
        periods.company_id,
        periods.invoice_id,
        periods.ends_on,
        count(anniversaries.year_no) as year_no
    from periods
    left join anniversaries
        on
            periods.company_id = anniversaries.company_id
            and periods.invoice_id = anniversaries.invoice_id
            and periods.ends_on > anniversaries.ends_on
    group by periods.company_id, periods.invoice_id, periods.ends_on
),

weighed as (
    select
        periods.company_id,
        periods.invoice_id,
        periods.starts_after,
        periods.ends_on,
        periods.ends_on - periods.starts_after as days,
        principals.principal_amount,
        rated.policy_id,
        rated.rate_basis_points,
        rated.source,
        rated.is_provisional,
        year_of_periods.year_no,
        cast(principals.principal_amount * 100 as hugeint) as principal_cents,
        cast(rated.rate_basis_points as hugeint) * (periods.ends_on - periods.starts_after) as rate_days
    from periods
    inner join principals
        on
            periods.company_id = principals.company_id
            and periods.invoice_id = principals.invoice_id
            and periods.ends_on = principals.ends_on
    inner join rated
        on
            periods.company_id = rated.company_id
            and periods.invoice_id = rated.invoice_id
            and periods.ends_on = rated.ends_on
            and rated.newest_rank = 1
    inner join year_of_periods
        on
            periods.company_id = year_of_periods.company_id
            and periods.invoice_id = year_of_periods.invoice_id
            and periods.ends_on = year_of_periods.ends_on
),

interest_by_year as (
    select
        weighed.company_id,
        weighed.invoice_id,
        weighed.year_no,
        cast(sum(weighed.principal_cents * weighed.rate_days) as hugeint) as on_principal,
        cast(sum(weighed.rate_days) as hugeint) as rate_days
    from weighed
    group by weighed.company_id, weighed.invoice_id, weighed.year_no
),

-- What full years have added to the principal, year after year, in whole cents.
capitalised as (
    select
        interest_by_year.company_id,
        interest_by_year.invoice_id,
        interest_by_year.year_no,
        cast(0 as hugeint) as capital_cents,
        interest_by_year.on_principal,
        interest_by_year.rate_days
    from interest_by_year
    where interest_by_year.year_no = 0
    union all
    select
        interest_by_year.company_id,
        interest_by_year.invoice_id,
        interest_by_year.year_no,
        capitalised.capital_cents + {{ rounded_quotient(
            "capitalised.on_principal + capitalised.capital_cents * capitalised.rate_days", year_of_basis_points
        ) }} as capital_cents,
        interest_by_year.on_principal,
        interest_by_year.rate_days
    from capitalised
    inner join interest_by_year
        on
            capitalised.company_id = interest_by_year.company_id
            and capitalised.invoice_id = interest_by_year.invoice_id
            and capitalised.year_no + 1 = interest_by_year.year_no
),

accrued as (
    select
        weighed.*,
        capitalised.capital_cents,
        sum((weighed.principal_cents + capitalised.capital_cents) * weighed.rate_days) over (
            partition by weighed.company_id, weighed.invoice_id, weighed.year_no
            order by weighed.ends_on
        ) as accrued_so_far,
        (weighed.principal_cents + capitalised.capital_cents) * weighed.rate_days as accrued_here
    from weighed
    inner join capitalised
        on
            weighed.company_id = capitalised.company_id
            and weighed.invoice_id = capitalised.invoice_id
            and weighed.year_no = capitalised.year_no
),

-- Rounded once over a year: a segment's cents are what it adds to the rounded sum, so that they add up as printed.
final as (
    select
        charged.company_id,
        charged.as_of_date,
        charged.customer_id,
        charged.invoice_id,
        cast(
            row_number() over (partition by charged.company_id, charged.invoice_id order by accrued.ends_on) as bigint
        ) as segment_no,
        cast(accrued.starts_after + 1 as date) as from_on,
        accrued.ends_on as to_on,
        cast(accrued.days as bigint) as days,
        cast(
            accrued.principal_amount + accrued.capital_cents * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
        ) as base_amount,
        cast(accrued.rate_basis_points as bigint) as rate_basis_points,
        cast(
            (
                {{ rounded_quotient("accrued.accrued_so_far", year_of_basis_points) }}
                - {{ rounded_quotient("accrued.accrued_so_far - accrued.accrued_here", year_of_basis_points) }}
            ) * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
        ) as interest_amount,
        charged.currency,
        accrued.is_provisional,
        charged.country,
        charged.debtor_kind,
        accrued.source,
        accrued.policy_id
    from accrued
    inner join charged
        on
            accrued.company_id = charged.company_id
            and accrued.invoice_id = charged.invoice_id
)

select * from final

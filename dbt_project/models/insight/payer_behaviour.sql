with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payer_profiles as (
    select * from {{ ref("payer_profiles") }}
),

settled as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        invoice_balances.total_amount,
        invoice_balances.settled_on - invoice_balances.issued_on as days_to_pay,
        invoice_balances.settled_on - invoice_balances.due_on as days_beyond_terms
    from invoice_balances
    where
        invoice_balances.kind = 'invoice'
        and invoice_balances.settled_on is not null
        and invoice_balances.paid_amount > 0
        and invoice_balances.total_amount > 0
),

weighed as (
    select
        settled.company_id,
        settled.customer_id,
        settled.currency,
        count(*) as settled_invoice_count,
        cast(sum(settled.total_amount) as decimal(18, 2)) as settled_amount,
        cast(sum(settled.total_amount * 100 * settled.days_to_pay) as decimal(38, 0)) as weighted_days_to_pay,
        cast(sum(settled.total_amount * 100 * settled.days_beyond_terms) as decimal(38, 0))
            as weighted_days_beyond_terms,
        max(settled.days_beyond_terms) as longest_days_beyond_terms
    from settled
    group by settled.company_id, settled.customer_id, settled.currency
),

final as (
    select
        business_day.as_of_date,
        weighed.company_id,
        weighed.customer_id,
        weighed.currency,
        payer_profiles.payer_profile,
        weighed.settled_invoice_count,
        weighed.settled_amount,
        cast(
            {{ part_of(
                "cast(1 as decimal(18, 2))",
                "weighed.weighted_days_to_pay",
                "cast(weighed.settled_amount * 100 as bigint)",
            ) }}
            as decimal(18, 2)
        ) as weighted_days_to_pay,
        cast(
            {{ signed_part_of("weighed.weighted_days_beyond_terms", "cast(weighed.settled_amount * 100 as bigint)") }}
            as decimal(18, 2)
        ) as weighted_days_beyond_terms,
        cast(weighed.longest_days_beyond_terms as bigint) as longest_days_beyond_terms,
        payer_profiles.late_invoice_count,
        {{ basis_points(
            "cast(payer_profiles.late_invoice_count as decimal(18, 2))",
            "cast(payer_profiles.paid_invoice_count as decimal(18, 2))",
        ) }} as late_basis_points
    from weighed
    cross join business_day
    left join payer_profiles
        on
            weighed.company_id = payer_profiles.company_id
            and weighed.customer_id = payer_profiles.customer_id
)

select * from final

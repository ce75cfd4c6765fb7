with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

handed_over as (
    select * from {{ ref("stg_register__handovers") }}
),

reports as (
    select * from {{ ref("stg_register__agency_statuses") }}
),

items as (
    select * from {{ ref("handover_items") }}
),

interest_segments as (
    select * from {{ ref("interest_segments") }}
),

statutory_charges as (
    select * from {{ ref("statutory_charges") }}
),

brackets as (
    select brackets.*
    from {{ ref("collection_cost_brackets") }} as brackets
    cross join business_day
    where {{ in_force("brackets") }}
),

agreements as (
    select distinct
        handed_over.handover_id,
        handed_over.destination,
        handed_over.fee_basis,
        handed_over.success_fee_percent,
        handed_over.terms,
        handed_over.recorded_by
    from handed_over
),

interest as (
    select
        interest_segments.company_id,
        interest_segments.invoice_id,
        sum(interest_segments.interest_amount) as amount,
        bool_or(interest_segments.is_provisional) as is_provisional
    from interest_segments
    group by interest_segments.company_id, interest_segments.invoice_id
),

summed as (
    select
        items.company_id,
        items.as_of_date,
        items.handover_id,
        items.customer_id,
        items.currency,
        max(items.agency) as agency,
        max(items.handed_over_on) as handed_over_on,
        count(*) as invoice_count,
        count(*) filter (where items.is_with_agency) as with_agency_count,
        sum(items.open_amount) as open_amount,
        sum(items.received_since_amount) as received_since_amount,
        sum(coalesce(interest.amount, 0)) as interest_amount,
        coalesce(bool_or(interest.is_provisional), false) as is_provisional,
        bool_or(items.needs_decision and items.is_with_agency) as needs_decision,
        max(items.returned_on) as returned_on,
        max(items.agency_reference) as agency_reference
    from items
    left join interest
        on
            items.company_id = interest.company_id
            and items.invoice_id = interest.invoice_id
    group by items.company_id, items.as_of_date, items.handover_id, items.customer_id, items.currency
),

-- The last thing the agency said, of whichever of the invoices.
reports_ranked as (
    select
        items.company_id,
        items.handover_id,
        items.currency,
        items.status,
        items.reported_on,
        items.report_seq,
        row_number() over (
            partition by items.company_id, items.handover_id, items.currency
            order by items.reported_on desc nulls last, items.report_seq desc nulls last, items.invoice_id asc
        ) as newest_rank
    from items
),

paid_to_agency as (
    select distinct
        reports.seq,
        reports.paid_amount
    from reports
),

newest_reports as (
    select
        reports_ranked.*,
        paid_to_agency.paid_amount
    from reports_ranked
    left join paid_to_agency
        on reports_ranked.report_seq = paid_to_agency.seq
    where reports_ranked.newest_rank = 1
),

claims as (
    select
        summed.handover_id,
        summed.currency,
        summed.open_amount as principal_amount,
        statutory_charges.country,
        statutory_charges.debtor_kind,
        statutory_charges.costs_vat_basis_points
    from summed
    inner join statutory_charges
        on
            summed.company_id = statutory_charges.company_id
            and summed.customer_id = statutory_charges.customer_id
            and summed.currency = statutory_charges.currency
),

{{ costs_by_scale("claims", "costs", ["handover_id", "currency"]) }},

final as (
    select
        summed.company_id,
        summed.as_of_date,
        summed.handover_id,
        summed.customer_id,
        summed.agency,
        agreements.destination,
        summed.handed_over_on,
        case when summed.open_amount > 0 then newest_reports.status else 'settled' end as status,
        newest_reports.reported_on,
        summed.with_agency_count > 0 and summed.open_amount > 0 as is_with_agency,
        summed.needs_decision,
        case when summed.with_agency_count = 0 then summed.returned_on end as returned_on,
        summed.agency_reference,
        agreements.fee_basis,
        agreements.success_fee_percent,
        agreements.terms,
        cast(summed.invoice_count as bigint) as invoice_count,
        cast(summed.open_amount as decimal(18, 2)) as open_amount,
        cast(summed.interest_amount as decimal(18, 2)) as interest_amount,
        costs.costs_amount,
        summed.is_provisional,
        cast(summed.received_since_amount as decimal(18, 2)) as received_since_amount,
        cast(newest_reports.paid_amount as decimal(18, 2)) as agency_paid_amount,
        summed.currency,
        agreements.recorded_by
    from summed
    inner join agreements
        on summed.handover_id = agreements.handover_id
    left join costs
        on
            summed.handover_id = costs.handover_id
            and summed.currency = costs.currency
    left join newest_reports
        on
            summed.company_id = newest_reports.company_id
            and summed.handover_id = newest_reports.handover_id
            and summed.currency = newest_reports.currency
)

select * from final

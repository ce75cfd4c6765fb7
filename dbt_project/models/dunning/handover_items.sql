with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

handovers as (
    select * from {{ ref("stg_register__handovers") }}
),

reports as (
    select * from {{ ref("stg_register__agency_statuses") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

agency_statuses as (
    select agency_statuses.*
    from {{ ref("agency_statuses") }} as agency_statuses
    cross join business_day
    where {{ in_force("agency_statuses") }}
),

-- A claim can be handed over again after it came back: what counts is the newest hand-over of an invoice.
ranked as (
    select
        handovers.*,
        row_number() over (
            partition by handovers.company_id, handovers.invoice_id
            order by handovers.handed_over_on desc, handovers.seq desc
        ) as newest_rank,
        lead(handovers.seq) over (
            partition by handovers.company_id, handovers.invoice_id order by handovers.handed_over_on, handovers.seq
        ) as next_seq
    from handovers
),

-- A report without a hand-over is of the one the invoice was in when it was recorded.
reported as (
    select
        ranked.handover_id,
        ranked.company_id,
        ranked.invoice_id,
        reports.seq as report_seq,
        reports.status,
        reports.reference,
        reports.reported_on,
        row_number() over (
            partition by ranked.handover_id, ranked.company_id, ranked.invoice_id
            order by reports.reported_on desc, reports.seq desc
        ) as newest_rank
    from ranked
    inner join reports
        on
            ranked.company_id = reports.company_id
            and ranked.customer_id = reports.customer_id
            and (
                ranked.handover_id = reports.handover_id
                or (
                    reports.handover_id is null
                    and ranked.seq < reports.seq
                    and (ranked.next_seq is null or ranked.next_seq > reports.seq)
                )
            )
            and (reports.invoice_id is null or ranked.invoice_id = reports.invoice_id)
),

newest_reports as (
    select
        reported.*,
        agency_statuses.effect,
        agency_statuses.policy_id
    from reported
    left join agency_statuses
        on reported.status = agency_statuses.status
    where reported.newest_rank = 1
),

received_since as (
    select
        ranked.handover_id,
        ranked.company_id,
        ranked.invoice_id,
        sum(payment_allocations.amount) as amount
    from ranked
    inner join payment_allocations
        on
            ranked.company_id = payment_allocations.company_id
            and ranked.invoice_id = payment_allocations.invoice_id
            and ranked.handed_over_on < payment_allocations.booked_on
    group by ranked.handover_id, ranked.company_id, ranked.invoice_id
),

final as (
    select
        ranked.company_id,
        business_day.as_of_date,
        ranked.handover_id,
        ranked.customer_id,
        ranked.invoice_id,
        invoice_balances.invoice_number,
        ranked.agency,
        ranked.handed_over_on,
        coalesce(newest_reports.status, 'handed_over') as status,
        newest_reports.reported_on,
        newest_reports.report_seq,
        newest_reports.reference as agency_reference,
        ranked.newest_rank = 1 as is_newest,
        ranked.newest_rank = 1 and coalesce(newest_reports.effect, 'with_agency') <> 'resumes' as is_with_agency,
        case when newest_reports.effect = 'resumes' then newest_reports.reported_on end as returned_on,
        coalesce(newest_reports.effect = 'decides', false) as needs_decision,
        invoice_balances.open_amount,
        cast(coalesce(received_since.amount, 0) as decimal(18, 2)) as received_since_amount,
        invoice_balances.currency,
        newest_reports.policy_id
    from ranked
    cross join business_day
    inner join invoice_balances
        on
            ranked.company_id = invoice_balances.company_id
            and ranked.invoice_id = invoice_balances.invoice_id
    left join newest_reports
        on
            ranked.handover_id = newest_reports.handover_id
            and ranked.company_id = newest_reports.company_id
            and ranked.invoice_id = newest_reports.invoice_id
    left join received_since
        on
            ranked.handover_id = received_since.handover_id
            and ranked.company_id = received_since.company_id
            and ranked.invoice_id = received_since.invoice_id
)

select * from final

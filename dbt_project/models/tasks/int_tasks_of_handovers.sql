-- What a claim that is with an agency asks of us: tell it of money that came in here, decide what it gives up.
with handover_items as (
    select * from {{ ref("handover_items") }}
    where is_with_agency
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

-- One task a bank entry, whatever invoices and components it pays.
payments as (
    select
        'agency_update' as task_kind,
        handover_items.company_id,
        handover_items.customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws('/', handover_items.handover_id, payment_allocations.entry_key) as opening_fact,
        payment_allocations.booked_on as opened_on,
        handover_items.currency,
        cast(sum(payment_allocations.amount) as decimal(18, 2)) as amount,
        'Paid to us after it was handed over to ' || max(handover_items.agency) || ': '
        || string_agg(distinct handover_items.invoice_number, ', ' order by handover_items.invoice_number) as reason
    from handover_items
    inner join payment_allocations
        on
            handover_items.company_id = payment_allocations.company_id
            and handover_items.invoice_id = payment_allocations.invoice_id
            and handover_items.handed_over_on < payment_allocations.booked_on
    group by
        handover_items.company_id,
        handover_items.customer_id,
        handover_items.handover_id,
        payment_allocations.entry_key,
        payment_allocations.booked_on,
        handover_items.currency
),

given_up as (
    select
        'handover_decision' as task_kind,
        handover_items.company_id,
        handover_items.customer_id,
        handover_items.invoice_id,
        concat_ws('/', 'agency', handover_items.handover_id) as opening_fact,
        handover_items.reported_on as opened_on,
        handover_items.currency,
        handover_items.open_amount as amount,
        handover_items.agency || ' sees no way to collect invoice ' || coalesce(handover_items.invoice_number, '')
        || ': decide on writing it off or on a court' as reason
    from handover_items
    where handover_items.needs_decision and handover_items.open_amount > 0
),

gathered as (
    select * from payments
    union all
    select * from given_up
),

final as (
    select
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.opening_fact,
        gathered.opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        cast(null as varchar) as policy_id
    from gathered
)

select * from final

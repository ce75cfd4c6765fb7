-- What was agreed and not kept, or agreed and still to be done by us.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
    where status in ('broken', 'partly_kept')
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

complaints as (
    select * from {{ ref("stg_register__complaints") }}
),

insolvencies as (
    select * from {{ ref("stg_register__insolvencies") }}
),

arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

newest_promises as (
    select
        promises.*,
        row_number() over (
            partition by promises.company_id, promises.invoice_id order by promises.seq desc
        ) as newest_rank
    from promises
),

broken_promises as (
    select
        'broken_promise' as task_kind,
        newest_promises.company_id,
        open_items.customer_id,
        newest_promises.invoice_id,
        newest_promises.promise_id as opening_fact,
        promise_statuses.judged_on as opened_on,
        open_items.currency,
        open_items.open_amount as amount,
        'Payment of invoice ' || open_items.invoice_number || ' was promised for '
        || cast(newest_promises.promised_on as varchar) || ' and is not complete' as reason
    from newest_promises
    inner join promise_statuses
        on
            newest_promises.company_id = promise_statuses.company_id
            and newest_promises.promise_id = promise_statuses.promise_id
    inner join open_items
        on
            newest_promises.company_id = open_items.company_id
            and newest_promises.invoice_id = open_items.invoice_id
    where
        newest_promises.newest_rank = 1
        and newest_promises.withdrawn_on is null
),

arrangements_broken as (
    select
        'arrangement_breach' as task_kind,
        arrangement_statuses.company_id,
        arrangement_statuses.customer_id,
        cast(null as varchar) as invoice_id,
        arrangement_statuses.arrangement_id as opening_fact,
        arrangement_statuses.broken_on as opened_on,
        arrangement_statuses.currency,
        arrangement_statuses.open as amount,
        'The arrangement of ' || cast(arrangement_statuses.agreed_on as varchar)
        || ' is broken: the track goes on where it was paused' as reason
    from arrangement_statuses
    where arrangement_statuses.status = 'broken' and arrangement_statuses.open > 0
),

rebills_owed as (
    select
        'credit_and_rebill' as task_kind,
        disputes.company_id,
        open_items.customer_id,
        disputes.invoice_id,
        cast(disputes.seq as varchar) as opening_fact,
        disputes.closed_on as opened_on,
        open_items.currency,
        open_items.open_amount as amount,
        'The dispute on invoice ' || open_items.invoice_number || ' was closed with a credit note and a new invoice'
            as reason
    from disputes
    inner join open_items
        on
            disputes.company_id = open_items.company_id
            and disputes.invoice_id = open_items.invoice_id
    where disputes.outcome = 'credit_and_rebill' and open_items.credited_amount = 0
),

-- What holds an invoice needs somebody who ends the hold: an open dispute or complaint is settled by people.
disputes_open as (
    select
        'follow_up' as task_kind,
        disputes.company_id,
        open_items.customer_id,
        disputes.invoice_id,
        'dispute/' || cast(disputes.seq as varchar) as opening_fact,
        disputes.opened_on,
        open_items.currency,
        open_items.disputed_amount as amount,
        'Invoice ' || open_items.invoice_number || ' is disputed' || coalesce(': ' || disputes.reason, '') as reason
    from disputes
    cross join business_day
    inner join open_items
        on
            disputes.company_id = open_items.company_id
            and disputes.invoice_id = open_items.invoice_id
    where disputes.closed_on is null or disputes.closed_on > business_day.as_of_date
),

complaints_open as (
    select
        'follow_up' as task_kind,
        complaints.company_id,
        complaints.customer_id,
        complaints.invoice_id,
        'complaint/' || cast(complaints.seq as varchar) as opening_fact,
        complaints.opened_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        'The customer complained' || coalesce(': ' || complaints.reason, '') as reason
    from complaints
    cross join business_day
    where complaints.closed_on is null or complaints.closed_on > business_day.as_of_date
),

-- One task per customer and proceedings, while something is open: the claim goes to the trustee, not to the customer.
claims_to_file as (
    select
        'follow_up' as task_kind,
        insolvencies.company_id,
        insolvencies.customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws('/', 'insolvency', cast(insolvencies.seq as varchar), open_items.currency) as opening_fact,
        insolvencies.opened_on,
        open_items.currency,
        cast(sum(open_items.open_amount) as decimal(18, 2)) as amount,
        'The customer is in ' || replace(coalesce(insolvencies.insolvency_kind, 'insolvency'), '_', ' ')
        || ': file the claim with the trustee' as reason
    from insolvencies
    inner join open_items
        on
            insolvencies.company_id = open_items.company_id
            and insolvencies.customer_id = open_items.customer_id
    group by
        insolvencies.company_id,
        insolvencies.customer_id,
        insolvencies.seq,
        insolvencies.opened_on,
        insolvencies.insolvency_kind,
        open_items.currency
),

gathered as (
    select * from broken_promises
    union all
    select * from disputes_open
    union all
    select * from complaints_open
    union all
    select * from claims_to_file
    union all
    select * from arrangements_broken
    union all
    select * from rebills_owed
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

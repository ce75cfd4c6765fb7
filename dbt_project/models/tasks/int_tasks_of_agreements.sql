-- What was agreed and not kept, or agreed and still to be done by us.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
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

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
),

complaints as (
    select * from {{ ref("stg_register__complaints") }}
),

insolvencies as (
    select * from {{ ref("stg_register__insolvencies") }}
),

expected_payments as (
    select * from {{ ref("stg_register__expected_payments") }}
),

rebill_chains as (
    select * from {{ ref("rebill_chains") }}
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
    where newest_promises.newest_rank = 1 and promise_statuses.status in ('broken', 'partly_kept')
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

-- Both documents are owed: a credit note without its new invoice loses the claim, a new invoice without the credit note
-- claims it twice.
rebills as (
    select
        'credit_and_rebill' as task_kind,
        rebill_chains.company_id,
        rebill_chains.customer_id,
        rebill_chains.invoice_id,
        'rebill' as opening_fact,
        rebill_chains.asked_on as opened_on,
        rebill_chains.currency,
        open_items.open_amount as amount,
        case rebill_chains.state
            when 'complete'
                then
                    'Invoice ' || rebill_chains.invoice_number || ' was credited and replaced by '
                    || rebill_chains.replacement_number
            when 'replacement_owed'
                then
                    'Invoice ' || rebill_chains.invoice_number || ' was credited'
                    || coalesce(' by ' || rebill_chains.credit_note_number, '') || ': its new invoice is owed'
            else
                'Invoice ' || rebill_chains.invoice_number || ' is to be credited'
                || case
                    when rebill_chains.replacement_id is null then ' and sent anew'
                    else ': it was replaced by ' || rebill_chains.replacement_number
                end
        end as reason,
        rebill_chains.completed_on as closed_on
    from rebill_chains
    cross join business_day
    left join open_items
        on
            rebill_chains.company_id = open_items.company_id
            and rebill_chains.invoice_id = open_items.invoice_id
    -- What was done is shown for a week.
    where rebill_chains.state <> 'complete' or rebill_chains.completed_on + 7 >= business_day.as_of_date
),

-- A date the customer named is no promise, but somebody looks the day after it. A later promise has its own task.
expected_and_not_paid as (
    select
        'follow_up' as task_kind,
        expected_payments.company_id,
        open_items.customer_id,
        expected_payments.invoice_id,
        'payment_expected/' || cast(expected_payments.seq as varchar) as opening_fact,
        expected_payments.expected_on + 1 as opened_on,
        open_items.currency,
        open_items.open_amount as amount,
        'Payment of invoice ' || open_items.invoice_number || ' was expected on '
        || cast(expected_payments.expected_on as varchar) || ' (said on '
        || cast(expected_payments.stated_on as varchar) || ' to ' || expected_payments.recorded_by
        || ') and is not complete' as reason
    from expected_payments
    cross join business_day
    inner join open_items
        on
            expected_payments.company_id = open_items.company_id
            and expected_payments.invoice_id = open_items.invoice_id
    left join newest_promises
        on
            expected_payments.company_id = newest_promises.company_id
            and expected_payments.invoice_id = newest_promises.invoice_id
            and expected_payments.stated_on <= newest_promises.made_on
            and newest_promises.newest_rank = 1
    where expected_payments.expected_on < business_day.as_of_date and newest_promises.promise_id is null
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
    {% for agreement in [
        "broken_promises", "disputes_open", "complaints_open", "claims_to_file", "arrangements_broken",
        "expected_and_not_paid",
    ] -%}
        select
            {{ agreement }}.*,
            cast(null as date) as closed_on
        from {{ agreement }}
        union all
    {% endfor -%}
    select * from rebills
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
        gathered.closed_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        cast(null as varchar) as policy_id
    from gathered
)

select * from final

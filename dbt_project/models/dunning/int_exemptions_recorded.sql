-- What people recorded: reasons to leave an invoice alone, as rows of invoice and reason, with the day each began and
-- the last day it lasts where that is known.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

with_agency as (
    select * from {{ ref("handover_items") }}
    where is_with_agency
),

insolvencies as (
    select * from {{ ref("stg_register__insolvencies") }}
),

complaints as (
    select * from {{ ref("stg_register__complaints") }}
),

invoice_responses as (
    select * from {{ ref("stg_register__invoice_responses") }}
),

holds as (
    select * from {{ ref("stg_register__holds") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
),

disputes as (
    select
        disputes.company_id,
        disputes.invoice_id,
        min(disputes.opened_on) as opened_on
    from {{ ref("stg_register__disputes") }} as disputes
    where disputes.closed_on is null
    group by disputes.company_id, disputes.invoice_id
),

paused_invoices as (
    select * from {{ ref("paused_invoices") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

-- A hold includes the day it is said to last until: nobody expects a reminder on that day.
standing_holds as (
    select holds.*
    from holds
    cross join business_day
    where
        (holds.lifted_on is null or holds.lifted_on > business_day.as_of_date)
        and (holds.until_on is null or holds.until_on >= business_day.as_of_date)
),

open_complaints as (
    select complaints.*
    from complaints
    cross join business_day
    where complaints.closed_on is null or complaints.closed_on > business_day.as_of_date
),

by_invoice as (
    select
        with_agency.company_id,
        with_agency.invoice_id,
        'handed_over' as reason_code,
        with_agency.handed_over_on as since_on,
        cast(null as date) as ends_on
    from with_agency
    union all
    select
        open_items.company_id,
        open_items.invoice_id,
        'disputed' as reason_code,
        disputes.opened_on as since_on,
        cast(null as date) as ends_on
    from open_items
    left join disputes
        on
            open_items.company_id = disputes.company_id
            and open_items.invoice_id = disputes.invoice_id
    where open_items.disputed_amount >= open_items.open_amount
    union all
    select
        open_complaints.company_id,
        open_complaints.invoice_id,
        'disputed' as reason_code,
        open_complaints.opened_on as since_on,
        cast(null as date) as ends_on
    from open_complaints
    where open_complaints.invoice_id is not null
    union all
    -- Peppol: under query and rejected are how a customer says that an invoice is not right.
    select
        invoice_responses.company_id,
        invoice_responses.invoice_id,
        'disputed' as reason_code,
        invoice_responses.responded_on as since_on,
        cast(null as date) as ends_on
    from invoice_responses
    where invoice_responses.code in ('UQ', 'RE')
    union all
    -- And paid is how one says that money is under way: as good as a promise for that day.
    select
        invoice_responses.company_id,
        invoice_responses.invoice_id,
        'promise_open' as reason_code,
        invoice_responses.responded_on as since_on,
        coalesce(invoice_responses.expected_on, invoice_responses.responded_on)
        + dunning_policy.promise_grace_days as ends_on
    from invoice_responses
    cross join business_day
    cross join dunning_policy
    where
        invoice_responses.code = 'PD'
        and coalesce(invoice_responses.expected_on, invoice_responses.responded_on)
        + dunning_policy.promise_grace_days >= business_day.as_of_date
    union all
    select
        paused_invoices.company_id,
        paused_invoices.invoice_id,
        'arrangement_active' as reason_code,
        paused_invoices.since_on,
        cast(null as date) as ends_on
    from paused_invoices
    union all
    select
        standing_holds.company_id,
        standing_holds.invoice_id,
        'hold_invoice' as reason_code,
        standing_holds.placed_on as since_on,
        standing_holds.until_on as ends_on
    from standing_holds
    where standing_holds.invoice_id is not null
    union all
    -- A promise that was kept, even of a part, holds nothing back any more: the rest goes on.
    select
        promises.company_id,
        promises.invoice_id,
        'promise_open' as reason_code,
        promise_statuses.made_on as since_on,
        promise_statuses.ends_on
    from promises
    cross join business_day
    inner join promise_statuses
        on
            promises.company_id = promise_statuses.company_id
            and promises.promise_id = promise_statuses.promise_id
    where
        promise_statuses.status = 'open'
        and (promises.withdrawn_on is null or promises.withdrawn_on > business_day.as_of_date)
),

by_customer as (
    select
        insolvencies.company_id,
        insolvencies.customer_id,
        'insolvency' as reason_code,
        insolvencies.opened_on as since_on,
        cast(null as date) as ends_on
    from insolvencies
    union all
    select
        standing_holds.company_id,
        standing_holds.customer_id,
        'hold_customer' as reason_code,
        standing_holds.placed_on as since_on,
        standing_holds.until_on as ends_on
    from standing_holds
    where standing_holds.customer_id is not null
    union all
    select
        open_complaints.company_id,
        open_complaints.customer_id,
        'disputed' as reason_code,
        open_complaints.opened_on as since_on,
        cast(null as date) as ends_on
    from open_complaints
    where open_complaints.invoice_id is null
    union all
    select
        customers.company_id,
        customers.customer_id,
        'hold_customer' as reason_code,
        cast(null as date) as since_on,
        cast(null as date) as ends_on
    from customers
    where customers.is_blocked
),

final as (
    select
        by_invoice.company_id,
        by_invoice.invoice_id,
        by_invoice.reason_code,
        by_invoice.since_on,
        by_invoice.ends_on
    from by_invoice
    union
    select
        open_items.company_id,
        open_items.invoice_id,
        by_customer.reason_code,
        by_customer.since_on,
        by_customer.ends_on
    from by_customer
    inner join open_items
        on
            by_customer.company_id = open_items.company_id
            and by_customer.customer_id = open_items.customer_id
)

select * from final

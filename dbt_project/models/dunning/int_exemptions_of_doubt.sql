-- What we do not know for certain: whether a payment is on its way to us, whether a message left, whether the data
-- are whole.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

row_problems as (
    select * from {{ ref("stg_billing__row_problems") }}
),

refused_files as (
    select * from {{ ref("stg_billing__refused_files") }}
),

reallocations as (
    select * from {{ ref("reallocations") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

possible_payments as (
    select * from {{ ref("possible_payments") }}
),

customers_held_by_gap as (
    select * from {{ ref("customers_held_by_gap") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

sent_today as (
    select * from {{ ref("int_notices_sent_today") }}
),

-- A refused invoice row may name only the invoice; the customer it belongs to is known from an earlier version.
problems_with_customer as (
    select
        row_problems.company_id,
        coalesce(row_problems.customer_id, open_items.customer_id) as customer_id
    from row_problems
    left join open_items
        on
            row_problems.company_id = open_items.company_id
            and row_problems.invoice_id = open_items.invoice_id
),

by_customer as (
    select
        problems_with_customer.company_id,
        problems_with_customer.customer_id,
        'data_incomplete' as reason_code
    from problems_with_customer
    where problems_with_customer.customer_id is not null
    union
    select
        reallocations.company_id,
        reallocations.customer_id,
        'reallocated' as reason_code
    from reallocations
    union
    -- And whoever the money was placed on today instead.
    select
        payment_allocations.company_id,
        payment_allocations.customer_id,
        'reallocated' as reason_code
    from reallocations
    inner join payment_allocations
        on
            reallocations.entry_key = payment_allocations.entry_key
            and reallocations.undone_on <= payment_allocations.allocated_on
    where not payment_allocations.is_standing
    union
    select
        customers_held_by_gap.company_id,
        customers_held_by_gap.customer_id,
        case when customers_held_by_gap.kind = 'stale' then 'statement_stale' else 'statement_gap' end as reason_code
    from customers_held_by_gap
),

-- Messages that may have left without our knowing. One of today that has a frozen row is known to stand.
messages_in_doubt as (
    select
        dispatched_items.company_id,
        dispatched_items.customer_id,
        dispatched_items.invoice_id,
        dispatched_items.is_acted,
        dispatched_items.dispatched_on = business_day.as_of_date as is_of_today
    from dispatched_items
    cross join business_day
    left join sent_today
        on
            dispatched_items.communication_id = sent_today.communication_id
            and dispatched_items.invoice_id = sent_today.invoice_id
    where
        dispatched_items.message_kind in {{ dunning_kinds() }}
        and (
            dispatched_items.state = 'in_doubt'
            or (dispatched_items.state = 'closed_unknown' and dispatched_items.class = 'formal')
        )
        and dispatched_items.dispatched_on <= business_day.as_of_date
        and sent_today.communication_id is null
),

-- Nothing follows a message in doubt on its invoices; and on its own day nothing else goes to that customer.
in_doubt as (
    select
        messages_in_doubt.company_id,
        messages_in_doubt.invoice_id
    from messages_in_doubt
    where messages_in_doubt.is_acted
    union
    select
        open_items.company_id,
        open_items.invoice_id
    from messages_in_doubt
    inner join open_items
        on
            messages_in_doubt.company_id = open_items.company_id
            and messages_in_doubt.customer_id = open_items.customer_id
    where messages_in_doubt.is_of_today
),

-- Money names the invoice, or comes from an account its customer uses, and nobody is certain whose it is.
in_question as (
    select
        open_items.company_id,
        open_items.invoice_id
    from open_items
    where open_items.doubtful_amount > 0
),

-- A receipt that is not placed may be paying it, and a person has some days to look.
possibly_paid as (
    select distinct
        possible_payments.company_id,
        possible_payments.invoice_id
    from possible_payments
),

-- A file of invoices that could not be read may hold the credit note of anybody.
behind_a_refused_file as (
    select distinct
        open_items.company_id,
        open_items.invoice_id
    from open_items
    cross join refused_files
),

final as (
    select
        open_items.company_id,
        open_items.invoice_id,
        by_customer.reason_code
    from by_customer
    inner join open_items
        on
            by_customer.company_id = open_items.company_id
            and by_customer.customer_id = open_items.customer_id
    union all
    select
        in_doubt.company_id,
        in_doubt.invoice_id,
        'awaiting_dispatch' as reason_code
    from in_doubt
    union all
    select
        in_question.company_id,
        in_question.invoice_id,
        'unplaced_money' as reason_code
    from in_question
    union all
    select
        possibly_paid.company_id,
        possibly_paid.invoice_id,
        'possible_payment' as reason_code
    from possibly_paid
    inner join open_items
        on
            possibly_paid.company_id = open_items.company_id
            and possibly_paid.invoice_id = open_items.invoice_id
    union all
    select
        behind_a_refused_file.company_id,
        behind_a_refused_file.invoice_id,
        'data_incomplete' as reason_code
    from behind_a_refused_file
)

select * from final

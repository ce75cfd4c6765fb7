-- What somebody on the telephone should have before them, as rows of customer, section and one JSON object each. One
-- section, one select, the same columns; only customers who are to be called, and of each section the newest facts.
{% set most_facts = 10 %}
{% set most_items = 30 %}
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

tasks_of_today as (
    select tasks.*
    from {{ ref("tasks") }} as tasks
    inner join {{ ref("stg_control__business_day") }} as today
        on tasks.as_of_date = today.as_of_date
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

register_conditions as (
    select * from {{ ref("stg_register__conditions") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

promise_statuses as (
    select * from {{ ref("promise_statuses") }}
),

arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

promises_made as (
    select * from {{ ref("stg_register__promises") }}
),

expected_payments as (
    select * from {{ ref("stg_register__expected_payments") }}
),

disputes_opened as (
    select * from {{ ref("stg_register__disputes") }}
),

complaints_made as (
    select * from {{ ref("stg_register__complaints") }}
),

contacts as (
    select * from {{ ref("stg_register__contacts") }}
),

calls as (
    select * from {{ ref("stg_register__calls") }}
),

invoice_responses as (
    select * from {{ ref("stg_register__invoice_responses") }}
),

deliveries as (
    select * from {{ ref("stg_register__deliveries") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

reasons as (
    select reason_order.*
    from {{ ref("reason_order") }} as reason_order
    cross join business_day
    where {{ in_force("reason_order") }}
),

kinds_called as (
    select call_sheet_kinds.*
    from {{ ref("call_sheet_kinds") }} as call_sheet_kinds
    cross join business_day
    where {{ in_force("call_sheet_kinds") }}
),

open_tasks as (
    select tasks_of_today.*
    from tasks_of_today
    where tasks_of_today.status = 'open' and tasks_of_today.customer_id is not null
),

called as (
    select distinct
        open_tasks.company_id,
        open_tasks.customer_id
    from open_tasks
    inner join kinds_called
        on open_tasks.task_kind = kinds_called.task_kind
),

conditions_named as (
    select
        register_conditions.company_id,
        coalesce(register_conditions.customer_id, invoice_balances.customer_id) as customer_id,
        invoice_balances.invoice_number,
        register_conditions.terms,
        register_conditions.set_on,
        register_conditions.recorded_by
    from register_conditions
    left join invoice_balances
        on
            register_conditions.company_id = invoice_balances.company_id
            and register_conditions.invoice_id = invoice_balances.invoice_id
),

problems_found as (
    select
        promise_statuses.company_id,
        promise_statuses.customer_id,
        cast(null as varchar) as invoice_number,
        'promise_' || promise_statuses.status as kind,
        promise_statuses.promised_on as happened_on,
        promise_statuses.promised_amount as amount,
        promise_statuses.currency
    from promise_statuses
    where promise_statuses.status in ('broken', 'partly_kept')
    union all
    select
        arrangement_statuses.company_id,
        arrangement_statuses.customer_id,
        cast(null as varchar) as invoice_number,
        'arrangement_broken' as kind,
        arrangement_statuses.broken_on as happened_on,
        arrangement_statuses.open as amount,
        arrangement_statuses.currency
    from arrangement_statuses
    where arrangement_statuses.broken_on is not null
    union all
    select
        payment_allocations.company_id,
        payment_allocations.customer_id,
        invoice_balances.invoice_number,
        'payment_returned' as kind,
        payment_allocations.booked_on as happened_on,
        payment_allocations.amount,
        payment_allocations.currency
    from payment_allocations
    inner join invoice_balances
        on
            payment_allocations.company_id = invoice_balances.company_id
            and payment_allocations.invoice_id = invoice_balances.invoice_id
    where payment_allocations.amount < 0 and invoice_balances.kind = 'invoice'
),

said as (
    select
        promises_made.company_id,
        invoice_balances.customer_id,
        invoice_balances.invoice_number,
        'promise' as kind,
        promises_made.made_on as said_on,
        promises_made.promised_on as expected_on,
        promises_made.amount,
        invoice_balances.currency,
        promises_made.recorded_by,
        promises_made.withdrawn_on
    from promises_made
    inner join invoice_balances
        on
            promises_made.company_id = invoice_balances.company_id
            and promises_made.invoice_id = invoice_balances.invoice_id
    union all
    select
        expected_payments.company_id,
        invoice_balances.customer_id,
        invoice_balances.invoice_number,
        'expected' as kind,
        expected_payments.stated_on as said_on,
        expected_payments.expected_on,
        cast(null as decimal(18, 2)) as amount,
        cast(null as varchar) as currency,
        expected_payments.recorded_by,
        cast(null as date) as withdrawn_on
    from expected_payments
    inner join invoice_balances
        on
            expected_payments.company_id = invoice_balances.company_id
            and expected_payments.invoice_id = invoice_balances.invoice_id
),

exchanged as (
    select distinct
        dispatched_items.company_id,
        dispatched_items.customer_id,
        'message' as kind,
        dispatched_items.dispatched_on as exchanged_on,
        dispatched_items.message_kind as what,
        dispatched_items.channel,
        dispatched_items.state,
        cast(null as varchar) as note,
        cast(null as varchar) as recorded_by
    from dispatched_items
    cross join business_day
    -- What left today is no history yet: the same day again gives the same sheet.
    where dispatched_items.dispatched_on < business_day.as_of_date
    union all
    select
        contacts.company_id,
        contacts.customer_id,
        'contact' as kind,
        contacts.contacted_on as exchanged_on,
        cast(null as varchar) as what,
        cast(null as varchar) as channel,
        cast(null as varchar) as state,
        contacts.note,
        contacts.recorded_by
    from contacts
    union all
    select distinct
        calls.company_id,
        calls.customer_id,
        'call' as kind,
        calls.made_on as exchanged_on,
        calls.outcome as what,
        cast(null as varchar) as channel,
        cast(null as varchar) as state,
        calls.note,
        calls.recorded_by
    from calls
    union all
    select
        invoice_responses.company_id,
        invoice_balances.customer_id,
        'answer' as kind,
        invoice_responses.responded_on as exchanged_on,
        invoice_responses.code || ' ' || invoice_balances.invoice_number as what,
        cast(null as varchar) as channel,
        cast(null as varchar) as state,
        cast(null as varchar) as note,
        invoice_responses.recorded_by
    from invoice_responses
    inner join invoice_balances
        on
            invoice_responses.company_id = invoice_balances.company_id
            and invoice_responses.invoice_id = invoice_balances.invoice_id
    union all
    select
        deliveries.company_id,
        invoice_balances.customer_id,
        'sent_again' as kind,
        deliveries.sent_on as exchanged_on,
        invoice_balances.invoice_number as what,
        deliveries.channel,
        cast(null as varchar) as state,
        deliveries.address as note,
        deliveries.recorded_by
    from deliveries
    inner join invoice_balances
        on
            deliveries.company_id = invoice_balances.company_id
            and deliveries.invoice_id = invoice_balances.invoice_id
),

items as (
    select
        called.company_id,
        called.customer_id,
        'items' as section,
        invoice_balances.due_on as sort_on,
        {{ json_object({
            "invoice_number": "invoice_balances.invoice_number",
            "kind": "invoice_balances.kind",
            "issued_on": "cast(invoice_balances.issued_on as varchar)",
            "due_on": "cast(invoice_balances.due_on as varchar)",
            "days_overdue": "invoice_balances.days_overdue",
            "currency": "invoice_balances.currency",
            "total_amount": "cast(invoice_balances.total_amount as varchar)",
            "open_amount": "cast(invoice_balances.open_amount as varchar)",
            "disputed_amount": "cast(invoice_balances.disputed_amount as varchar)",
            "order_number": "invoice_balances.order_number",
            "project_number": "invoice_balances.project_number",
            "delivery_status": "invoices.delivery_status",
            "stage_no": "decisions.previous_stage_no",
            "reason": "reasons.sentence",
        }) }} as element
    from called
    inner join invoice_balances
        on
            called.company_id = invoice_balances.company_id
            and called.customer_id = invoice_balances.customer_id
    left join decisions
        on
            invoice_balances.company_id = decisions.company_id
            and invoice_balances.invoice_id = decisions.invoice_id
    left join invoices
        on
            invoice_balances.company_id = invoices.company_id
            and invoice_balances.invoice_id = invoices.invoice_id
    left join reasons
        on decisions.reason_code = reasons.reason_code
    where invoice_balances.open_amount <> 0
),

conditions as (
    select
        called.company_id,
        called.customer_id,
        'conditions' as section,
        conditions_named.set_on as sort_on,
        {{ json_object({
            "set_on": "cast(conditions_named.set_on as varchar)",
            "terms": "conditions_named.terms",
            "invoice_number": "conditions_named.invoice_number",
            "recorded_by": "conditions_named.recorded_by",
        }) }} as element
    from called
    inner join conditions_named
        on
            called.company_id = conditions_named.company_id
            and called.customer_id = conditions_named.customer_id

),

payments as (
    select
        called.company_id,
        called.customer_id,
        'payments' as section,
        payment_allocations.booked_on as sort_on,
        {{ json_object({
            "booked_on": "cast(payment_allocations.booked_on as varchar)",
            "invoice_number": "invoice_balances.invoice_number",
            "due_on": "cast(invoice_balances.due_on as varchar)",
            "amount": "cast(payment_allocations.amount as varchar)",
            "currency": "payment_allocations.currency",
        }) }} as element
    from called
    inner join payment_allocations
        on
            called.company_id = payment_allocations.company_id
            and called.customer_id = payment_allocations.customer_id
    inner join invoice_balances
        on
            payment_allocations.company_id = invoice_balances.company_id
            and payment_allocations.invoice_id = invoice_balances.invoice_id

),

-- Earlier payment problems: promises and arrangements that were not kept, and money that went back.
problems as (
    select
        called.company_id,
        called.customer_id,
        'problems' as section,
        problems_found.happened_on as sort_on,
        {{ json_object({
            "happened_on": "cast(problems_found.happened_on as varchar)",
            "kind": "problems_found.kind",
            "invoice_number": "problems_found.invoice_number",
            "amount": "cast(problems_found.amount as varchar)",
            "currency": "problems_found.currency",
        }) }} as element
    from called
    inner join problems_found
        on
            called.company_id = problems_found.company_id
            and called.customer_id = problems_found.customer_id

),

-- What the customer said about paying: promises, and dates that are none.
promises as (
    select
        called.company_id,
        called.customer_id,
        'promises' as section,
        said.said_on as sort_on,
        {{ json_object({
            "said_on": "cast(said.said_on as varchar)",
            "kind": "said.kind",
            "invoice_number": "said.invoice_number",
            "expected_on": "cast(said.expected_on as varchar)",
            "amount": "cast(said.amount as varchar)",
            "currency": "said.currency",
            "recorded_by": "said.recorded_by",
            "withdrawn_on": "cast(said.withdrawn_on as varchar)",
        }) }} as element
    from called
    inner join said
        on
            called.company_id = said.company_id
            and called.customer_id = said.customer_id

),

disputes as (
    select
        called.company_id,
        called.customer_id,
        'disputes' as section,
        disputes_opened.opened_on as sort_on,
        {{ json_object({
            "opened_on": "cast(disputes_opened.opened_on as varchar)",
            "invoice_number": "invoice_balances.invoice_number",
            "line_number": "disputes_opened.line_number",
            "amount": "cast(coalesce(disputes_opened.disputed_amount, invoice_balances.disputed_amount) as varchar)",
            "currency": "invoice_balances.currency",
            "reason": "disputes_opened.reason",
            "closed_on": "cast(disputes_opened.closed_on as varchar)",
            "outcome": "disputes_opened.outcome",
            "recorded_by": "disputes_opened.recorded_by",
        }) }} as element
    from called
    inner join disputes_opened
        on called.company_id = disputes_opened.company_id
    inner join invoice_balances
        on
            disputes_opened.company_id = invoice_balances.company_id
            and disputes_opened.invoice_id = invoice_balances.invoice_id
    where called.customer_id = invoice_balances.customer_id
),

complaints as (
    select
        called.company_id,
        called.customer_id,
        'complaints' as section,
        complaints_made.opened_on as sort_on,
        {{ json_object({
            "opened_on": "cast(complaints_made.opened_on as varchar)",
            "reason": "complaints_made.reason",
            "closed_on": "cast(complaints_made.closed_on as varchar)",
            "outcome": "complaints_made.outcome",
            "recorded_by": "complaints_made.recorded_by",
        }) }} as element
    from called
    inner join complaints_made
        on
            called.company_id = complaints_made.company_id
            and called.customer_id = complaints_made.customer_id

),

arrangements as (
    select
        called.company_id,
        called.customer_id,
        'arrangements' as section,
        arrangement_statuses.agreed_on as sort_on,
        {{ json_object({
            "agreed_on": "cast(arrangement_statuses.agreed_on as varchar)",
            "status": "arrangement_statuses.status",
            "covered": "cast(arrangement_statuses.covered as varchar)",
            "paid": "cast(arrangement_statuses.paid as varchar)",
            "open": "cast(arrangement_statuses.open as varchar)",
            "currency": "arrangement_statuses.currency",
            "next_due_on": "cast(arrangement_statuses.next_due_on as varchar)",
            "reason": "arrangement_statuses.reason",
        }) }} as element
    from called
    inner join arrangement_statuses
        on
            called.company_id = arrangement_statuses.company_id
            and called.customer_id = arrangement_statuses.customer_id

),

correspondence as (
    select
        called.company_id,
        called.customer_id,
        'correspondence' as section,
        exchanged.exchanged_on as sort_on,
        {{ json_object({
            "exchanged_on": "cast(exchanged.exchanged_on as varchar)",
            "kind": "exchanged.kind",
            "what": "exchanged.what",
            "channel": "exchanged.channel",
            "state": "exchanged.state",
            "note": "exchanged.note",
            "recorded_by": "exchanged.recorded_by",
        }) }} as element
    from called
    inner join exchanged
        on
            called.company_id = exchanged.company_id
            and called.customer_id = exchanged.customer_id

),

tasks as (
    select
        called.company_id,
        called.customer_id,
        'tasks' as section,
        open_tasks.due_on as sort_on,
        {{ json_object({
            "task_id": "open_tasks.task_id",
            "task_kind": "open_tasks.task_kind",
            "due_on": "cast(open_tasks.due_on as varchar)",
            "reason": "open_tasks.reason",
        }) }} as element
    from called
    inner join open_tasks
        on
            called.company_id = open_tasks.company_id
            and called.customer_id = open_tasks.customer_id

),

gathered as (
    {% for section in [
        "items", "conditions", "payments", "problems", "promises", "disputes", "complaints", "arrangements",
        "correspondence", "tasks",
    ] -%}
        select * from {{ section }}
        {{ "union all" if not loop.last }}
    {% endfor %}
),

-- Of open items the oldest come first, and of tasks the most pressing; of everything else the newest.
ranked as (
    select
        gathered.*,
        row_number() over (
            partition by gathered.company_id, gathered.customer_id, gathered.section
            order by
                case when gathered.section in ('items', 'tasks') then gathered.sort_on end asc,
                gathered.sort_on desc,
                gathered.element asc
        ) as position
    from gathered
),

final as (
    select ranked.*
    from ranked
    where ranked.position <= case when ranked.section = 'items' then {{ most_items }} else {{ most_facts }} end
)

select * from final

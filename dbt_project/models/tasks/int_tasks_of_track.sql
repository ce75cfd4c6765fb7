-- What the dunning track asks of people: calls, key accounts that are overdue, addresses that are missing, formal
-- notices to release, tracks that have come to their end.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join {{ ref("stg_control__business_day") }} as today
        on dunning_decisions.as_of_date = today.as_of_date
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

scenario_steps as (
    select scenario_steps.*
    from {{ ref("scenario_steps") }} as scenario_steps
    cross join business_day
    where {{ in_force("scenario_steps") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

sent_today as (
    select distinct
        sent_messages.company_id,
        sent_messages.customer_id,
        sent_messages.message_kind
    from sent_messages
    inner join business_day
        on sent_messages.as_of_date = business_day.as_of_date
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

expected_payments as (
    select * from {{ ref("stg_register__expected_payments") }}
),

invoice_responses as (
    select * from {{ ref("stg_register__invoice_responses") }}
),

calls_made as (
    select * from {{ ref("stg_register__calls") }}
),

contacts as (
    select * from {{ ref("stg_register__contacts") }}
),

complaints as (
    select * from {{ ref("stg_register__complaints") }}
),

steps_due as (
    select
        decisions.*,
        scenario_steps.expires_after_days,
        scenario_steps.task_kind,
        scenario_steps.owner_role
    from decisions
    inner join scenario_steps
        on
            decisions.scenario_id = scenario_steps.scenario_id
            and decisions.stage_no = scenario_steps.stage_no
            and scenario_steps.step_kind = 'task'
    where decisions.action = 'task' and decisions.reason_code in ('step_due', 'catch_up')
),

-- Whatever the customer did about an invoice. Money of the day of the reminder had left before it was read; what a
-- person noted on that day came after it.
responses as (
    select
        payment_allocations.company_id,
        payment_allocations.customer_id,
        payment_allocations.invoice_id,
        payment_allocations.booked_on - 1 as counted_on,
        payment_allocations.booked_on as responded_on,
        'a payment' as response
    from payment_allocations
    where payment_allocations.amount > 0
    {% for given in [
        ("promises", "made_on", "a promise"), ("disputes", "opened_on", "a dispute"),
        ("expected_payments", "stated_on", "an expected date"), ("invoice_responses", "responded_on", "an answer"),
    ] -%}
        union all
        select
            {{ given[0] }}.company_id,
            cast(null as varchar) as customer_id,
            {{ given[0] }}.invoice_id,
            {{ given[0] }}.{{ given[1] }} as counted_on,
            {{ given[0] }}.{{ given[1] }} as responded_on,
            '{{ given[2] }}' as response
        from {{ given[0] }}
    {% endfor -%}
    union all
    select
        calls_made.company_id,
        calls_made.customer_id,
        calls_made.invoice_id,
        calls_made.made_on as counted_on,
        calls_made.made_on as responded_on,
        'a call' as response
    from calls_made
    -- Nobody picking up is no response.
    where calls_made.outcome <> 'no_answer'
    union all
    select
        complaints.company_id,
        complaints.customer_id,
        complaints.invoice_id,
        complaints.opened_on as counted_on,
        complaints.opened_on as responded_on,
        'a complaint' as response
    from complaints
    union all
    select
        contacts.company_id,
        contacts.customer_id,
        cast(null as varchar) as invoice_id,
        contacts.contacted_on as counted_on,
        contacts.contacted_on as responded_on,
        'a contact' as response
    from contacts
),

responses_since as (
    select
        steps_due.company_id,
        steps_due.invoice_id,
        responses.responded_on,
        responses.response
    from steps_due
    inner join responses
        on
            steps_due.company_id = responses.company_id
            and steps_due.invoice_id = responses.invoice_id
            and steps_due.previous_step_on <= responses.counted_on
    union all
    select
        steps_due.company_id,
        steps_due.invoice_id,
        responses.responded_on,
        responses.response
    from steps_due
    inner join responses
        on
            steps_due.company_id = responses.company_id
            and steps_due.customer_id = responses.customer_id
            and responses.invoice_id is null
            and steps_due.previous_step_on <= responses.counted_on
),

newest_responses as (
    select
        responses_since.*,
        row_number() over (
            partition by responses_since.company_id, responses_since.invoice_id
            order by responses_since.responded_on desc, responses_since.response asc
        ) as newest_rank
    from responses_since
),

-- Who answered the reminder is not called about it: the task is there, cancelled, and says why.
steps_of_people as (
    select
        steps_due.task_kind,
        steps_due.company_id,
        steps_due.customer_id,
        steps_due.invoice_id,
        concat_ws('/', cast(steps_due.stage_no as varchar), cast(steps_due.cycle as varchar)) as opening_fact,
        steps_due.step_due_on as opened_on,
        steps_due.step_due_on + steps_due.expires_after_days as expires_on,
        cast(null as date) as closed_on,
        steps_due.currency,
        steps_due.open_amount as amount,
        case
            when steps_due.task_kind <> 'call' or newest_responses.response is null
                then
                    coalesce(
                        'No answer to the reminder of ' || cast(steps_due.previous_step_on as varchar)
                        || ' for invoice ',
                        'Invoice '
                    )
                    || invoice_balances.invoice_number || ', ' || cast(steps_due.days_overdue as varchar)
                    || ' days overdue'
            else
                'No call about invoice ' || invoice_balances.invoice_number || ': since the reminder of '
                || cast(steps_due.previous_step_on as varchar) || ' there was ' || newest_responses.response || ' ('
                || cast(newest_responses.responded_on as varchar) || ')'
        end as reason,
        steps_due.policy_id,
        steps_due.owner_role,
        steps_due.task_kind = 'call' and newest_responses.response is not null as is_cancelled
    from steps_due
    inner join invoice_balances
        on
            steps_due.company_id = invoice_balances.company_id
            and steps_due.invoice_id = invoice_balances.invoice_id
    left join newest_responses
        on
            steps_due.company_id = newest_responses.company_id
            and steps_due.invoice_id = newest_responses.invoice_id
            and newest_responses.newest_rank = 1
),

key_accounts_overdue as (
    select
        'key_account_overdue' as task_kind,
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        cast(decisions.due_on as varchar) as opening_fact,
        decisions.due_on + 1 as opened_on,
        cast(null as date) as expires_on,
        cast(null as date) as closed_on,
        decisions.currency,
        decisions.open_amount as amount,
        'Invoice ' || invoice_balances.invoice_number || ' of this key account is '
        || cast(decisions.days_overdue as varchar) || ' days overdue' as reason,
        decisions.policy_id
    from decisions
    inner join invoice_balances
        on
            decisions.company_id = invoice_balances.company_id
            and decisions.invoice_id = invoice_balances.invoice_id
    where decisions.reason_code = 'key_account' and decisions.days_overdue > 0
),

tracks_completed as (
    select
        'handover_decision' as task_kind,
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        'track_completed/' || cast(decisions.cycle as varchar) as opening_fact,
        decisions.previous_step_on + 1 as opened_on,
        cast(null as date) as expires_on,
        cast(null as date) as closed_on,
        decisions.currency,
        decisions.open_amount as amount,
        'Every step has been taken for invoice ' || invoice_balances.invoice_number
        || ': decide on handing it over, an arrangement or writing it off' as reason,
        decisions.policy_id
    from decisions
    inner join invoice_balances
        on
            decisions.company_id = invoice_balances.company_id
            and decisions.invoice_id = invoice_balances.invoice_id
    where decisions.reason_code = 'track_completed'
),

-- A natural person gets none of these messages; somebody decides what the law for consumers allows.
natural_persons_overdue as (
    select
        'follow_up' as task_kind,
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        'natural_person' as opening_fact,
        decisions.due_on + 1 as opened_on,
        cast(null as date) as expires_on,
        cast(null as date) as closed_on,
        decisions.currency,
        decisions.open_amount as amount,
        'Invoice ' || invoice_balances.invoice_number || ' of a natural person is '
        || cast(decisions.days_overdue as varchar) || ' days overdue' as reason,
        decisions.policy_id
    from decisions
    inner join invoice_balances
        on
            decisions.company_id = invoice_balances.company_id
            and decisions.invoice_id = invoice_balances.invoice_id
    where decisions.reason_code = 'natural_person' and decisions.days_overdue > 0
),

customers_without_channel as (
    select
        'bounced_address' as task_kind,
        decisions.company_id,
        decisions.customer_id,
        cast(null as varchar) as invoice_id,
        'no_channel/' || decisions.currency as opening_fact,
        min(decisions.step_due_on) as opened_on,
        cast(null as date) as expires_on,
        cast(null as date) as closed_on,
        decisions.currency,
        cast(sum(decisions.open_amount) as decimal(18, 2)) as amount,
        'A message is due and there is no address it can go to (' || cast(count(*) as varchar) || ' invoices)'
            as reason,
        max(decisions.policy_id) as policy_id
    from decisions
    where decisions.reason_code = 'no_channel'
    group by decisions.company_id, decisions.customer_id, decisions.currency
),

-- One release for one letter: the formal notice of a customer in a currency.
releases_needed as (
    select
        'release_needed' as task_kind,
        decisions.company_id,
        decisions.customer_id,
        cast(null as varchar) as invoice_id,
        concat_ws('/', 'formal_notice', decisions.currency, cast(max(decisions.cycle) as varchar)) as opening_fact,
        min(decisions.step_due_on) as opened_on,
        cast(null as date) as expires_on,
        max(case when sent_today.customer_id is not null then decisions.as_of_date end) as closed_on,
        decisions.currency,
        cast(sum(decisions.open_amount) as decimal(18, 2)) as amount,
        'A formal notice about ' || cast(count(*) as varchar) || ' invoices waits for release' as reason,
        max(decisions.policy_id) as policy_id
    from decisions
    left join sent_today
        on
            decisions.company_id = sent_today.company_id
            and decisions.customer_id = sent_today.customer_id
            and decisions.message_kind = sent_today.message_kind
    where decisions.action = 'message' and decisions.requires_release
    group by decisions.company_id, decisions.customer_id, decisions.currency
),

gathered as (
    select * from steps_of_people
    {% for raised in [
        "key_accounts_overdue", "tracks_completed", "natural_persons_overdue", "customers_without_channel",
        "releases_needed",
    ] -%}
        union all
        select
            {{ raised }}.*,
            cast(null as varchar) as owner_role,
            false as is_cancelled
        from {{ raised }}
    {% endfor -%}
),

final as (
    select
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.opening_fact,
        gathered.opened_on,
        gathered.expires_on,
        false as is_waiting,
        gathered.closed_on,
        gathered.currency,
        gathered.amount,
        gathered.reason,
        gathered.policy_id,
        gathered.owner_role,
        gathered.is_cancelled
    from gathered
)

select * from final

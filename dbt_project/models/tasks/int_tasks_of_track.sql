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

calls as (
    select
        scenario_steps.task_kind,
        decisions.company_id,
        decisions.customer_id,
        decisions.invoice_id,
        concat_ws('/', cast(decisions.stage_no as varchar), cast(decisions.cycle as varchar)) as opening_fact,
        decisions.step_due_on as opened_on,
        decisions.step_due_on + scenario_steps.expires_after_days as expires_on,
        cast(null as date) as closed_on,
        decisions.currency,
        decisions.open_amount as amount,
        coalesce(
            'No answer to the reminder of ' || cast(decisions.previous_step_on as varchar) || ' for invoice ',
            'Invoice '
        )
        || invoice_balances.invoice_number || ', ' || cast(decisions.days_overdue as varchar) || ' days overdue'
            as reason,
        decisions.policy_id
    from decisions
    inner join scenario_steps
        on
            decisions.scenario_id = scenario_steps.scenario_id
            and decisions.stage_no = scenario_steps.stage_no
            and scenario_steps.step_kind = 'task'
    inner join invoice_balances
        on
            decisions.company_id = invoice_balances.company_id
            and decisions.invoice_id = invoice_balances.invoice_id
    where decisions.action = 'task' and decisions.reason_code in ('step_due', 'catch_up')
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
        'follow_up' as task_kind,
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
    select * from calls
    union all
    select * from key_accounts_overdue
    union all
    select * from tracks_completed
    union all
    select * from natural_persons_overdue
    union all
    select * from customers_without_channel
    union all
    select * from releases_needed
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
        gathered.policy_id
    from gathered
)

select * from final

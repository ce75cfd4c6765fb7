-- What was sent and turned out wrong: the customer is told, once for each message; and a scenario somebody named that
-- is none.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_corrections as (
    select * from {{ ref("message_corrections") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

conditions as (
    select * from {{ ref("stg_register__conditions") }}
),

scenarios as (
    select * from {{ ref("scenarios") }}
),

messages_wrong as (
    select
        'correction' as task_kind,
        message_corrections.company_id,
        message_corrections.customer_id,
        cast(null as varchar) as invoice_id,
        'message/' || message_corrections.communication_id as opening_fact,
        min(coalesce(message_corrections.learnt_on, message_corrections.dispatched_on + 1)) as opened_on,
        message_corrections.currency,
        cast(sum(message_corrections.wrong_amount) as decimal(18, 2)) as amount,
        case when max(message_corrections.kind) = 'withdrawal' then 'Withdraw' else 'Apologise for' end
        || ' the message of ' || cast(message_corrections.dispatched_on as varchar) || ' as to '
        || string_agg(
            invoice_balances.invoice_number || ' (' || message_corrections.fact || ')', ', '
            order by invoice_balances.invoice_number
        ) as reason,
        min(message_corrections.policy_id) as policy_id
    from message_corrections
    inner join invoice_balances
        on
            message_corrections.company_id = invoice_balances.company_id
            and message_corrections.invoice_id = invoice_balances.invoice_id
    group by
        message_corrections.company_id,
        message_corrections.customer_id,
        message_corrections.communication_id,
        message_corrections.dispatched_on,
        message_corrections.currency
),

newest_conditions as (
    select
        conditions.*,
        row_number() over (
            partition by conditions.company_id, conditions.customer_id, conditions.invoice_id
            order by conditions.seq desc
        ) as newest_rank
    from conditions
    where conditions.scenario_id is not null
),

unknown_scenarios as (
    select
        'correction' as task_kind,
        newest_conditions.company_id,
        newest_conditions.customer_id,
        newest_conditions.invoice_id,
        'scenario/' || cast(newest_conditions.seq as varchar) as opening_fact,
        newest_conditions.set_on as opened_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        'The record conditions set of ' || newest_conditions.recorded_by || ' names scenario '
        || newest_conditions.scenario_id || ': there is none of that name; none takes a scenario back' as reason,
        cast(null as varchar) as policy_id
    from newest_conditions
    cross join business_day
    left join scenarios
        on
            newest_conditions.scenario_id = scenarios.scenario_id
            and {{ in_force("scenarios") }}
    where
        newest_conditions.newest_rank = 1
        and scenarios.scenario_id is null
        and newest_conditions.scenario_id <> 'none'
),

gathered as (
    select * from messages_wrong
    union all
    select * from unknown_scenarios
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
        gathered.policy_id
    from gathered
)

select * from final

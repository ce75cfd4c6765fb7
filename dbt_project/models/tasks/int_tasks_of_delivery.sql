-- Messages of which it is not known whether they arrived, and addresses that no longer work.
with dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

in_doubt as (
    select
        'in_doubt_delivery' as task_kind,
        dispatched_items.company_id,
        dispatched_items.customer_id,
        dispatched_items.communication_id as opening_fact,
        min(dispatched_items.dispatched_on) as opened_on,
        'It is not known whether the ' || replace(min(dispatched_items.message_kind), '_', ' ') || ' of '
        || cast(min(dispatched_items.dispatched_on) as varchar) || ' left; nothing follows it until that is known'
            as reason
    from dispatched_items
    where
        dispatched_items.state = 'in_doubt'
        or (dispatched_items.state = 'closed_unknown' and dispatched_items.class = 'formal')
    group by dispatched_items.company_id, dispatched_items.customer_id, dispatched_items.communication_id
),

bounced_messages as (
    select
        dispatched_items.communication_id,
        min(dispatched_items.dispatched_on) as dispatched_on
    from dispatched_items
    where dispatched_items.state = 'bounced'
    group by dispatched_items.communication_id
),

-- While the address is the one that bounced, there is one task, however many messages bounced on it.
bounced as (
    select
        'bounced_address' as task_kind,
        sent_messages.company_id,
        sent_messages.customer_id,
        'bounced/' || min(lower(trim(customers.email))) as opening_fact,
        min(bounced_messages.dispatched_on) as opened_on,
        'The e-mail of ' || cast(min(bounced_messages.dispatched_on) as varchar) || ' came back as undeliverable'
            as reason
    from bounced_messages
    inner join sent_messages
        on bounced_messages.communication_id = sent_messages.communication_id
    inner join customers
        on
            sent_messages.company_id = customers.company_id
            and sent_messages.customer_id = customers.customer_id
            and lower(trim(customers.email)) = lower({{ json_text("sent_messages.row_json", "recipient_email") }})
    where {{ json_text("sent_messages.row_json", "channel") }} = 'email'
    group by sent_messages.company_id, sent_messages.customer_id
),

gathered as (
    select * from in_doubt
    union all
    select * from bounced
),

final as (
    select
        gathered.task_kind,
        gathered.company_id,
        gathered.customer_id,
        cast(null as varchar) as invoice_id,
        gathered.opening_fact,
        gathered.opened_on,
        cast(null as date) as expires_on,
        false as is_waiting,
        cast(null as date) as closed_on,
        cast(null as varchar) as currency,
        cast(null as decimal(18, 2)) as amount,
        gathered.reason,
        cast(null as varchar) as policy_id
    from gathered
)

select * from final

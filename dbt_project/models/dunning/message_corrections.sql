with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_policy as (
    select * from {{ ref("int_dunning_policy") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

invoice_lines as (
    select * from {{ ref("stg_billing__invoice_lines") }}
),

sent_items as (
    select
        dispatched_items.communication_id,
        dispatched_items.company_id,
        dispatched_items.customer_id,
        dispatched_items.invoice_id,
        dispatched_items.message_kind,
        dispatched_items.class,
        dispatched_items.dispatched_on
    from dispatched_items
    cross join business_day
    cross join dunning_policy
    where
        dispatched_items.message_kind in {{ dunning_kinds() }}
        and dispatched_items.state in ('sent', 'delivered', 'closed_unknown')
        and dispatched_items.dispatched_on + dunning_policy.corrections_days >= business_day.as_of_date
),

-- What had happened before the day of the message. A payment and a message of one day crossed; that is nobody's fault.
payments_before as (
    select
        sent_items.communication_id,
        sent_items.invoice_id,
        sum(payment_allocations.amount) as amount,
        max(payment_allocations.booked_on) as fact_on,
        max(payment_allocations.allocated_on) as learnt_on
    from sent_items
    inner join payment_allocations
        on
            sent_items.company_id = payment_allocations.company_id
            and sent_items.invoice_id = payment_allocations.invoice_id
            and sent_items.dispatched_on > payment_allocations.booked_on
    where payment_allocations.component = 'principal'
    group by sent_items.communication_id, sent_items.invoice_id
),

credits_before as (
    select
        sent_items.communication_id,
        sent_items.invoice_id,
        sum(credit_settlements.amount) as amount,
        max(credit_settlements.credited_on) as fact_on
    from sent_items
    inner join credit_settlements
        on
            sent_items.company_id = credit_settlements.company_id
            and sent_items.invoice_id = credit_settlements.invoice_id
            and sent_items.dispatched_on > credit_settlements.credited_on
    group by sent_items.communication_id, sent_items.invoice_id
),

disputes_before as (
    select
        sent_items.communication_id,
        sent_items.invoice_id,
        sum(coalesce(disputes.disputed_amount, invoice_lines.line_amount)) as amount,
        count(*) filter (
            where coalesce(disputes.disputed_amount, invoice_lines.line_amount) is null
        ) as whole_count,
        max(disputes.opened_on) as fact_on
    from sent_items
    inner join disputes
        on
            sent_items.company_id = disputes.company_id
            and sent_items.invoice_id = disputes.invoice_id
            and sent_items.dispatched_on > disputes.opened_on
    left join invoice_lines
        on
            disputes.company_id = invoice_lines.company_id
            and disputes.invoice_id = invoice_lines.invoice_id
            and disputes.line_number = invoice_lines.line_number
    where coalesce(disputes.closed_on > sent_items.dispatched_on, true)
    group by sent_items.communication_id, sent_items.invoice_id
),

-- Only these messages are opened: most items have no such fact.
touched as (
    select
        sent_items.*,
        invoice_balances.currency,
        invoice_balances.total_amount,
        invoice_balances.paid_amount,
        invoice_balances.written_off_amount,
        greatest(
            least(coalesce(payments_before.amount, 0), invoice_balances.paid_amount), 0
        ) as paid_before_amount,
        coalesce(credits_before.amount, 0) as credited_before_amount,
        coalesce(disputes_before.amount, 0) as disputed_before_amount,
        coalesce(disputes_before.whole_count, 0) > 0 as is_wholly_disputed,
        payments_before.fact_on as paid_on,
        payments_before.learnt_on,
        credits_before.fact_on as credited_on,
        disputes_before.fact_on as disputed_on
    from sent_items
    inner join invoice_balances
        on
            sent_items.company_id = invoice_balances.company_id
            and sent_items.invoice_id = invoice_balances.invoice_id
    left join payments_before
        on
            sent_items.communication_id = payments_before.communication_id
            and sent_items.invoice_id = payments_before.invoice_id
    left join credits_before
        on
            sent_items.communication_id = credits_before.communication_id
            and sent_items.invoice_id = credits_before.invoice_id
    left join disputes_before
        on
            sent_items.communication_id = disputes_before.communication_id
            and sent_items.invoice_id = disputes_before.invoice_id
    where
        payments_before.learnt_on > sent_items.dispatched_on
        or credits_before.invoice_id is not null
        or disputes_before.invoice_id is not null
),

messages_touched as (
    select distinct touched.communication_id
    from touched
),

frozen as (
    select
        sent_messages.communication_id,
        sent_messages.row_json,
        row_number() over (
            partition by sent_messages.communication_id order by sent_messages.seq desc
        ) as newest_rank
    from sent_messages
    inner join messages_touched
        on sent_messages.communication_id = messages_touched.communication_id
),

claimed as (
    select
        frozen.communication_id,
        cast({{ json_text("frozen.row_json", "credit_amount") }} as decimal(18, 2)) as credit_amount,
        {{ json_text("item.element", "invoice_id") }} as invoice_id,
        cast({{ json_text("item.element", "open_amount") }} as decimal(18, 2)) as claimed_amount
    from frozen
    cross join {{ unnested(json_array_elements(json_text("frozen.row_json", "items")), "item") }}
    where frozen.newest_rank = 1
),

compared as (
    select
        touched.*,
        claimed.claimed_amount,
        claimed.credit_amount,
        case
            when touched.is_wholly_disputed then 0
            else
                greatest(
                    touched.total_amount
                    - touched.paid_before_amount
                    - touched.credited_before_amount
                    - touched.disputed_before_amount,
                    0
                )
        end as owed_amount
    from touched
    inner join claimed
        on
            touched.communication_id = claimed.communication_id
            and touched.invoice_id = claimed.invoice_id
),

-- Credit that the message set off was weighed, though it was not known yet which invoice it was for.
weighed as (
    select
        compared.*,
        sum(greatest(compared.claimed_amount - compared.owed_amount, 0)) over (
            partition by compared.communication_id
        ) as message_wrong_amount
    from compared
),

final as (
    select
        business_day.as_of_date,
        weighed.company_id,
        weighed.customer_id,
        weighed.invoice_id,
        weighed.communication_id,
        weighed.message_kind,
        weighed.class,
        weighed.dispatched_on,
        weighed.currency,
        weighed.claimed_amount,
        cast(weighed.owed_amount as decimal(18, 2)) as owed_amount,
        cast(weighed.claimed_amount - weighed.owed_amount as decimal(18, 2)) as wrong_amount,
        case when weighed.class = 'formal' or weighed.owed_amount <= 0 then 'withdrawal' else 'apology' end as kind,
        concat_ws(
            ';',
            case when weighed.paid_on is not null then 'paid_before' end,
            case when weighed.credited_on is not null then 'credited_before' end,
            case when weighed.disputed_on is not null then 'disputed_before' end
        ) as fact,
        greatest(weighed.paid_on, weighed.credited_on, weighed.disputed_on) as fact_on,
        weighed.learnt_on,
        dunning_policy.policy_id
    from weighed
    cross join business_day
    cross join dunning_policy
    where
        weighed.claimed_amount > weighed.owed_amount
        and weighed.message_wrong_amount > coalesce(weighed.credit_amount, 0)
)

select * from final

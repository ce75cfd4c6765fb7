-- One row per invoice of a settled episode that wants its thanks: a customer was reminded, and has paid all of it
-- since. An episode is what was reminded without a day in between on which all that had been reminded was settled.
-- Thanks go once the payments can no longer go back, as their method has it, while nothing else of the customer is
-- overdue or disputed.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'thank_you'
),

reversal_windows as (
    select reversal_windows.*
    from {{ ref("reversal_windows") }} as reversal_windows
    cross join business_day
    where {{ in_force("reversal_windows") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
    where kind = 'invoice'
),

customer_balances as (
    select * from {{ ref("customer_balances") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

entries as (
    select * from {{ ref("entries") }}
),

-- A pre-due notice is stage 0 and no reminder.
reminded as (
    select
        dispatched_items.company_id,
        dispatched_items.invoice_id,
        min(dispatched_items.dispatched_on) as first_reminded_on
    from dispatched_items
    where
        dispatched_items.message_kind in {{ dunning_kinds() }}
        and dispatched_items.stage_no > 0
        and dispatched_items.is_acted
        and dispatched_items.state in ('sent', 'delivered', 'closed_unknown')
    group by dispatched_items.company_id, dispatched_items.invoice_id
),

payments_final as (
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        max(entries.booked_on + reversal_windows.wait_days) as final_on
    from payment_allocations
    inner join entries
        on payment_allocations.entry_key = entries.entry_key
    inner join reversal_windows
        on
            reversal_windows.method = case
                when coalesce(entries.transaction_code, '') like '%BBDD%' then 'direct_debit_b2b'
                when entries.mandate_id is not null or coalesce(entries.transaction_code, '') like '%ESDD%'
                    then 'direct_debit_core'
                else 'transfer'
            end
    group by payment_allocations.company_id, payment_allocations.invoice_id
),

spans as (
    select
        reminded.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        reminded.invoice_id,
        reminded.first_reminded_on,
        invoice_balances.settled_on,
        invoice_balances.paid_amount,
        invoice_balances.written_off_amount,
        invoice_balances.due_on,
        payments_final.final_on,
        max(coalesce(invoice_balances.settled_on, date '9999-12-31')) over (
            partition by reminded.company_id, invoice_balances.customer_id, invoice_balances.currency
            order by reminded.first_reminded_on, reminded.invoice_id
            rows between unbounded preceding and 1 preceding
        ) as settled_before_on
    from reminded
    inner join invoice_balances
        on
            reminded.company_id = invoice_balances.company_id
            and reminded.invoice_id = invoice_balances.invoice_id
    left join payments_final
        on
            reminded.company_id = payments_final.company_id
            and reminded.invoice_id = payments_final.invoice_id
),

numbered as (
    select
        spans.*,
        sum(case when spans.settled_before_on >= spans.first_reminded_on then 0 else 1 end) over (
            partition by spans.company_id, spans.customer_id, spans.currency
            order by spans.first_reminded_on, spans.invoice_id
            rows between unbounded preceding and current row
        ) as episode_no
    from spans
),

episodes as (
    select
        numbered.company_id,
        numbered.customer_id,
        numbered.currency,
        numbered.episode_no,
        'episode/' || cast(min(numbered.first_reminded_on) as varchar) as occasion,
        count(*) = count(numbered.settled_on) as is_settled,
        max(greatest(numbered.settled_on, coalesce(numbered.final_on, numbered.settled_on))) as final_on,
        sum(numbered.paid_amount) as paid_amount,
        sum(numbered.written_off_amount) as written_off_amount
    from numbered
    group by numbered.company_id, numbered.customer_id, numbered.currency, numbered.episode_no
),

customers_not_clear as (
    select distinct
        customer_balances.company_id,
        customer_balances.customer_id
    from customer_balances
    where customer_balances.overdue_amount > 0 or customer_balances.disputed_amount > 0
),

final as (
    select
        episodes.company_id,
        episodes.customer_id,
        episodes.currency,
        episodes.occasion,
        numbered.invoice_id,
        numbered.due_on,
        numbered.paid_amount,
        message_policy.class,
        message_policy.requires_release,
        message_policy.policy_id
    from episodes
    cross join business_day
    cross join message_policy
    inner join numbered
        on
            episodes.company_id = numbered.company_id
            and episodes.customer_id = numbered.customer_id
            and episodes.currency = numbered.currency
            and episodes.episode_no = numbered.episode_no
    left join customers_not_clear
        on
            episodes.company_id = customers_not_clear.company_id
            and episodes.customer_id = customers_not_clear.customer_id
    where
        episodes.is_settled
        and episodes.paid_amount > 0
        and episodes.written_off_amount = 0
        and customers_not_clear.customer_id is null
        -- The last day of the window still belongs to it.
        and episodes.final_on + message_policy.wait_days < business_day.as_of_date
        and episodes.final_on + message_policy.wait_days + message_policy.within_days >= business_day.as_of_date
        -- What was settled by a credit note alone is nothing to thank for.
        and numbered.paid_amount > 0
)

select * from final

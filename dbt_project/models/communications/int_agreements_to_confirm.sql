-- One row per agreement made by word of mouth and invoice it covers, while it still wants its written confirmation: a
-- promise to pay, or a longer term. An expected payment date is a forecast and no agreement. What was withdrawn,
-- replaced by a newer agreement, already paid, or lies in the past is not confirmed any more.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'agreement_confirmation'
),

dunning_policy as (
    select dunning_policy.*
    from {{ ref("dunning_policy") }} as dunning_policy
    cross join business_day
    where {{ in_force("dunning_policy") }}
),

promises as (
    select * from {{ ref("stg_register__promises") }}
),

terms_extensions as (
    select * from {{ ref("stg_register__terms_extensions") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where kind = 'invoice' and open_amount > 0
),

newest_promises as (
    select
        promises.*,
        row_number() over (
            partition by promises.company_id, promises.invoice_id order by promises.seq desc
        ) as newest_rank
    from promises
),

agreements as (
    select
        'promise' as agreement,
        'promise/' || newest_promises.promise_id as occasion,
        newest_promises.company_id,
        newest_promises.invoice_id,
        newest_promises.made_on as agreed_on,
        newest_promises.promised_on as pay_by_on,
        newest_promises.amount as agreed_amount,
        newest_promises.promised_on + dunning_policy.promise_grace_days + 1 as resumes_on
    from newest_promises
    cross join dunning_policy
    where newest_promises.newest_rank = 1 and newest_promises.withdrawn_on is null
    union all
    select
        'extension' as agreement,
        'extension/' || cast(terms_extensions.seq as varchar) as occasion,
        terms_extensions.company_id,
        terms_extensions.invoice_id,
        terms_extensions.extended_on as agreed_on,
        terms_extensions.new_due_on as pay_by_on,
        cast(null as decimal(18, 2)) as agreed_amount,
        terms_extensions.new_due_on + dunning_policy.grace_days + 1 as resumes_on
    from terms_extensions
    cross join dunning_policy
),

covered as (
    select
        agreements.*,
        open_items.customer_id,
        open_items.currency,
        open_items.open_amount,
        open_items.due_on,
        open_items.original_due_on,
        message_policy.class,
        message_policy.requires_release,
        message_policy.policy_id,
        dunning_policy.grace_days,
        sum(open_items.open_amount) over (
            partition by agreements.occasion, open_items.customer_id, open_items.currency
            order by open_items.due_on, open_items.invoice_id
            rows between unbounded preceding and current row
        ) as open_up_to_here,
        -- One amount cannot be divided over two currencies: then the promise is about all that is open.
        min(open_items.customer_id || '|' || open_items.currency) over (partition by agreements.occasion)
        = max(open_items.customer_id || '|' || open_items.currency) over (partition by agreements.occasion)
            as is_of_one_account
    from agreements
    cross join business_day
    cross join message_policy
    cross join dunning_policy
    inner join open_items
        on
            agreements.company_id = open_items.company_id
            and agreements.invoice_id = open_items.invoice_id
    where
        agreements.agreed_on + message_policy.wait_days <= business_day.as_of_date
        and agreements.agreed_on + message_policy.wait_days + message_policy.within_days >= business_day.as_of_date
        and agreements.pay_by_on >= business_day.as_of_date
),

-- What was promised pays the oldest invoice first; an invoice it does not reach is none of the agreement's.
shared as (
    select
        covered.*,
        case
            when covered.agreed_amount is null or not covered.is_of_one_account then covered.open_amount
            else least(
                covered.open_amount,
                greatest(covered.agreed_amount - (covered.open_up_to_here - covered.open_amount), 0)
            )
        end as claimed_amount
    from covered
),

final as (
    select
        shared.agreement,
        shared.occasion,
        shared.company_id,
        shared.customer_id,
        shared.currency,
        shared.invoice_id,
        cast(shared.claimed_amount as decimal(18, 2)) as claimed_amount,
        shared.agreed_on,
        shared.pay_by_on,
        shared.due_on,
        shared.original_due_on,
        -- Nothing follows before its own grace is over either, when the invoice is not yet overdue.
        greatest(shared.resumes_on, shared.due_on + shared.grace_days + 1) as resumes_on,
        shared.class,
        shared.requires_release,
        shared.policy_id
    from shared
    where shared.claimed_amount > 0
)

select * from final

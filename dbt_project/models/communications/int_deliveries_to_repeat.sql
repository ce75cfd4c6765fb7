-- One row per open invoice that did not arrive: billing could not deliver it, or the customer said so when asked. It is
-- sent again at once.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'receipt_check'
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
    where not is_cancelled
),

task_outcomes as (
    select * from {{ ref("stg_register__task_outcomes") }}
    where outcome = 'not_received'
),

receipt_checks as (
    select distinct
        tasks.task_id,
        tasks.company_id,
        tasks.invoice_id
    from {{ ref("tasks") }} as tasks
    where tasks.task_kind = 'receipt_check' and tasks.invoice_id is not null
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where kind = 'invoice' and open_amount > 0
),

terms_given as (
    select * from {{ ref("int_terms_given") }}
),

missed as (
    select
        invoices.company_id,
        invoices.invoice_id,
        'delivery/' || invoices.invoice_id as occasion,
        invoices.issued_on as missed_on
    from invoices
    where invoices.delivery_status = 'failed'
    union all
    select
        receipt_checks.company_id,
        receipt_checks.invoice_id,
        'delivery/' || receipt_checks.invoice_id || '/' || cast(task_outcomes.effective_on as varchar) as occasion,
        task_outcomes.effective_on as missed_on
    from task_outcomes
    inner join receipt_checks
        on
            task_outcomes.company_id = receipt_checks.company_id
            and task_outcomes.task_id = receipt_checks.task_id
),

newest_missed as (
    select
        missed.*,
        row_number() over (
            partition by missed.company_id, missed.invoice_id order by missed.missed_on desc, missed.occasion asc
        ) as newest_rank
    from missed
),

final as (
    select
        newest_missed.company_id,
        open_items.customer_id,
        open_items.currency,
        newest_missed.invoice_id,
        newest_missed.occasion,
        invoices.document_path,
        open_items.open_amount,
        open_items.due_on,
        case
            when open_items.due_on >= business_day.as_of_date then open_items.due_on
            else terms_given.pay_by_on
        end as pay_by_on,
        message_policy.class,
        message_policy.requires_release,
        message_policy.policy_id
    from newest_missed
    cross join business_day
    cross join message_policy
    inner join terms_given
        on message_policy.message_kind = terms_given.message_kind
    inner join invoices
        on
            newest_missed.company_id = invoices.company_id
            and newest_missed.invoice_id = invoices.invoice_id
    inner join open_items
        on
            newest_missed.company_id = open_items.company_id
            and newest_missed.invoice_id = open_items.invoice_id
    where
        newest_missed.newest_rank = 1
        and newest_missed.missed_on + message_policy.wait_days <= business_day.as_of_date
        and newest_missed.missed_on + message_policy.wait_days + message_policy.within_days >= business_day.as_of_date
        and open_items.disputed_amount = 0
)

select * from final

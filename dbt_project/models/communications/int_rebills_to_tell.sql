-- One row per disputed invoice that was replaced: its credit note and the new invoice are both there. Nothing is told
-- while one of the two is missing; that is a task of the people who owe it.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'rebill_notice'
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
    where not is_cancelled
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where kind = 'invoice' and open_amount > 0
),

terms_given as (
    select * from {{ ref("int_terms_given") }}
),

closed as (
    select
        disputes.company_id,
        disputes.invoice_id,
        min(disputes.closed_on) as closed_on
    from disputes
    where disputes.outcome = 'credit_and_rebill'
    group by disputes.company_id, disputes.invoice_id
),

chained as (
    select
        closed.company_id,
        originals.customer_id,
        originals.invoice_id as original_invoice_id,
        originals.invoice_number as original_invoice_number,
        credit_notes.invoice_number as credit_note_number,
        credit_notes.total_amount as credited_amount,
        replacements.invoice_id,
        greatest(closed.closed_on, credit_notes.issued_on, replacements.issued_on) as complete_on,
        row_number() over (
            partition by closed.company_id, originals.invoice_id, replacements.invoice_id
            order by credit_notes.issued_on desc, credit_notes.invoice_id desc
        ) as credit_rank
    from closed
    inner join invoices as originals
        on
            closed.company_id = originals.company_id
            and closed.invoice_id = originals.invoice_id
    inner join invoices as credit_notes
        on
            originals.company_id = credit_notes.company_id
            and originals.customer_id = credit_notes.customer_id
            and originals.currency = credit_notes.currency
            and originals.invoice_number = credit_notes.credits_invoice_number
            and credit_notes.kind = 'credit_note'
    inner join invoices as replacements
        on
            originals.company_id = replacements.company_id
            and originals.customer_id = replacements.customer_id
            and originals.currency = replacements.currency
            and originals.invoice_number = replacements.replaces_invoice_number
            and replacements.kind = 'invoice'
),

final as (
    select
        chained.company_id,
        chained.customer_id,
        open_items.currency,
        chained.invoice_id,
        'rebill/' || chained.original_invoice_id || '/' || chained.invoice_id as occasion,
        chained.original_invoice_number,
        chained.credit_note_number,
        cast(abs(chained.credited_amount) as decimal(18, 2)) as credited_amount,
        open_items.open_amount,
        open_items.due_on,
        case
            when open_items.due_on >= business_day.as_of_date then open_items.due_on
            else terms_given.pay_by_on
        end as pay_by_on,
        message_policy.class,
        message_policy.requires_release,
        message_policy.policy_id
    from chained
    cross join business_day
    cross join message_policy
    inner join terms_given
        on message_policy.message_kind = terms_given.message_kind
    inner join open_items
        on
            chained.company_id = open_items.company_id
            and chained.invoice_id = open_items.invoice_id
    where
        chained.credit_rank = 1
        and chained.complete_on + message_policy.wait_days <= business_day.as_of_date
        and chained.complete_on + message_policy.wait_days + message_policy.within_days >= business_day.as_of_date
)

select * from final

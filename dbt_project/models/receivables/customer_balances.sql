with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoice_balances as (
    select * from {{ ref("invoice_balances") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

documents as (
    select
        invoice_balances.company_id,
        invoice_balances.customer_id,
        invoice_balances.currency,
        sum(greatest(invoice_balances.open_amount, 0)) as open_amount,
        sum(greatest(-invoice_balances.open_amount, 0)) as credit_note_amount,
        sum(invoice_balances.disputed_amount) as disputed_amount,
        {% for bucket in ["not_due", "1_30", "31_60", "61_90", "91_120", "over_120"] -%}
            sum(
                case
                    when
                        invoice_balances.ageing_bucket = '{{ bucket }}'
                        then greatest(invoice_balances.open_amount, 0)
                    else
                        0
                end
            ) as bucket_{{ bucket }},
        {% endfor -%}
        count(*) filter (where invoice_balances.open_amount > 0) as open_invoice_count,
        min(case when invoice_balances.open_amount > 0 then invoice_balances.due_on end) as oldest_due_on
    from invoice_balances
    group by invoice_balances.company_id, invoice_balances.customer_id, invoice_balances.currency
),

received as (
    select
        unapplied_payments.company_id,
        unapplied_payments.customer_id,
        unapplied_payments.currency,
        sum(unapplied_payments.unapplied_amount) as amount
    from unapplied_payments
    where unapplied_payments.customer_id is not null and unapplied_payments.unapplied_amount > 0
    group by unapplied_payments.company_id, unapplied_payments.customer_id, unapplied_payments.currency
),

keys as (
    select
        documents.company_id,
        documents.customer_id,
        documents.currency
    from documents
    union
    select
        received.company_id,
        received.customer_id,
        received.currency
    from received
),

credited as (
    select
        keys.company_id,
        keys.customer_id,
        keys.currency,
        coalesce(documents.credit_note_amount, 0) as credit_note_amount,
        coalesce(received.amount, 0) as received_amount
    from keys
    left join documents
        on
            keys.company_id = documents.company_id
            and keys.customer_id = documents.customer_id
            and keys.currency = documents.currency
    left join received
        on
            keys.company_id = received.company_id
            and keys.customer_id = received.customer_id
            and keys.currency = received.currency
),

-- Money paid back lowers the credit it came from. More than all credit there is was paid for something else.
paid_back as (
    select
        credited.company_id,
        credited.customer_id,
        credited.currency,
        sum(-unapplied_payments.unapplied_amount) as amount
    from credited
    inner join unapplied_payments
        on
            credited.company_id = unapplied_payments.company_id
            and credited.customer_id = unapplied_payments.customer_id
            and credited.currency = unapplied_payments.currency
    where
        unapplied_payments.unapplied_amount < 0
        and -unapplied_payments.unapplied_amount <= credited.credit_note_amount + credited.received_amount
    group by credited.company_id, credited.customer_id, credited.currency
),

weighed as (
    select
        credited.company_id,
        credited.customer_id,
        credited.currency,
        coalesce(documents.open_amount, 0) as open_amount,
        coalesce(documents.open_amount - documents.bucket_not_due, 0) as overdue_amount,
        credited.credit_note_amount,
        credited.received_amount - coalesce(paid_back.amount, 0) as unplaced_amount,
        greatest(
            credited.credit_note_amount + credited.received_amount - coalesce(paid_back.amount, 0), 0
        ) as unapplied_credit,
        coalesce(documents.disputed_amount, 0) as disputed_amount,
        coalesce(documents.bucket_not_due, 0) as not_due_amount,
        coalesce(documents.bucket_1_30, 0) as days_1_30_amount,
        coalesce(documents.bucket_31_60, 0) as days_31_60_amount,
        coalesce(documents.bucket_61_90, 0) as days_61_90_amount,
        coalesce(documents.bucket_91_120, 0) as days_91_120_amount,
        coalesce(documents.bucket_over_120, 0) as days_over_120_amount,
        coalesce(documents.open_invoice_count, 0) as open_invoice_count,
        documents.oldest_due_on
    from credited
    left join documents
        on
            credited.company_id = documents.company_id
            and credited.customer_id = documents.customer_id
            and credited.currency = documents.currency
    left join paid_back
        on
            credited.company_id = paid_back.company_id
            and credited.customer_id = paid_back.customer_id
            and credited.currency = paid_back.currency
),

final as (
    select
        weighed.company_id,
        business_day.as_of_date,
        weighed.customer_id,
        weighed.currency,
        cast(weighed.open_amount as decimal(18, 2)) as open_amount,
        cast(weighed.overdue_amount as decimal(18, 2)) as overdue_amount,
        cast(weighed.credit_note_amount as decimal(18, 2)) as credit_note_amount,
        cast(weighed.unplaced_amount as decimal(18, 2)) as unplaced_amount,
        cast(weighed.unapplied_credit as decimal(18, 2)) as unapplied_credit,
        cast(greatest(weighed.overdue_amount - weighed.unapplied_credit, 0) as decimal(18, 2)) as dunnable_amount,
        cast(weighed.disputed_amount as decimal(18, 2)) as disputed_amount,
        cast(weighed.not_due_amount as decimal(18, 2)) as not_due_amount,
        cast(weighed.days_1_30_amount as decimal(18, 2)) as days_1_30_amount,
        cast(weighed.days_31_60_amount as decimal(18, 2)) as days_31_60_amount,
        cast(weighed.days_61_90_amount as decimal(18, 2)) as days_61_90_amount,
        cast(weighed.days_91_120_amount as decimal(18, 2)) as days_91_120_amount,
        cast(weighed.days_over_120_amount as decimal(18, 2)) as days_over_120_amount,
        weighed.open_invoice_count,
        weighed.oldest_due_on
    from weighed
    cross join business_day
)

select * from final

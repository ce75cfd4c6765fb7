with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

invoice_lines as (
    select * from {{ ref("stg_billing__invoice_lines") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

match_proposals as (
    select * from {{ ref("match_proposals") }}
),

unapplied_payments as (
    select * from {{ ref("unapplied_payments") }}
),

write_offs as (
    select * from {{ ref("stg_register__write_offs") }}
),

terms_extensions as (
    select * from {{ ref("stg_register__terms_extensions") }}
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

credited as (
    select
        credit_settlements.company_id,
        credit_settlements.invoice_id,
        credit_settlements.amount,
        credit_settlements.credited_on
    from credit_settlements
    union all
    select
        credit_settlements.company_id,
        credit_settlements.credit_note_id as invoice_id,
        -credit_settlements.amount as amount,
        credit_settlements.credited_on
    from credit_settlements
),

credits as (
    select
        credited.company_id,
        credited.invoice_id,
        sum(credited.amount) as amount,
        max(credited.credited_on) as last_on
    from credited
    group by credited.company_id, credited.invoice_id
),

payments as (
    select
        payment_allocations.company_id,
        payment_allocations.invoice_id,
        sum(payment_allocations.amount) as amount,
        min(payment_allocations.booked_on) as first_on,
        max(payment_allocations.booked_on) as last_on
    from payment_allocations
    where payment_allocations.component = 'principal'
    group by payment_allocations.company_id, payment_allocations.invoice_id
),

written_off as (
    select
        write_offs.company_id,
        write_offs.invoice_id,
        sum(write_offs.amount) as amount,
        max(write_offs.written_off_on) as last_on
    from write_offs
    group by write_offs.company_id, write_offs.invoice_id
),

-- A cancelled document is worth nothing; a term note is no document of its own here.
valued as (
    select
        invoices.company_id,
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.customer_id,
        invoices.kind,
        invoices.currency,
        case
            when invoices.is_cancelled then 0
            when invoices.kind = 'credit_note' then -invoices.total_amount
            else invoices.total_amount
        end as total_amount,
        coalesce(credits.amount, 0) as credited_amount,
        coalesce(payments.amount, 0) as paid_amount,
        case
            when invoices.kind = 'invoice' and not invoices.is_cancelled then coalesce(written_off.amount, 0) else 0
        end as asked_write_off,
        invoices.issued_on,
        coalesce(terms_extensions.new_due_on, invoices.due_on) as due_on,
        invoices.due_on as original_due_on,
        invoices.is_cancelled,
        payments.first_on as first_paid_on,
        payments.last_on as last_paid_on,
        greatest(payments.last_on, credits.last_on, written_off.last_on) as last_moved_on,
        invoices.payment_reference,
        invoices.order_number,
        invoices.project_number
    from invoices
    left join credits
        on
            invoices.company_id = credits.company_id
            and invoices.invoice_id = credits.invoice_id
    left join payments
        on
            invoices.company_id = payments.company_id
            and invoices.invoice_id = payments.invoice_id
    left join written_off
        on
            invoices.company_id = written_off.company_id
            and invoices.invoice_id = written_off.invoice_id
    left join terms_extensions
        on
            invoices.company_id = terms_extensions.company_id
            and invoices.invoice_id = terms_extensions.invoice_id
    where invoices.kind <> 'term_note'
),

-- A write-off takes what is left and no more.
balanced as (
    select
        valued.*,
        least(
            valued.asked_write_off,
            greatest(valued.total_amount - valued.credited_amount - valued.paid_amount, 0)
        ) as written_off_amount
    from valued
),

opened as (
    select
        balanced.*,
        balanced.total_amount
        - balanced.credited_amount
        - balanced.paid_amount
        - balanced.written_off_amount as open_amount,
        business_day.as_of_date,
        business_day.as_of_date - balanced.due_on as days_overdue
    from balanced
    cross join business_day
),

-- Without an amount a dispute is about its line, without a line about all that is open.
disputed as (
    select
        opened.company_id,
        opened.invoice_id,
        sum(coalesce(disputes.disputed_amount, invoice_lines.line_amount, opened.open_amount)) as amount
    from disputes
    inner join opened
        on
            disputes.company_id = opened.company_id
            and disputes.invoice_id = opened.invoice_id
    left join invoice_lines
        on
            disputes.company_id = invoice_lines.company_id
            and disputes.invoice_id = invoice_lines.invoice_id
            and disputes.line_number = invoice_lines.line_number
    where disputes.closed_on is null
    group by opened.company_id, opened.invoice_id
),

-- Money that names the invoice, or comes from an account its customer uses, while nobody is certain whose it is. Money
-- of a certain customer is not counted here: it lowers what may be claimed from that customer as a whole.
doubted as (
    select
        match_proposals.company_id,
        match_proposals.invoice_id,
        sum(match_proposals.proposed_amount) as amount
    from match_proposals
    inner join unapplied_payments
        on match_proposals.entry_key = unapplied_payments.entry_key
    where unapplied_payments.customer_id is null and match_proposals.rung <= 5
    group by match_proposals.company_id, match_proposals.invoice_id
),

final as (
    select
        opened.company_id,
        opened.as_of_date,
        opened.invoice_id,
        opened.invoice_number,
        opened.customer_id,
        opened.kind,
        opened.currency,
        cast(opened.total_amount as decimal(18, 2)) as total_amount,
        cast(opened.credited_amount as decimal(18, 2)) as credited_amount,
        cast(opened.paid_amount as decimal(18, 2)) as paid_amount,
        cast(opened.written_off_amount as decimal(18, 2)) as written_off_amount,
        cast(opened.open_amount as decimal(18, 2)) as open_amount,
        cast(
            least(greatest(coalesce(disputed.amount, 0), 0), greatest(opened.open_amount, 0)) as decimal(18, 2)
        ) as disputed_amount,
        cast(
            least(coalesce(doubted.amount, 0), greatest(opened.open_amount, 0)) as decimal(18, 2)
        ) as doubtful_amount,
        opened.issued_on,
        opened.due_on,
        opened.original_due_on,
        cast(opened.days_overdue as bigint) as days_overdue,
        {{ ageing_bucket("opened.days_overdue") }} as ageing_bucket,
        opened.is_cancelled,
        opened.first_paid_on,
        opened.last_paid_on,
        case when opened.open_amount = 0 and not opened.is_cancelled then opened.last_moved_on end as settled_on,
        opened.payment_reference,
        opened.order_number,
        opened.project_number
    from opened
    left join disputed
        on
            opened.company_id = disputed.company_id
            and opened.invoice_id = disputed.invoice_id
    left join doubted
        on
            opened.company_id = doubted.company_id
            and opened.invoice_id = doubted.invoice_id
)

select * from final

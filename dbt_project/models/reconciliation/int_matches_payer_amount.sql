with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

text_readings as (
    select * from {{ ref("int_text_readings") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after(rungs_before("int_matches_payer_amount")) }},

naming_entries as (
    select distinct references_resolved.entry_key
    from references_resolved
),

answered_entries as (
    select distinct match_answers.entry_key
    from match_answers
),

account_owners as (
    select
        payer_accounts.company_id,
        payer_accounts.iban,
        payer_accounts.customer_id,
        payer_accounts.is_declared
    from payer_accounts
    where payer_accounts.customer_count = 1 and payer_accounts.is_trusted
),

-- A customer's number in the text, by a payer of its name, from an account that is not known as anybody else's.
numbered as (
    select
        text_readings.entry_key,
        min(text_readings.customer_id) as customer_id,
        min(text_readings.span_text) as span_text
    from text_readings
    left join payer_accounts
        on
            text_readings.company_id = payer_accounts.company_id
            and text_readings.counterparty_iban = payer_accounts.iban
            and text_readings.customer_id <> payer_accounts.customer_id
    where
        text_readings.reading = 'customer_number'
        and text_readings.reading_count = 1
        and text_readings.is_agreed
        and payer_accounts.iban is null
    group by text_readings.entry_key
),

-- Whole, unexplained receipts that are of exactly one customer. A text that names any document says otherwise.
payments as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        coalesce(account_owners.customer_id, numbered.customer_id) as customer_id,
        entries_left.currency,
        entries_left.amount,
        entries_left.booked_on,
        account_owners.iban,
        account_owners.is_declared,
        numbered.span_text
    from entries_left
    left join account_owners
        on
            entries_left.company_id = account_owners.company_id
            and entries_left.counterparty_iban = account_owners.iban
    left join numbered
        on entries_left.entry_key = numbered.entry_key
    left join naming_entries
        on entries_left.entry_key = naming_entries.entry_key
    left join answered_entries
        on entries_left.entry_key = answered_entries.entry_key
    where
        entries_left.amount > 0
        and entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
        and naming_entries.entry_key is null
        and answered_entries.entry_key is null
        and coalesce(account_owners.customer_id, numbered.customer_id) is not null
),

-- Per customer and amount, invoices and payments in order of date: what was known on the day each payment came in.
events as (
    select
        items_left.company_id,
        items_left.customer_id,
        items_left.currency,
        items_left.open_amount as amount,
        items_left.issued_on as happened_on,
        0 as is_payment,
        items_left.invoice_id as event_key
    from items_left
    where items_left.open_amount > 0
    union all
    select
        payments.company_id,
        payments.customer_id,
        payments.currency,
        payments.amount,
        payments.booked_on as happened_on,
        1 as is_payment,
        payments.entry_key as event_key
    from payments
),

counted as (
    select
        events.*,
        sum(1 - events.is_payment) over up_to_the_day as invoices_by_then,
        sum(events.is_payment) over up_to_the_day as payments_by_then,
        sum(events.is_payment) over (
            partition by events.company_id, events.customer_id, events.currency, events.amount, events.happened_on
        ) as payments_that_day,
        row_number() over (
            partition by events.company_id, events.customer_id, events.currency, events.amount, events.is_payment
            order by events.happened_on, events.event_key
        ) as place
    from events
    -- All of one day together: which of two payments of a day comes first would be a guess.
    window up_to_the_day as (
        partition by events.company_id, events.customer_id, events.currency, events.amount
        order by events.happened_on
        range between unbounded preceding and current row
    )
),

-- Exactly one open invoice of the amount on that day, and so on every earlier payment of the amount: nothing to choose.
judged as (
    select
        counted.*,
        bool_and(
            counted.is_payment = 0
            or (counted.payments_that_day = 1 and counted.invoices_by_then = counted.payments_by_then)
        ) over (
            partition by counted.company_id, counted.customer_id, counted.currency, counted.amount
            order by counted.happened_on
            range between unbounded preceding and current row
        ) as is_single
    from counted
),

paired as (
    select
        payment.event_key as entry_key,
        payment.company_id,
        payment.customer_id,
        invoice.event_key as invoice_id,
        payment.amount,
        payment.currency,
        payment.happened_on as booked_on
    from judged as payment
    inner join judged as invoice
        on
            payment.company_id = invoice.company_id
            and payment.customer_id = invoice.customer_id
            and payment.currency = invoice.currency
            and payment.amount = invoice.amount
            and payment.place = invoice.place
            and invoice.is_payment = 0
    where payment.is_payment = 1 and payment.is_single
),

-- What the text may mean, damaged as it is, and whether that is anything open. The number of another customer is not.
texts_read as (
    select
        text_readings.entry_key,
        text_readings.invoice_id
    from text_readings
    inner join payments
        on text_readings.entry_key = payments.entry_key
    where
        text_readings.reading not in ('customer_number', 'payer_name')
        or (text_readings.reading = 'customer_number' and text_readings.customer_id <> payments.customer_id)
),

-- The amount says one invoice and the text another, or one that is not open: neither is believed.
contradicted as (
    select paired.entry_key
    from paired
    inner join texts_read
        on paired.entry_key = texts_read.entry_key
    group by paired.entry_key
    having not bool_or(coalesce(texts_read.invoice_id = paired.invoice_id, false))
),

matches as (
    select
        paired.entry_key,
        paired.company_id,
        paired.customer_id,
        paired.invoice_id,
        case
            when payments.iban is null then 'customer_number_and_single_amount' else 'payer_and_single_amount'
        end as rule_id,
        paired.amount,
        paired.currency,
        case
            when payments.iban is null
                then 'The text names customer "' || payments.span_text || '" and the payer bears its name'
            when payments.is_declared
                then 'Paid from account ...' || right(payments.iban, 4) || ' of this customer'
            else
                'Paid from account ...'
                || right(payments.iban, 4)
                || ', from which this customer has paid before'
        end
        || '; ' || items_left.invoice_number || ' was its only open invoice of ' || paired.amount || ' '
        || paired.currency || '.' as evidence,
        paired.booked_on
    from paired
    inner join payments
        on paired.entry_key = payments.entry_key
    inner join items_left
        on
            paired.company_id = items_left.company_id
            and paired.invoice_id = items_left.invoice_id
    left join contradicted
        on paired.entry_key = contradicted.entry_key
    where contradicted.entry_key is null
),

final as (
    select
        {{ match_columns("matches", "rules") }}
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

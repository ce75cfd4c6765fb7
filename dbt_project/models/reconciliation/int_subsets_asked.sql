-- What is left for sums: payments surely of one customer whose text names none or only some of the items they pay, each
-- beside everything that customer had open when it came in. An account with more than that is not for sums.
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

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

{{ left_after(rungs_before("int_matches_subset")) }},

answered_entries as (
    select distinct match_answers.entry_key
    from match_answers
),

payments as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        payer_accounts.customer_id,
        entries_left.currency,
        entries_left.amount,
        entries_left.booked_on,
        payer_accounts.iban,
        payer_accounts.is_declared
    from entries_left
    inner join payer_accounts
        on
            entries_left.company_id = payer_accounts.company_id
            and entries_left.counterparty_iban = payer_accounts.iban
            and payer_accounts.customer_count = 1
            and payer_accounts.is_trusted
    left join answered_entries
        on entries_left.entry_key = answered_entries.entry_key
    where
        entries_left.amount > 0
        and entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
        and answered_entries.entry_key is null
        -- A number that is damaged, stray or of another customer says what was paid, and a sum would say otherwise.
        and not exists (
            select 1 from text_readings
            where
                text_readings.entry_key = entries_left.entry_key
                and text_readings.reading <> 'payer_name'
                and (
                    text_readings.reading <> 'customer_number'
                    or text_readings.customer_id <> payer_accounts.customer_id
                )
        )
),

paying_customers as (
    select distinct
        payments.company_id,
        payments.customer_id,
        payments.currency
    from payments
),

items_in_order as (
    select
        items_left.*,
        row_number() over (
            partition by items_left.company_id, items_left.customer_id, items_left.currency
            order by items_left.issued_on, items_left.invoice_id
        ) as place
    from items_left
    inner join paying_customers
        on
            items_left.company_id = paying_customers.company_id
            and items_left.customer_id = paying_customers.customer_id
            and items_left.currency = paying_customers.currency
),

-- Of a customer with thousands of open items only so many are joined as show that they are too many.
choices as (
    select
        payments.*,
        items_in_order.invoice_id,
        items_in_order.invoice_number,
        items_in_order.open_amount,
        count(*) over (partition by payments.entry_key) as item_count
    from payments
    cross join tolerances
    inner join items_in_order
        on
            payments.company_id = items_in_order.company_id
            and payments.customer_id = items_in_order.customer_id
            and payments.currency = items_in_order.currency
            and payments.booked_on >= items_in_order.issued_on
            and tolerances.subset_open_items + 1 >= items_in_order.place
),

named as (
    select
        references_resolved.entry_key,
        references_resolved.invoice_id,
        string_agg(
            references_resolved.span_text, ', ' order by references_resolved.span_start, references_resolved.document_id
        ) as span_text,
        bool_and(
            references_resolved.is_unique
            and not references_resolved.is_rejected
            and references_resolved.document_kind in ('invoice', 'credit_note')
        ) as is_usable
    from references_resolved
    inner join payments
        on references_resolved.entry_key = payments.entry_key
    group by references_resolved.entry_key, references_resolved.invoice_id
),

-- A text that names anything else than open items of this customer says that something else was paid.
named_otherwise as (
    select distinct named.entry_key
    from named
    left join choices
        on
            named.entry_key = choices.entry_key
            and named.invoice_id = choices.invoice_id
    where choices.entry_key is null or not named.is_usable
),

final as (
    select
        choices.entry_key,
        choices.company_id,
        choices.customer_id,
        choices.currency,
        choices.amount,
        choices.booked_on,
        choices.iban,
        choices.is_declared,
        choices.invoice_id,
        choices.invoice_number,
        choices.open_amount,
        named.invoice_id is not null as is_named,
        named.span_text
    from choices
    cross join tolerances
    left join named
        on
            choices.entry_key = named.entry_key
            and choices.invoice_id = named.invoice_id
    left join named_otherwise
        on choices.entry_key = named_otherwise.entry_key
    where
        choices.item_count between 2 and tolerances.subset_open_items
        and named_otherwise.entry_key is null
)

select * from final

-- What the text of a payment may mean where it names nothing in full, or not all: damaged invoice numbers, order
-- numbers and customer numbers. Readings only: which of them is proof is for the rungs to say.
with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
),

entries as (
    select * from {{ ref("entries") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

{{ left_after(["int_matches_named"]) }},

answered_entries as (
    select distinct match_answers.entry_key
    from match_answers
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

receipts as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.currency,
        entries_left.amount,
        entries_left.booked_on,
        entries_left.counterparty_iban,
        payer_accounts.customer_id as payer_customer_id,
        payer_accounts.family_id as payer_family_id
    from entries_left
    left join payer_accounts
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
),

invoices_left as (
    select items_left.*
    from items_left
    where items_left.open_amount > 0
),

-- What the text of each receipt names in full.
named as (
    select
        receipts.entry_key,
        min(references_resolved.customer_id) as customer_id,
        min(families.family_id) as family_id,
        sum(invoices_left.open_amount) as open_amount,
        count(distinct references_resolved.customer_id) = 1
        and bool_and(
            references_resolved.is_unique
            and not references_resolved.is_rejected
            and references_resolved.document_kind = 'invoice'
            and references_resolved.currency = receipts.currency
            and invoices_left.invoice_id is not null
        ) as is_open,
        bool_or(coalesce(invoices_left.open_amount = receipts.amount, false)) as is_exact,
        bool_or(coalesce(families.family_id = receipts.payer_family_id, true)) as is_of_payer,
        string_agg(
            references_resolved.span_text, ', ' order by references_resolved.span_start, references_resolved.document_id
        ) as span_text
    from receipts
    inner join references_resolved
        on receipts.entry_key = references_resolved.entry_key
    left join families
        on
            references_resolved.company_id = families.company_id
            and references_resolved.customer_id = families.customer_id
    left join invoices_left
        on
            references_resolved.company_id = invoices_left.company_id
            and references_resolved.invoice_id = invoices_left.invoice_id
    group by receipts.entry_key
),

-- Whose account it is, where that is known at all: the family's own (true) or only others' (false).
account_owners as (
    select
        receipts.entry_key,
        bool_or(payer_accounts.family_id = named.family_id) as is_own_account
    from receipts
    inner join named
        on receipts.entry_key = named.entry_key
    inner join payer_accounts
        on
            receipts.company_id = payer_accounts.company_id
            and receipts.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    group by receipts.entry_key
),

-- alone: the text names nothing in full. among: it names open invoices of one customer, of less than the payment.
-- foreign: it names a document of somebody else only, which the payment does not fit. nobody: the payer is not known,
-- and what the text names, if anything, is not all it pays: read for a person to judge.
placed_in_context as (
    select
        receipts.*,
        named.customer_id as named_customer_id,
        named.open_amount as named_amount,
        named.span_text as named_text,
        case
            when named.entry_key is null and receipts.payer_customer_id is not null then 'alone'
            when
                named.is_open
                and named.open_amount < receipts.amount
                and coalesce(account_owners.is_own_account, true)
                then 'among'
            when receipts.payer_customer_id is not null and not named.is_of_payer and not named.is_exact
                then 'foreign'
            when receipts.payer_customer_id is null then 'nobody'
        end as context
    from receipts
    left join named
        on receipts.entry_key = named.entry_key
    left join account_owners
        on receipts.entry_key = account_owners.entry_key
),

payments as (
    select
        placed_in_context.*,
        case
            when placed_in_context.context = 'among' then placed_in_context.named_customer_id
            else placed_in_context.payer_customer_id
        end as customer_id,
        placed_in_context.amount
        - case when placed_in_context.context = 'among' then placed_in_context.named_amount else 0 end as rest_amount
    from placed_in_context
    where placed_in_context.context is not null
),

-- The words of their texts. What is read already says nothing more; of a foreign number only itself may be damaged.
words as (
    select
        payments.entry_key,
        bank_references.reference as word,
        min(bank_references.source) as source,
        min(bank_references.span_start) as span_start,
        min(bank_references.span_end) as span_end,
        min(coalesce(bank_references.span_text, bank_references.reference)) as span_text,
        lower(
            substr(
                min(entries.remittance),
                cast(greatest(min(bank_references.span_start) - 24, 0) + 1 as integer),
                cast(least(min(bank_references.span_start), 24) as integer)
            )
        ) as text_before
    from payments
    inner join entries
        on payments.entry_key = entries.entry_key
    inner join bank_references
        on
            payments.entry_key = bank_references.entry_key
            and bank_references.source in ('remittance', 'structured', 'referred_document')
    left join references_resolved
        on
            payments.entry_key = references_resolved.entry_key
            and bank_references.source = references_resolved.source
            and (
                bank_references.reference = references_resolved.reference_key
                or (
                    bank_references.span_start < references_resolved.span_end
                    and bank_references.span_end > references_resolved.span_start
                )
            )
    group by payments.entry_key, payments.context, bank_references.reference
    having
        case
            when payments.context = 'foreign'
                then bool_or(bank_references.reference = references_resolved.reference_key)
            when payments.context = 'among' then count(references_resolved.entry_key) = 0
            else bool_and(bank_references.reference = references_resolved.reference_key) is not false
        end
),

-- Dates are no numbers; and a part of a longer group with more digits says less than the group.
parts as (
    select distinct
        shorter.entry_key,
        shorter.word
    from words as shorter
    inner join words as longer
        on
            shorter.entry_key = longer.entry_key
            and shorter.source = longer.source
            and shorter.span_start >= longer.span_start
            and shorter.span_end <= longer.span_end
            and length(shorter.word) < length(longer.word)
            and (
                {{ is_date_like("longer.span_text") }}
                or (
                    longer.span_text not like '% %'
                    and {{ has_digit("replace(longer.word, shorter.word, '')") }}
                )
            )
),

whole_words as (
    select
        words.entry_key,
        words.word,
        {{ look_alikes_folded("words.word") }} as folded,
        {{ without_zeros(look_alikes_folded("words.word")) }} as significant,
        words.span_start,
        words.span_text,
        words.source = 'remittance'
        and {{ announces_another_number("coalesce(words.text_before, '')") }} as is_other_number
    from words
    left join parts
        on
            words.entry_key = parts.entry_key
            and words.word = parts.word
    where parts.entry_key is null and not {{ is_date_like("words.span_text") }}
),

-- Who it may be when nobody is known: a customer of the payer's name, or one of few that have used the account.
names_borne as (
    select
        payments.entry_key,
        customers.customer_id,
        entries.counterparty_name,
        count(*) over (partition by payments.entry_key) as bearer_count
    from payments
    inner join entries
        on payments.entry_key = entries.entry_key
    inner join customers
        on
            payments.company_id = customers.company_id
            and {{ name_without_form("entries.counterparty_name") }} = {{ name_without_form("customers.name") }}
    where payments.context = 'nobody'
),

likely_customers as (
    select
        names_borne.entry_key,
        names_borne.customer_id
    from names_borne
    union
    select
        payments.entry_key,
        payer_accounts.customer_id
    from payments
    inner join payer_accounts
        on
            payments.company_id = payer_accounts.company_id
            and payments.counterparty_iban = payer_accounts.iban
            and payer_accounts.customer_count <= 3
    where payments.context = 'nobody'
),

customers_read as (
    select
        payments.company_id,
        payments.customer_id
    from payments
    where payments.customer_id is not null
    union
    select
        payments.company_id,
        likely_customers.customer_id
    from likely_customers
    inner join payments
        on likely_customers.entry_key = payments.entry_key
),

invoices_of_customers as (
    select
        invoices_left.*,
        -- Judged here, where a customer is counted: to pair the words of his payments with thousands of invoices first,
        -- and then put them aside, was most of the work of a day.
        count(*) over (partition by invoices_left.company_id, invoices_left.customer_id, invoices_left.currency)
        <= tolerances.max_read_items as is_few_enough,
        count(*) over (
            partition by
                invoices_left.company_id, invoices_left.customer_id, invoices_left.currency, invoices_left.open_amount
        ) = 1 as is_single_amount
    from invoices_left
    inner join customers_read
        on
            invoices_left.company_id = customers_read.company_id
            and invoices_left.customer_id = customers_read.customer_id
    cross join tolerances
),

-- Of everybody else, for payments of nobody: written with the same signs but for zeros and letters like digits.
signs_of_invoices as (
    select
        invoices_left.*,
        {{ without_zeros(look_alikes_folded("invoices.normalised_number")) }} as significant
    from invoices_left
    inner join invoices
        on
            invoices_left.company_id = invoices.company_id
            and invoices_left.invoice_id = invoices.invoice_id
),

-- Known customer: its open invoices, when they are few enough. Nobody known: those of likely customers, else of anybody
-- with the same signs.
pairs as (
    select
        payments.entry_key,
        payments.company_id,
        invoices_of_customers.invoice_id,
        invoices_of_customers.is_single_amount,
        whole_words.word
    from payments
    inner join whole_words
        on
            payments.entry_key = whole_words.entry_key
            and not whole_words.is_other_number
    inner join invoices_of_customers
        on
            payments.company_id = invoices_of_customers.company_id
            and payments.customer_id = invoices_of_customers.customer_id
            and payments.currency = invoices_of_customers.currency
            and payments.booked_on >= invoices_of_customers.issued_on
            and invoices_of_customers.is_few_enough
    where payments.context <> 'nobody'
    union
    select
        payments.entry_key,
        payments.company_id,
        invoices_of_customers.invoice_id,
        invoices_of_customers.is_single_amount,
        whole_words.word
    from payments
    inner join whole_words
        on
            payments.entry_key = whole_words.entry_key
            and not whole_words.is_other_number
    inner join likely_customers
        on payments.entry_key = likely_customers.entry_key
    inner join invoices_of_customers
        on
            payments.company_id = invoices_of_customers.company_id
            and likely_customers.customer_id = invoices_of_customers.customer_id
            and payments.currency = invoices_of_customers.currency
            and payments.booked_on >= invoices_of_customers.issued_on
            and invoices_of_customers.is_few_enough
    union
    select
        payments.entry_key,
        payments.company_id,
        signs_of_invoices.invoice_id,
        coalesce(invoices_of_customers.is_single_amount, false) as is_single_amount,
        whole_words.word
    from payments
    inner join whole_words
        on
            payments.entry_key = whole_words.entry_key
            and not whole_words.is_other_number
    inner join signs_of_invoices
        on
            payments.company_id = signs_of_invoices.company_id
            and payments.currency = signs_of_invoices.currency
            and whole_words.significant = signs_of_invoices.significant
            and payments.booked_on >= signs_of_invoices.issued_on
    left join invoices_of_customers
        on
            signs_of_invoices.company_id = invoices_of_customers.company_id
            and signs_of_invoices.invoice_id = invoices_of_customers.invoice_id
    where payments.context = 'nobody'
),

paired_invoices as (
    select distinct
        pairs.company_id,
        pairs.invoice_id
    from pairs
),

numbers_left as (
    select
        paired_invoices.company_id,
        paired_invoices.invoice_id,
        invoices_left.invoice_number,
        invoices_left.customer_id,
        invoices_left.open_amount,
        invoices.normalised_number,
        {{ look_alikes_folded("invoices.normalised_number") }} as folded,
        {{ without_zeros(look_alikes_folded("invoices.normalised_number")) }} as significant,
        {{ first_match("invoices.normalised_number", "'^([A-Z]*)'") }} as letters
    from paired_invoices
    inner join invoices_left
        on
            paired_invoices.company_id = invoices_left.company_id
            and paired_invoices.invoice_id = invoices_left.invoice_id
    inner join invoices
        on
            paired_invoices.company_id = invoices.company_id
            and paired_invoices.invoice_id = invoices.invoice_id
),

-- How a word may have come from a number: the fewer things went wrong, the sooner it is believed.
compared as (
    select
        pairs.entry_key,
        pairs.invoice_id,
        pairs.word,
        whole_words.span_start,
        whole_words.span_text,
        numbers_left.invoice_number,
        numbers_left.open_amount,
        numbers_left.customer_id,
        whole_words.word = numbers_left.normalised_number as is_in_full,
        pairs.is_single_amount
        or {{ reference_shape("upper(whole_words.span_text)") }}
        = {{ reference_shape("upper(numbers_left.invoice_number)") }}
            as is_sure,
        case
            when whole_words.word = numbers_left.normalised_number then null
            when whole_words.folded = numbers_left.folded then 1
            when
                whole_words.significant = numbers_left.significant
                and length(whole_words.significant) >= tolerances.min_significant_length
                then 2
            when
                right(numbers_left.folded, length(whole_words.folded)) = whole_words.folded
                and length(ltrim(whole_words.folded, '0')) >= tolerances.min_significant_length
                then 3
            -- VF000142 for VF26000142: the letters stand, the year behind them is lost.
            when
                numbers_left.letters <> ''
                and length(whole_words.word) < length(numbers_left.normalised_number)
                and left(whole_words.word, length(numbers_left.letters)) = numbers_left.letters
                and length(ltrim(substr(whole_words.folded, length(numbers_left.letters) + 1), '0'))
                >= tolerances.min_significant_length
                and right(numbers_left.folded, length(whole_words.folded) - length(numbers_left.letters))
                = substr(whole_words.folded, length(numbers_left.letters) + 1)
                then 4
            when
                right(numbers_left.significant, length(whole_words.significant)) = whole_words.significant
                and length(whole_words.significant) > tolerances.min_significant_length
                then 5
            when
                length(whole_words.word) > tolerances.min_number_length
                and {{ is_one_edit_apart("whole_words.word", "numbers_left.normalised_number") }}
                then 6
        end as damage,
        -- Written as a number of ours, whichever: the same letters in front, or the same first digits.
        length(whole_words.word)
        between length(numbers_left.normalised_number) - 4 and length(numbers_left.normalised_number) + 1
        and case
            when numbers_left.letters = '' then left(whole_words.folded, 3) = left(numbers_left.folded, 3)
            else left(whole_words.word, length(numbers_left.letters)) = numbers_left.letters
        end as is_alike
    from pairs
    inner join whole_words
        on
            pairs.entry_key = whole_words.entry_key
            and pairs.word = whole_words.word
    inner join numbers_left
        on
            pairs.company_id = numbers_left.company_id
            and pairs.invoice_id = numbers_left.invoice_id
    cross join tolerances
),

weighed as (
    select
        compared.*,
        min(compared.damage) over (partition by compared.entry_key, compared.word) as least_damage
    from compared
    where compared.damage is not null
),

read_numbers as (
    select
        weighed.*,
        row_number() over (
            partition by weighed.entry_key, weighed.invoice_id
            order by weighed.damage, -length(weighed.word), weighed.span_start, weighed.word
        ) as reading_rank
    from weighed
    where weighed.damage = weighed.least_damage
),

damaged_numbers as (
    select
        read_numbers.entry_key,
        read_numbers.customer_id,
        read_numbers.invoice_id,
        read_numbers.invoice_number,
        read_numbers.open_amount,
        case read_numbers.damage
            when 1 then 'look_alikes'
            when 2 then 'zeros'
            when 3 then 'beginning'
            when 4 then 'year'
            when 5 then 'beginning_and_zeros'
            else 'one_sign'
        end as reading,
        read_numbers.span_text,
        -- A wrong sign in what is not written as our numbers are may be a number of another kind beside ours: then the
        -- amount must tell, too.
        read_numbers.damage < 6 or read_numbers.is_sure as is_agreed,
        count(*) over (partition by read_numbers.entry_key) as reading_count
    from read_numbers
    where read_numbers.reading_rank = 1
),

unread_words as (
    select
        compared.entry_key,
        min(compared.span_text) as span_text
    from compared
    group by compared.entry_key, compared.word
    having bool_or(compared.is_alike) and count(compared.damage) = 0 and not bool_or(compared.is_in_full)
),

-- Written as one of our numbers, yet the number of nothing that is open here: something else was paid, or it is wrong.
stray_numbers as (
    select
        unread_words.entry_key,
        payments.customer_id,
        min(unread_words.span_text) as span_text,
        count(*) as reading_count
    from unread_words
    inner join payments
        on
            unread_words.entry_key = payments.entry_key
            and payments.context = 'alone'
    left join damaged_numbers
        on unread_words.entry_key = damaged_numbers.entry_key
    where damaged_numbers.entry_key is null
    group by unread_words.entry_key, payments.customer_id
),

orders_left as (
    select
        invoices_left.company_id,
        invoices_left.customer_id,
        invoices_left.currency,
        invoices_left.invoice_id,
        invoices_left.invoice_number,
        invoices_left.open_amount,
        invoices_left.issued_on,
        {{ normalised_reference("invoices.order_number") }} as order_key
    from invoices_left
    inner join invoices
        on
            invoices_left.company_id = invoices.company_id
            and invoices_left.invoice_id = invoices.invoice_id
            and invoices.order_number is not null
),

order_numbers as (
    select
        payments.entry_key,
        orders_left.customer_id,
        orders_left.invoice_id,
        orders_left.invoice_number,
        orders_left.open_amount,
        'order_number' as reading,
        min(whole_words.span_text) as span_text,
        count(*) over (partition by payments.entry_key) as reading_count
    from payments
    inner join whole_words
        on payments.entry_key = whole_words.entry_key
    cross join tolerances
    inner join orders_left
        on
            payments.company_id = orders_left.company_id
            and payments.currency = orders_left.currency
            and whole_words.word = orders_left.order_key
            and payments.booked_on >= orders_left.issued_on
            and length(orders_left.order_key) >= tolerances.min_order_number_length
    where payments.context in ('alone', 'nobody') and payments.named_text is null
    group by
        payments.entry_key,
        orders_left.customer_id,
        orders_left.invoice_id,
        orders_left.invoice_number,
        orders_left.open_amount
),

-- Long enough to be no accident; and agreed when the payer also bears the customer's name.
customer_numbers as (
    select
        payments.entry_key,
        customers.customer_id,
        min(whole_words.span_text) as span_text,
        count(*) over (partition by payments.entry_key) as reading_count,
        bool_or(
            coalesce(
                {{ name_without_form("entries.counterparty_name") }} = {{ name_without_form("customers.name") }}, false
            )
        ) as is_agreed
    from payments
    inner join whole_words
        on payments.entry_key = whole_words.entry_key
    cross join tolerances
    inner join customers
        on
            payments.company_id = customers.company_id
            and whole_words.word = {{ normalised_reference("customers.customer_id") }}
            and length(whole_words.word) >= tolerances.min_customer_number_length
    inner join entries
        on payments.entry_key = entries.entry_key
    where payments.context in ('alone', 'nobody') and payments.named_text is null
    group by payments.entry_key, customers.customer_id
),

readings as (
    select
        damaged_numbers.entry_key,
        damaged_numbers.customer_id,
        damaged_numbers.invoice_id,
        damaged_numbers.invoice_number,
        damaged_numbers.open_amount,
        damaged_numbers.reading,
        damaged_numbers.span_text,
        damaged_numbers.reading_count,
        damaged_numbers.is_agreed
    from damaged_numbers
    union all
    select
        order_numbers.entry_key,
        order_numbers.customer_id,
        order_numbers.invoice_id,
        order_numbers.invoice_number,
        order_numbers.open_amount,
        order_numbers.reading,
        order_numbers.span_text,
        order_numbers.reading_count,
        true as is_agreed
    from order_numbers
    union all
    select
        stray_numbers.entry_key,
        stray_numbers.customer_id,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as invoice_number,
        cast(null as decimal(18, 2)) as open_amount,
        'stray_number' as reading,
        stray_numbers.span_text,
        stray_numbers.reading_count,
        false as is_agreed
    from stray_numbers
    union all
    select
        names_borne.entry_key,
        names_borne.customer_id,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as invoice_number,
        cast(null as decimal(18, 2)) as open_amount,
        'payer_name' as reading,
        names_borne.counterparty_name as span_text,
        names_borne.bearer_count as reading_count,
        false as is_agreed
    from names_borne
    union all
    select
        customer_numbers.entry_key,
        customer_numbers.customer_id,
        cast(null as varchar) as invoice_id,
        cast(null as varchar) as invoice_number,
        cast(null as decimal(18, 2)) as open_amount,
        'customer_number' as reading,
        customer_numbers.span_text,
        customer_numbers.reading_count,
        customer_numbers.is_agreed
    from customer_numbers
),

final as (
    select
        readings.entry_key,
        payments.company_id,
        readings.customer_id,
        readings.invoice_id,
        readings.invoice_number,
        readings.reading,
        payments.context,
        readings.span_text,
        payments.named_text,
        readings.open_amount,
        cast(payments.rest_amount as decimal(18, 2)) as rest_amount,
        payments.amount,
        payments.currency,
        payments.booked_on,
        payments.counterparty_iban,
        payments.payer_customer_id,
        readings.reading_count,
        readings.is_agreed
    from readings
    inner join payments
        on readings.entry_key = payments.entry_key
)

select * from final

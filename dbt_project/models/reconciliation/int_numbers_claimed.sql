with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

entries as (
    select * from {{ ref("entries") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

opened_entries as (
    select * from {{ ref("int_entries_opened") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

sent_twice as (
    select * from {{ ref("int_sent_twice") }}
),

{{ left_after(["int_matches_confirmed", "int_matches_end_to_end", "int_matches_reference"]) }},

named as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.amount,
        entries_left.counterparty_iban,
        references_resolved.document_id,
        references_resolved.invoice_id,
        references_resolved.customer_id,
        coalesce(customers.parent_customer_id, references_resolved.customer_id) as family_id,
        references_resolved.document_kind,
        references_resolved.document_amount,
        references_resolved.span_text,
        references_resolved.span_start,
        references_resolved.is_unique and not references_resolved.is_rejected
        and references_resolved.currency = entries_left.currency as is_usable
    from references_resolved
    inner join entries_left
        on references_resolved.entry_key = entries_left.entry_key
    left join customers
        on
            references_resolved.company_id = customers.company_id
            and references_resolved.customer_id = customers.customer_id
    where
        entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

-- Credit notes issued after the payment was booked: the payer could not yet have taken them off.
later_credits as (
    select
        named.entry_key,
        named.invoice_id,
        named.document_id,
        sum(credit_settlements.amount) as amount
    from named
    inner join credit_settlements
        on
            named.company_id = credit_settlements.company_id
            and named.invoice_id = credit_settlements.invoice_id
            and named.booked_on < credit_settlements.credited_on
    group by named.entry_key, named.invoice_id, named.document_id
),

valued as (
    select
        named.*,
        items_left.invoice_number,
        items_left.due_on,
        -- A named credit note that its invoice has taken already adds nothing; an invoice must still be open.
        case
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount
        end as open_amount,
        case
            when named.document_kind = 'term_note' then least(named.document_amount, items_left.open_amount)
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount
        end as due_amount,
        case
            when named.document_kind = 'term_note' then least(named.document_amount, items_left.open_amount)
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            else items_left.open_amount + coalesce(later_credits.amount, 0)
        end as due_when_paid
    from named
    left join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and named.currency = items_left.currency
    left join later_credits
        on
            named.entry_key = later_credits.entry_key
            and named.document_id = later_credits.document_id
),

summed as (
    select
        valued.entry_key,
        min(valued.company_id) as company_id,
        min(valued.customer_id) as customer_id,
        min(valued.currency) as currency,
        min(valued.booked_on) as booked_on,
        min(valued.amount) as amount,
        count(distinct valued.customer_id) as customer_count,
        count(distinct valued.family_id) as family_count,
        bool_and(valued.document_kind = 'invoice') as is_of_invoices,
        bool_or(valued.due_amount - valued.amount = 0) as is_one_of_them_exactly,
        sum(valued.due_amount) as due_amount,
        sum(valued.due_when_paid) as due_when_paid,
        string_agg(valued.span_text, ', ' order by valued.span_start, valued.document_id) as span_text
    from valued
    group by valued.entry_key
    having bool_and(valued.is_usable and valued.open_amount is not null)
),

-- Open credit notes of a customer, by amount: only one that is alone with its amount can be meant by it.
credits_of_customers as (
    select
        items_left.company_id,
        items_left.customer_id,
        items_left.currency,
        -items_left.open_amount as credit_amount,
        count(*) as credit_count,
        min(items_left.invoice_id) as invoice_id,
        max(items_left.issued_on) as issued_on
    from items_left
    where items_left.kind = 'credit_note' and items_left.open_amount < 0
    group by items_left.company_id, items_left.customer_id, items_left.currency, items_left.open_amount
),

all_credits_of_customers as (
    select
        credits_of_customers.company_id,
        credits_of_customers.customer_id,
        credits_of_customers.currency,
        sum(credits_of_customers.credit_amount * credits_of_customers.credit_count) as credit_amount,
        sum(credits_of_customers.credit_count) as credit_count,
        max(credits_of_customers.issued_on) as issued_on
    from credits_of_customers
    group by credits_of_customers.company_id, credits_of_customers.customer_id, credits_of_customers.currency
),

-- Names invoices only, and is short of them by one open credit note or by all there are: either, and nothing else.
less_credit as (
    select
        summed.entry_key,
        case
            when all_credits_of_customers.credit_amount - (summed.due_amount - summed.amount) <> 0
                then credits_of_customers.invoice_id
        end as credit_note_id
    from summed
    inner join all_credits_of_customers
        on
            summed.company_id = all_credits_of_customers.company_id
            and summed.customer_id = all_credits_of_customers.customer_id
            and summed.currency = all_credits_of_customers.currency
    left join credits_of_customers
        on
            summed.company_id = credits_of_customers.company_id
            and summed.customer_id = credits_of_customers.customer_id
            and summed.currency = credits_of_customers.currency
            and summed.due_amount - summed.amount = credits_of_customers.credit_amount
    where
        summed.customer_count = 1
        and summed.is_of_invoices
        and not summed.is_one_of_them_exactly
        and summed.amount > 0
        and summed.amount not in (summed.due_amount, summed.due_when_paid)
        and (
            (
                credits_of_customers.credit_count = 1
                and credits_of_customers.issued_on <= summed.booked_on
                and (
                    all_credits_of_customers.credit_count = 1
                    or all_credits_of_customers.credit_amount - credits_of_customers.credit_amount <> 0
                )
            )
            or (
                credits_of_customers.credit_count is null
                and all_credits_of_customers.issued_on <= summed.booked_on
                and all_credits_of_customers.credit_amount - (summed.due_amount - summed.amount) = 0
            )
        )
),

-- Whether the payer's account is of a family the text names: yes, no, or null when nobody knows whose it is.
payers_judged as (
    select
        valued.entry_key,
        bool_or(payer_accounts.family_id = valued.family_id) as has_own_owner
    from valued
    inner join payer_accounts
        on
            valued.company_id = payer_accounts.company_id
            and valued.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    group by valued.entry_key
),

fitting as (
    select
        summed.*,
        case
            when less_credit.entry_key is not null then 'numbers_less_credit'
            when summed.customer_count = 1 then 'numbers_exact'
            when summed.family_count = 1 then 'numbers_family'
            else 'numbers_collective'
        end as rule_id,
        less_credit.credit_note_id,
        payers_judged.has_own_owner
    from summed
    left join less_credit
        on summed.entry_key = less_credit.entry_key
    left join payers_judged
        on summed.entry_key = payers_judged.entry_key
    left join sent_twice
        on summed.entry_key = sent_twice.entry_key
    where
        sent_twice.entry_key is null
        and (
            less_credit.entry_key is not null
            or (
                summed.amount in (summed.due_amount, summed.due_when_paid)
                and (summed.customer_count = 1 or summed.amount > 0)
            )
        )
),

credits_taken as (
    select
        fitting.entry_key,
        items_left.company_id,
        items_left.customer_id,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.open_amount
    from fitting
    inner join items_left
        on
            fitting.company_id = items_left.company_id
            and fitting.customer_id = items_left.customer_id
            and fitting.currency = items_left.currency
            and items_left.kind = 'credit_note'
            and items_left.open_amount < 0
            and (fitting.credit_note_id is null or fitting.credit_note_id = items_left.invoice_id)
    where fitting.rule_id = 'numbers_less_credit'
),

credit_texts as (
    select
        credits_taken.entry_key,
        string_agg(credits_taken.invoice_number, ', ' order by credits_taken.invoice_number) as credit_numbers
    from credits_taken
    group by credits_taken.entry_key
),

claims as (
    select
        valued.entry_key,
        valued.company_id,
        valued.customer_id,
        valued.invoice_id,
        valued.open_amount,
        valued.due_amount
    from valued
    inner join fitting
        on valued.entry_key = fitting.entry_key
    union all
    select
        credits_taken.entry_key,
        credits_taken.company_id,
        credits_taken.customer_id,
        credits_taken.invoice_id,
        credits_taken.open_amount,
        credits_taken.open_amount as due_amount
    from credits_taken
),

-- A part that another of the customers named has open for the same amount, unnamed: one wrong figure, and it is theirs.
slips as (
    select distinct fitting.entry_key
    from fitting
    inner join valued
        on fitting.entry_key = valued.entry_key
    inner join valued as other_part
        on
            fitting.entry_key = other_part.entry_key
            and valued.customer_id <> other_part.customer_id
    inner join items_left
        on
            valued.company_id = items_left.company_id
            and other_part.customer_id = items_left.customer_id
            and valued.currency = items_left.currency
            and items_left.open_amount - valued.due_amount = 0
    left join valued as also_named
        on
            fitting.entry_key = also_named.entry_key
            and items_left.invoice_id = also_named.invoice_id
    where
        (
            fitting.rule_id = 'numbers_collective'
            or (fitting.rule_id = 'numbers_family' and fitting.has_own_owner is null)
        )
        and also_named.entry_key is null
),

-- Payments of one invoice, exactly, named by its number alone: what a slip of the pen can turn into another's.
singles as (
    select
        fitting.entry_key,
        fitting.company_id,
        fitting.customer_id,
        fitting.currency,
        fitting.amount,
        fitting.booked_on,
        fitting.span_text,
        fitting.has_own_owner,
        valued.counterparty_iban,
        valued.family_id,
        valued.invoice_id,
        valued.invoice_number,
        valued.due_on
    from fitting
    inner join valued
        on fitting.entry_key = valued.entry_key
    where
        fitting.rule_id = 'numbers_exact'
        and fitting.amount > 0
        and fitting.amount - valued.open_amount = 0
        and valued.document_kind = 'invoice'
),

claimed_items as (
    select distinct
        claims.company_id,
        claims.invoice_id
    from claims
),

prices as (
    select distinct
        singles.company_id,
        singles.customer_id,
        singles.currency,
        singles.amount
    from singles
),

-- Invoices of the same customer and amount that no payment of this rung claims.
siblings as (
    select
        items_left.company_id,
        items_left.customer_id,
        items_left.currency,
        items_left.open_amount as amount,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.issued_on,
        items_left.due_on
    from items_left
    inner join prices
        on
            items_left.company_id = prices.company_id
            and items_left.customer_id = prices.customer_id
            and items_left.currency = prices.currency
            and items_left.open_amount = prices.amount
    left join claimed_items
        on
            items_left.company_id = claimed_items.company_id
            and items_left.invoice_id = claimed_items.invoice_id
    where claimed_items.invoice_id is null
),

customers_with_siblings as (
    select distinct
        siblings.company_id,
        siblings.customer_id
    from siblings
    cross join tolerances
    where tolerances.habit_days is not null
),

paid_before as (
    select
        standing.company_id,
        standing.invoice_id,
        standing.booked_on
    from standing
    inner join customers_with_siblings
        on
            standing.company_id = customers_with_siblings.company_id
            and standing.current_customer_id = customers_with_siblings.customer_id
    where standing.undone_reason is null and standing.amount > 0
    union all
    select
        earlier_matches.company_id,
        earlier_matches.invoice_id,
        opened_entries.booked_on
    from earlier_matches
    inner join opened_entries
        on earlier_matches.entry_key = opened_entries.entry_key
    where earlier_matches.amount > 0
    union all
    select
        claims.company_id,
        claims.invoice_id,
        fitting.booked_on
    from claims
    inner join fitting
        on claims.entry_key = fitting.entry_key
    where claims.due_amount > 0
),

-- How many days after the due date a customer pays as a rule: the middle one of all its payments.
habits as (
    select
        documents.company_id,
        documents.customer_id,
        percentile_disc(0.5) within group (order by paid_before.booked_on - documents.due_on) as usual_days
    from paid_before
    inner join documents
        on
            paid_before.company_id = documents.company_id
            and paid_before.invoice_id = documents.document_id
    inner join customers_with_siblings
        on
            documents.company_id = customers_with_siblings.company_id
            and documents.customer_id = customers_with_siblings.customer_id
    cross join tolerances
    where documents.due_on is not null and not documents.is_cancelled
    group by documents.company_id, documents.customer_id, tolerances.habit_payments
    -- The payment that is judged is one of them.
    having count(*) > tolerances.habit_payments
),

against_usual as (
    select
        singles.*,
        habits.usual_days,
        abs(singles.booked_on - singles.due_on - habits.usual_days) - tolerances.habit_days as days_beyond
    from singles
    inner join habits
        on
            singles.company_id = habits.company_id
            and singles.customer_id = habits.customer_id
    cross join tolerances
),

-- Off the habit by more than the policy's days; and another invoice must be nearer to it by as many. So the farther off
-- the one named is, the wider around the usual day another is looked for.
strays as (
    select
        against_usual.*,
        against_usual.booked_on - cast(against_usual.usual_days + against_usual.days_beyond as integer) as from_due_on,
        against_usual.booked_on - cast(against_usual.usual_days - against_usual.days_beyond as integer) as to_due_on
    from against_usual
    where against_usual.days_beyond > 0
),

-- Siblings and strays on one line of days, so that each stray sees the first sibling from its day on without a join.
line_of_days as (
    select
        siblings.company_id,
        siblings.customer_id,
        siblings.currency,
        siblings.amount,
        siblings.due_on as placed_on,
        siblings.due_on as sibling_due_on,
        cast(null as varchar) as entry_key
    from siblings
    union all
    select
        strays.company_id,
        strays.customer_id,
        strays.currency,
        strays.amount,
        strays.from_due_on as placed_on,
        null as sibling_due_on,
        strays.entry_key
    from strays
),

siblings_ahead as (
    select
        line_of_days.entry_key,
        min(line_of_days.sibling_due_on) over (
            partition by
                line_of_days.company_id, line_of_days.customer_id, line_of_days.currency, line_of_days.amount
            order by line_of_days.placed_on
            range between current row and unbounded following
        ) as sibling_due_on
    from line_of_days
),

against_habit as (
    select
        strays.entry_key,
        'The text names "' || min(strays.span_text) || '", but this customer pays '
        || case
            when min(strays.usual_days) = 0 then 'on the due date'
            when min(strays.usual_days) < 0 then -min(strays.usual_days) || ' day(s) before the due date'
            else min(strays.usual_days) || ' day(s) after the due date'
        end
        || ' as a rule: that fits ' || min(siblings.invoice_number) || ' of the same amount better than '
        || min(strays.invoice_number) || '.' as doubt_explanation
    from strays
    inner join siblings_ahead
        on strays.entry_key = siblings_ahead.entry_key
    inner join siblings
        on
            strays.company_id = siblings.company_id
            and strays.customer_id = siblings.customer_id
            and strays.currency = siblings.currency
            and strays.amount - siblings.amount = 0
            and siblings_ahead.sibling_due_on = siblings.due_on
    where siblings_ahead.sibling_due_on <= strays.to_due_on and siblings.issued_on <= strays.booked_on
    group by strays.entry_key
),

-- An account that is not known yet, and whose customers' documents it has named: on earlier days, and in this batch.
families_of_accounts as (
    select
        named_from.company_id,
        named_from.counterparty_iban,
        named_from.family_id,
        min(named_from.customer_id) as customer_id,
        count(distinct named_from.customer_id) as customer_count,
        sum(named_from.date_count) >= min(named_from.learning_dates)
        and max(named_from.last_on) - min(named_from.first_on) >= min(named_from.learning_span_days) as is_established,
        count(*) over (partition by named_from.company_id, named_from.counterparty_iban) as family_count
    from (
        select
            singles.company_id,
            singles.counterparty_iban,
            singles.family_id,
            singles.customer_id,
            count(distinct singles.booked_on) as date_count,
            min(singles.booked_on) as first_on,
            max(singles.booked_on) as last_on,
            min(tolerances.learning_dates) as learning_dates,
            min(tolerances.learning_span_days) as learning_span_days
        from singles
        cross join tolerances
        where
            singles.has_own_owner is null
            and singles.counterparty_iban is not null
            and singles.amount >= tolerances.learning_min_amount
        group by singles.company_id, singles.counterparty_iban, singles.family_id, singles.customer_id
        union all
        select
            payer_accounts.company_id,
            payer_accounts.iban as counterparty_iban,
            payer_accounts.family_id,
            payer_accounts.customer_id,
            payer_accounts.date_count,
            payer_accounts.first_counted_on as first_on,
            payer_accounts.last_counted_on as last_on,
            tolerances.learning_dates,
            tolerances.learning_span_days
        from payer_accounts
        cross join tolerances
        where payer_accounts.state in ('observed', 'corroborated') and payer_accounts.date_count > 0
    ) as named_from
    group by named_from.company_id, named_from.counterparty_iban, named_from.family_id
),

-- One payment names a document of somebody else than all others from its account do. Of three families, the account
-- pays for many.
odd_ones_out as (
    select
        singles.entry_key,
        'The text names "' || singles.span_text
        || '", but all other payments from this account name documents of another customer ('
        || others.customer_id || ').' as doubt_explanation,
        case when others.customer_count = 1 then others.customer_id end as other_customer_id
    from singles
    inner join families_of_accounts as own
        on
            singles.company_id = own.company_id
            and singles.counterparty_iban = own.counterparty_iban
            and singles.family_id = own.family_id
            and own.family_count = 2
            and not own.is_established
    inner join families_of_accounts as others
        on
            singles.company_id = others.company_id
            and singles.counterparty_iban = others.counterparty_iban
            and singles.family_id <> others.family_id
            and others.is_established
    where singles.has_own_owner is null
),

-- What else their texts hold that is long enough for an order number.
words_beside as (
    select
        singles.entry_key,
        singles.company_id,
        singles.currency,
        singles.amount,
        bank_references.reference,
        bank_references.span_text
    from singles
    cross join tolerances
    inner join bank_references
        on
            singles.entry_key = bank_references.entry_key
            and bank_references.source = 'remittance'
            and length(bank_references.reference) >= tolerances.min_order_number_length
    where bank_references.reference <> {{ normalised_reference("singles.span_text") }}
),

amounts_beside as (
    select distinct
        words_beside.company_id,
        words_beside.currency,
        words_beside.amount
    from words_beside
),

-- Order numbers that only one open invoice of its amount has.
orders_left as (
    select
        items_left.company_id,
        items_left.currency,
        items_left.open_amount,
        {{ normalised_reference("invoices.order_number") }} as order_key,
        min(items_left.invoice_id) as invoice_id,
        min(items_left.invoice_number) as invoice_number,
        min(items_left.customer_id) as customer_id,
        min(items_left.issued_on) as issued_on
    from items_left
    inner join amounts_beside
        on
            items_left.company_id = amounts_beside.company_id
            and items_left.currency = amounts_beside.currency
            and items_left.open_amount = amounts_beside.amount
    inner join invoices
        on
            items_left.company_id = invoices.company_id
            and items_left.invoice_id = invoices.invoice_id
            and invoices.order_number is not null
    group by
        items_left.company_id,
        items_left.currency,
        items_left.open_amount,
        {{ normalised_reference("invoices.order_number") }}
    having count(*) = 1
),

orders_of_others as (
    select
        singles.entry_key,
        'The text names "' || min(singles.span_text) || '", but "' || min(words_beside.span_text)
        || '" in it is the order of ' || min(orders_left.invoice_number) || ', of the same amount.'
            as doubt_explanation,
        min(orders_left.customer_id) as other_customer_id,
        count(distinct orders_left.customer_id) as other_count
    from singles
    inner join words_beside
        on singles.entry_key = words_beside.entry_key
    inner join orders_left
        on
            words_beside.company_id = orders_left.company_id
            and words_beside.currency = orders_left.currency
            and words_beside.reference = orders_left.order_key
            and words_beside.amount - orders_left.open_amount = 0
            and singles.booked_on >= orders_left.issued_on
    group by singles.entry_key
    having bool_and(singles.invoice_id <> orders_left.invoice_id)
),

names as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id,
        {{ name_without_form("customers.name") }} as payer_name
    from customers
),

-- Payers nobody knows the account of, who do not bear the very name of the customer they name a document of.
strangers as (
    select
        singles.*,
        entries.counterparty_name,
        {{ name_without_form("entries.counterparty_name") }} as payer_name
    from singles
    inner join entries
        on singles.entry_key = entries.entry_key
    inner join customers
        on
            singles.company_id = customers.company_id
            and singles.customer_id = customers.customer_id
    cross join tolerances
    where
        singles.has_own_owner is null
        and upper(entries.counterparty_name) <> upper(customers.name)
        and tolerances.heeds_payer_name
),

-- The payer's name is that of another customer with an open invoice of this amount, and of nobody in the one named.
names_of_payers as (
    select
        strangers.*,
        names.customer_id as name_customer_id,
        bool_or(names.family_id = strangers.family_id) over (partition by strangers.entry_key) as is_own_name
    from strangers
    inner join names
        on
            strangers.company_id = names.company_id
            and strangers.payer_name = names.payer_name
    where strangers.payer_name <> ''
),

name_of_another as (
    select
        names_of_payers.entry_key,
        'The text names "' || min(names_of_payers.span_text) || '", but it was paid by "'
        || min(names_of_payers.counterparty_name)
        || '", which is the name of another customer with an open invoice of this amount.' as doubt_explanation,
        min(names_of_payers.name_customer_id) as other_customer_id,
        count(distinct names_of_payers.name_customer_id) as other_count
    from names_of_payers
    inner join items_left
        on
            names_of_payers.company_id = items_left.company_id
            and names_of_payers.name_customer_id = items_left.customer_id
            and names_of_payers.currency = items_left.currency
            and items_left.open_amount - names_of_payers.amount = 0
    where not names_of_payers.is_own_name
    group by names_of_payers.entry_key
),

-- Texts of payers nobody knows the account of, where neither the holder nor the text says the customer whose document
-- is named, by its name or its number.
texts as (
    select
        singles.entry_key,
        singles.company_id,
        singles.customer_id,
        singles.family_id,
        singles.span_text,
        ' ' || {{ normalised_name("entries.remittance") }} || ' ' as text
    from singles
    inner join entries
        on singles.entry_key = entries.entry_key
    inner join names
        on
            singles.company_id = names.company_id
            and singles.customer_id = names.customer_id
    cross join tolerances
    where
        singles.has_own_owner is null
        and tolerances.heeds_customer_in_text
        and {{ name_without_form("coalesce(entries.counterparty_name, '')") }} <> names.payer_name
        and position(
            ' ' || names.payer_name || ' ' in ' ' || {{ normalised_name("entries.remittance") }} || ' '
        ) = 0
        and position(
            ' ' || {{ normalised_name("singles.customer_id") }} || ' '
            in ' ' || {{ normalised_name("entries.remittance") }} || ' '
        ) = 0
),

words as (
    select
        texts.entry_key,
        texts.company_id,
        word.element as word,
        lead(word.element) over (partition by texts.entry_key order by word.position) as next_word
    from texts
    cross join {{ unnested(split_text("trim(texts.text)", " "), "word") }}
),

-- Names of two words and more: their first two are looked up among the words, then the whole name is compared.
names_by_start as (
    select
        names.*,
        split_part(names.payer_name, ' ', 1) || ' ' || split_part(names.payer_name, ' ', 2) as first_words
    from names
    where position(' ' in names.payer_name) > 0
),

others_in_texts as (
    select
        texts.entry_key,
        customers.customer_id as other_customer_id,
        texts.span_text,
        bank_references.span_text as other_text,
        'number' as told_by
    from texts
    cross join tolerances
    inner join bank_references
        on
            texts.entry_key = bank_references.entry_key
            and bank_references.source = 'remittance'
            and bank_references.reference <> {{ normalised_reference("texts.span_text") }}
    inner join customers
        on
            texts.company_id = customers.company_id
            and bank_references.reference = {{ normalised_reference("customers.customer_id") }}
    where
        coalesce(customers.parent_customer_id, customers.customer_id) <> texts.family_id
        and length(bank_references.reference) >= tolerances.min_customer_number_length
        -- A whole word, not a piece of one.
        and position(' ' || {{ normalised_name("bank_references.span_text") }} || ' ' in texts.text) > 0
    union all
    select
        texts.entry_key,
        names_by_start.customer_id as other_customer_id,
        texts.span_text,
        names_by_start.payer_name as other_text,
        'name' as told_by
    from texts
    inner join words
        on texts.entry_key = words.entry_key
    inner join names_by_start
        on
            words.company_id = names_by_start.company_id
            and words.word || ' ' || words.next_word = names_by_start.first_words
    where
        names_by_start.family_id <> texts.family_id
        and position(' ' || names_by_start.payer_name || ' ' in texts.text) > 0
),

text_of_another as (
    select
        others_in_texts.entry_key,
        'The text names "' || min(others_in_texts.span_text) || '", but it also holds "'
        || min(others_in_texts.other_text) || '", which is the ' || max(others_in_texts.told_by)
        || ' of another customer, and whose account it is nobody knows.' as doubt_explanation,
        min(others_in_texts.other_customer_id) as other_customer_id,
        count(distinct others_in_texts.other_customer_id) as other_count
    from others_in_texts
    group by others_in_texts.entry_key
),

judged as (
    select
        fitting.*,
        credit_texts.credit_numbers,
        case
            when not fitting.has_own_owner then 'payer_is_someone_else'
            when slips.entry_key is not null then 'may_be_the_others'
            when odd_ones_out.entry_key is not null then 'account_of_another_customer'
            when name_of_another.entry_key is not null then 'name_of_another_customer'
            when text_of_another.entry_key is not null then 'text_of_another_customer'
            when orders_of_others.entry_key is not null then 'order_of_another_invoice'
            when against_habit.entry_key is not null then 'fits_another_invoice'
        end as doubt,
        case
            when not fitting.has_own_owner
                then 'The text names "' || fitting.span_text || '", but the account is another customer''s.'
            when slips.entry_key is not null
                then
                    'The text names "' || fitting.span_text
                    || '", of several customers that have other open invoices of the same amounts.'
            else
                coalesce(
                    odd_ones_out.doubt_explanation,
                    name_of_another.doubt_explanation,
                    text_of_another.doubt_explanation,
                    orders_of_others.doubt_explanation,
                    against_habit.doubt_explanation
                )
        end as doubt_explanation,
        -- Of several customers of one name nobody can say which.
        case
            when not fitting.has_own_owner or slips.entry_key is not null then null
            when odd_ones_out.entry_key is not null then odd_ones_out.other_customer_id
            when name_of_another.entry_key is not null
                then case when name_of_another.other_count = 1 then name_of_another.other_customer_id end
            when text_of_another.entry_key is not null
                then case when text_of_another.other_count = 1 then text_of_another.other_customer_id end
            when orders_of_others.other_count = 1 then orders_of_others.other_customer_id
        end as doubt_customer_id
    from fitting
    left join credit_texts
        on fitting.entry_key = credit_texts.entry_key
    left join slips
        on fitting.entry_key = slips.entry_key
    left join odd_ones_out
        on fitting.entry_key = odd_ones_out.entry_key
    left join name_of_another
        on fitting.entry_key = name_of_another.entry_key
    left join text_of_another
        on fitting.entry_key = text_of_another.entry_key
    left join orders_of_others
        on fitting.entry_key = orders_of_others.entry_key
    left join against_habit
        on fitting.entry_key = against_habit.entry_key
),

days_of_claims as (
    select
        claims.company_id,
        claims.invoice_id,
        judged.booked_on,
        count(distinct claims.entry_key) as claim_count,
        min(judged.booked_on) over (partition by claims.company_id, claims.invoice_id) as first_booked_on
    from claims
    inner join judged
        on
            claims.entry_key = judged.entry_key
            and judged.doubt is null
    group by claims.company_id, claims.invoice_id, judged.booked_on
),

-- All or nothing: an entry takes its invoices only when it is the first, and the only one that day, to name each.
winners as (
    select claims.entry_key
    from claims
    inner join judged
        on
            claims.entry_key = judged.entry_key
            and judged.doubt is null
    inner join days_of_claims
        on
            claims.company_id = days_of_claims.company_id
            and claims.invoice_id = days_of_claims.invoice_id
            and judged.booked_on = days_of_claims.booked_on
    group by claims.entry_key
    having bool_and(days_of_claims.claim_count = 1 and days_of_claims.booked_on = days_of_claims.first_booked_on)
),

-- Two term notes of one invoice are one row; more than is open is left over.
by_invoice as (
    select
        claims.entry_key,
        claims.company_id,
        claims.customer_id,
        claims.invoice_id,
        case
            when max(claims.open_amount) > 0 then least(sum(claims.due_amount), max(claims.open_amount))
            else max(claims.open_amount)
        end as amount,
        count(*) over (partition by claims.entry_key) as invoice_count
    from claims
    group by claims.entry_key, claims.company_id, claims.customer_id, claims.invoice_id
),

matches as (
    select
        by_invoice.entry_key,
        by_invoice.company_id,
        by_invoice.customer_id,
        by_invoice.invoice_id,
        judged.rule_id,
        by_invoice.amount,
        judged.currency,
        case
            when judged.rule_id = 'numbers_less_credit'
                then
                    'The text names "' || judged.span_text || '"; less the open credit ' || judged.credit_numbers
                    || ' that is the payment.'
            when judged.rule_id = 'numbers_family'
                then
                    'The text names "' || judged.span_text
                    || '", of customers that belong together; their open amounts add up to the payment.'
            when judged.rule_id = 'numbers_collective'
                then
                    'The text names "' || judged.span_text || '", of ' || judged.customer_count
                    || ' customers; their open amounts add up to the payment.'
            when by_invoice.invoice_count > 1
                then 'The text names "' || judged.span_text || '"; their open amounts add up to the payment.'
            when judged.amount = judged.due_amount
                then 'The text names "' || judged.span_text || '" and the amount is exact.'
            else
                'The text names "' || judged.span_text || '" and the amount is what was due before its credit note.'
        end as evidence,
        judged.booked_on,
        judged.doubt,
        judged.doubt_explanation,
        judged.doubt_customer_id
    from by_invoice
    inner join judged
        on by_invoice.entry_key = judged.entry_key
    left join winners
        on by_invoice.entry_key = winners.entry_key
    where judged.doubt is not null or winners.entry_key is not null
),

final as (
    select
        {{ match_columns("matches", "rules") }},
        matches.doubt,
        matches.doubt_explanation,
        matches.doubt_customer_id
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
    where matches.amount <> 0
)

select * from final

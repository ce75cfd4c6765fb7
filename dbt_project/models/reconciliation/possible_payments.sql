-- The worst there is, is to remind somebody who has paid. So a receipt that is not placed keeps the invoices it may be
-- paying out of messages for some bank days, while a person looks. It never places anything.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bank_days as (
    select * from {{ ref("stg_calendar__bank_days") }}
),

allocations as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

entries as (
    select * from {{ ref("entries") }}
),

entries_left as (
    select * from {{ ref("int_entries_left") }}
),

items_left as (
    select * from {{ ref("int_items_left") }}
),

payers as (
    select * from {{ ref("int_payers_identified") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

match_proposals as (
    select * from {{ ref("match_proposals") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

slips_possible as (
    select * from {{ ref("int_slips_possible") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

-- Of what came before we did, nobody could know before the first day.
first_day as (
    select coalesce(min(allocations.allocated_on), min(business_day.as_of_date)) as began_on
    from business_day
    left join allocations
        on business_day.as_of_date > allocations.as_of_date
),

dated as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.left_amount,
        payers.customer_id,
        greatest(entries_left.booked_on, first_day.began_on) as seen_on
    from entries_left
    cross join first_day
    left join payers
        on entries_left.entry_key = payers.entry_key
    where
        entries_left.amount > 0
        and entries_left.left_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

waiting as (
    select
        dated.*,
        today.bank_day_no - seen.bank_day_no as bank_days_waited,
        seen.bank_day_no
    from dated
    cross join business_day
    cross join tolerances
    inner join bank_days as seen
        on dated.seen_on = seen.date_day
    inner join bank_days as today
        on business_day.as_of_date = today.date_day
    where
        today.bank_day_no - seen.bank_day_no
        <= greatest(tolerances.possible_payer_bank_days, tolerances.other_currency_bank_days)
),

open_invoices as (
    select
        items_left.*,
        -- Of a customer with more open invoices than are ever read one by one.
        coalesce(
            count(*) over (partition by items_left.company_id, items_left.customer_id, items_left.currency)
            > tolerances.max_read_items,
            false
        ) as is_of_many
    from items_left
    cross join tolerances
    where items_left.open_amount > 0
),

by_name_of_document as (
    select
        waiting.entry_key,
        open_invoices.company_id,
        open_invoices.invoice_id,
        case
            when waiting.currency <> open_invoices.currency then 'named_in_other_currency' else 'named'
        end as reason,
        'Names "' || references_resolved.span_text || '"'
        || case
            when waiting.currency <> open_invoices.currency
                then ' and was paid in ' || waiting.currency || ', not ' || open_invoices.currency || '.'
            else ' and is enough to pay it.'
        end as evidence
    from waiting
    cross join tolerances
    inner join references_resolved
        on
            waiting.entry_key = references_resolved.entry_key
            and not references_resolved.is_rejected
    inner join open_invoices
        on
            references_resolved.company_id = open_invoices.company_id
            and references_resolved.invoice_id = open_invoices.invoice_id
    where
        waiting.currency <> open_invoices.currency
        or waiting.left_amount * 10000 >= open_invoices.open_amount * tolerances.possible_payer_basis_points
),

-- Money in a currency in which its customer owes nothing: it was meant for something.
owing_currencies as (
    select distinct
        open_invoices.company_id,
        open_invoices.customer_id,
        open_invoices.currency
    from open_invoices
),

by_other_currency as (
    select
        waiting.entry_key,
        open_invoices.company_id,
        open_invoices.invoice_id,
        'other_currency' as reason,
        'This customer paid ' || waiting.left_amount || ' ' || waiting.currency || ' and owes nothing in that currency.'
            as evidence
    from waiting
    inner join open_invoices
        on
            waiting.company_id = open_invoices.company_id
            and waiting.customer_id = open_invoices.customer_id
            and waiting.booked_on >= open_invoices.issued_on
    left join owing_currencies
        on
            waiting.company_id = owing_currencies.company_id
            and waiting.customer_id = owing_currencies.customer_id
            and waiting.currency = owing_currencies.currency
    left join references_resolved
        on
            waiting.entry_key = references_resolved.entry_key
            and not references_resolved.is_rejected
    where owing_currencies.company_id is null and references_resolved.entry_key is null
),

-- What points at it strongly enough for a person to look there first, whether or not the customer is certain.
by_proposal as (
    select
        waiting.entry_key,
        match_proposals.company_id,
        match_proposals.invoice_id,
        'proposed' as reason,
        match_proposals.evidence
    from waiting
    cross join tolerances
    inner join match_proposals
        on waiting.entry_key = match_proposals.entry_key
    inner join open_invoices
        on
            match_proposals.company_id = open_invoices.company_id
            and match_proposals.invoice_id = open_invoices.invoice_id
    where
        match_proposals.rung <= 6
        and match_proposals.rule_id <> 'payer_only'
        and match_proposals.proposed_amount * 10000
        >= open_invoices.open_amount * tolerances.possible_payer_basis_points
),

-- Nobody is certain who paid. Whose name is the holder's, or in the text, or whose customer number is?
unknown_payers as (
    select
        waiting.*,
        entries.counterparty_name,
        {{ name_without_form("entries.counterparty_name") }} as holder_name,
        {{ normalised_name("entries.remittance") }} as text
    from waiting
    inner join entries
        on waiting.entry_key = entries.entry_key
    where waiting.customer_id is null
),

customer_names as (
    select
        customers.company_id,
        customers.customer_id,
        customers.name,
        {{ normalised_reference("customers.customer_id") }} as number,
        {{ name_without_form("customers.name") }} as plain_name
    from customers
),

-- The first two words of a name are looked up among the words of the text, then the whole name is compared.
first_words as (
    select
        customer_names.*,
        split_part(customer_names.plain_name, ' ', 1) || ' ' || split_part(customer_names.plain_name, ' ', 2) as start
    from customer_names
    where split_part(customer_names.plain_name, ' ', 2) <> ''
),

words as (
    select
        unknown_payers.entry_key,
        unknown_payers.company_id,
        unknown_payers.text,
        word.element as word,
        lead(word.element) over (partition by unknown_payers.entry_key order by word.position) as next_word
    from unknown_payers
    cross join {{ unnested(split_text("unknown_payers.text", " "), "word") }}
),

pointed as (
    select
        unknown_payers.entry_key,
        customer_names.customer_id,
        'name_of_holder' as reason,
        'The account is held by "' || unknown_payers.counterparty_name || '"' as evidence
    from unknown_payers
    inner join customer_names
        on
            unknown_payers.company_id = customer_names.company_id
            and unknown_payers.holder_name = customer_names.plain_name
    where unknown_payers.holder_name <> ''
    union all
    -- Whoever has paid for certain may have paid for whom the text numbers, if that number is no accident.
    select
        waiting.entry_key,
        customer_names.customer_id,
        'number_of_customer' as reason,
        'The text holds the customer number "' || min(bank_references.span_text) || '"' as evidence
    from waiting
    cross join tolerances
    inner join bank_references
        on waiting.entry_key = bank_references.entry_key
    inner join customer_names
        on
            waiting.company_id = customer_names.company_id
            and bank_references.reference = customer_names.number
            and length(customer_names.number)
            >= case
                when waiting.customer_id is null then tolerances.min_number_length
                else tolerances.min_customer_number_length
            end
    where waiting.customer_id is null or waiting.customer_id <> customer_names.customer_id
    group by waiting.entry_key, customer_names.customer_id
    union all
    select distinct
        words.entry_key,
        first_words.customer_id,
        'name_in_text' as reason,
        'The text holds the name "' || first_words.name || '"' as evidence
    from words
    inner join first_words
        on
            words.company_id = first_words.company_id
            and words.word || ' ' || words.next_word = first_words.start
            and position(' ' || first_words.plain_name || ' ' in ' ' || words.text || ' ') > 0
),

counted as (
    select
        pointed.*,
        count(*) over (partition by pointed.entry_key, pointed.reason) as customer_count
    from pointed
),

-- A payment that may be of a customer with thousands of open invoices may pay nearly each of them, and so may the next
-- one: of such a customer each invoice is held by the latest payment that is enough for it, and each payment told with
-- the smallest invoice it may pay. The same invoices are held, as long as by all pairs of the two.
payments_of_many as (
    select distinct
        waiting.entry_key,
        waiting.company_id,
        counted.customer_id,
        waiting.currency,
        waiting.booked_on,
        waiting.left_amount
    from waiting
    inner join counted
        on
            waiting.entry_key = counted.entry_key
            and counted.customer_count = 1
),

invoices_of_many as (
    select open_invoices.*
    from open_invoices
    inner join (
        select distinct
            payments_of_many.company_id,
            payments_of_many.customer_id,
            payments_of_many.currency
        from payments_of_many
    ) as concerned
        on
            open_invoices.company_id = concerned.company_id
            and open_invoices.customer_id = concerned.customer_id
            and open_invoices.currency = concerned.currency
    where open_invoices.is_of_many
),

-- Both on one line by amount, the largest first: each invoice sees the latest of the payments that are enough.
line_of_amounts as (
    select
        payments_of_many.company_id,
        payments_of_many.customer_id,
        payments_of_many.currency,
        payments_of_many.left_amount * 10000 as weight,
        0 as place,
        cast(payments_of_many.booked_on as varchar) || payments_of_many.entry_key as payment,
        cast(null as varchar) as invoice_id
    from payments_of_many
    union all
    select
        invoices_of_many.company_id,
        invoices_of_many.customer_id,
        invoices_of_many.currency,
        invoices_of_many.open_amount * tolerances.possible_payer_basis_points as weight,
        1 as place,
        null as payment,
        invoices_of_many.invoice_id
    from invoices_of_many
    cross join tolerances
),

latest_payments as (
    select
        line_of_amounts.company_id,
        line_of_amounts.invoice_id,
        max(line_of_amounts.payment) over (
            partition by line_of_amounts.company_id, line_of_amounts.customer_id, line_of_amounts.currency
            order by line_of_amounts.weight desc, line_of_amounts.place asc
            range between unbounded preceding and current row
        ) as payment
    from line_of_amounts
),

-- What a person said no to is looked at pair by pair: the latest payment, or this one, may be the one it is not.
invoices_rejected as (
    select distinct
        match_answers.company_id,
        match_answers.invoice_id
    from match_answers
    where match_answers.answer = 'rejected'
),

-- Both on one line by day: each payment sees the smallest of the invoices issued by then.
line_of_issues as (
    select
        payments_of_many.company_id,
        payments_of_many.customer_id,
        payments_of_many.currency,
        payments_of_many.booked_on as placed_on,
        payments_of_many.entry_key,
        cast(null as varchar) as invoice
    from payments_of_many
    union all
    select
        invoices_of_many.company_id,
        invoices_of_many.customer_id,
        invoices_of_many.currency,
        invoices_of_many.issued_on as placed_on,
        null as entry_key,
        lpad(cast(cast(invoices_of_many.open_amount * 100 as bigint) as varchar), 20, '0')
        || invoices_of_many.invoice_id as invoice
    from invoices_of_many
    left join invoices_rejected
        on
            invoices_of_many.company_id = invoices_rejected.company_id
            and invoices_of_many.invoice_id = invoices_rejected.invoice_id
    where invoices_rejected.invoice_id is null
),

smallest_invoices as (
    select
        line_of_issues.entry_key,
        min(line_of_issues.invoice) over (
            partition by line_of_issues.company_id, line_of_issues.customer_id, line_of_issues.currency
            order by line_of_issues.placed_on
            range between unbounded preceding and current row
        ) as invoice
    from line_of_issues
),

pairs_of_many as (
    select
        substr(latest_payments.payment, 11) as entry_key,
        latest_payments.company_id,
        latest_payments.invoice_id
    from latest_payments
    where latest_payments.invoice_id is not null and latest_payments.payment is not null
    union
    select
        smallest_invoices.entry_key,
        payments_of_many.company_id,
        substr(smallest_invoices.invoice, 21) as invoice_id
    from smallest_invoices
    inner join payments_of_many
        on smallest_invoices.entry_key = payments_of_many.entry_key
    where smallest_invoices.invoice is not null
    union
    select
        payments_of_many.entry_key,
        invoices_of_many.company_id,
        invoices_of_many.invoice_id
    from invoices_of_many
    inner join invoices_rejected
        on
            invoices_of_many.company_id = invoices_rejected.company_id
            and invoices_of_many.invoice_id = invoices_rejected.invoice_id
    inner join payments_of_many
        on
            invoices_of_many.company_id = payments_of_many.company_id
            and invoices_of_many.customer_id = payments_of_many.customer_id
            and invoices_of_many.currency = payments_of_many.currency
),

pairs_of_customers as (
    select
        counted.entry_key,
        counted.customer_id,
        counted.customer_count,
        counted.reason,
        counted.evidence,
        open_invoices.company_id,
        open_invoices.invoice_id,
        open_invoices.currency,
        open_invoices.open_amount,
        open_invoices.issued_on
    from counted
    inner join waiting
        on counted.entry_key = waiting.entry_key
    inner join open_invoices
        on
            waiting.company_id = open_invoices.company_id
            and counted.customer_id = open_invoices.customer_id
            and waiting.currency = open_invoices.currency
            and not (open_invoices.is_of_many and counted.customer_count = 1)
    union all
    select
        counted.entry_key,
        counted.customer_id,
        counted.customer_count,
        counted.reason,
        counted.evidence,
        invoices_of_many.company_id,
        invoices_of_many.invoice_id,
        invoices_of_many.currency,
        invoices_of_many.open_amount,
        invoices_of_many.issued_on
    from pairs_of_many
    inner join invoices_of_many
        on
            pairs_of_many.company_id = invoices_of_many.company_id
            and pairs_of_many.invoice_id = invoices_of_many.invoice_id
    inner join counted
        on
            pairs_of_many.entry_key = counted.entry_key
            and invoices_of_many.customer_id = counted.customer_id
            and counted.customer_count = 1
),

-- The exact amount holds it for each customer of the name; another amount only for the only one, where it is enough.
by_customer as (
    select
        waiting.entry_key,
        pairs_of_customers.company_id,
        pairs_of_customers.invoice_id,
        pairs_of_customers.reason,
        pairs_of_customers.evidence
        || case
            when waiting.left_amount = pairs_of_customers.open_amount then ' and the amount is exact.'
            else ' and it is enough to pay it.'
        end as evidence
    from waiting
    cross join tolerances
    inner join pairs_of_customers
        on
            waiting.entry_key = pairs_of_customers.entry_key
            and waiting.currency = pairs_of_customers.currency
            and waiting.booked_on >= pairs_of_customers.issued_on
    where
        waiting.left_amount = pairs_of_customers.open_amount
        or (
            pairs_of_customers.customer_count = 1
            and waiting.left_amount * 10000
            >= pairs_of_customers.open_amount * tolerances.possible_payer_basis_points
        )
),

candidates as (
    select
        1 as preference,
        by_name_of_document.*
    from by_name_of_document
    union all
    select
        2 as preference,
        by_proposal.*
    from by_proposal
    union all
    select
        3 as preference,
        by_customer.*
    from by_customer
    union all
    select
        4 as preference,
        by_other_currency.*
    from by_other_currency
),

chosen as (
    select
        candidates.*,
        row_number() over (
            partition by candidates.entry_key, candidates.invoice_id
            order by candidates.preference, candidates.reason, candidates.evidence
        ) as telling_rank
    from candidates
),

limited as (
    select
        chosen.entry_key,
        chosen.company_id,
        chosen.invoice_id,
        chosen.reason,
        chosen.evidence,
        waiting.booked_on,
        waiting.currency,
        waiting.left_amount,
        waiting.bank_day_no + case
            when chosen.reason in ('named_in_other_currency', 'other_currency') then tolerances.other_currency_bank_days
            else tolerances.possible_payer_bank_days
        end as last_bank_day_no,
        tolerances.policy_id
    from chosen
    cross join tolerances
    inner join waiting
        on chosen.entry_key = waiting.entry_key
    where chosen.telling_rank = 1
),

-- What was placed one slip away keeps the other invoice out of messages as long; and while the invoice it was placed on
-- is the later of the two and not due yet. From then on one of them is owed, whichever was paid.
slipped as (
    select
        slips_possible.entry_key,
        slips_possible.company_id,
        slips_possible.invoice_id,
        'one_slip_away' as reason,
        'Was placed on ' || slips_possible.placed_number || ', which is one slip from ' || open_invoices.invoice_number
        || ' of the same amount.' as evidence,
        slips_possible.booked_on,
        slips_possible.currency,
        slips_possible.amount as left_amount,
        greatest(
            booked.bank_day_no + tolerances.possible_payer_bank_days,
            case
                when slips_possible.placed_due_on > open_invoices.due_on
                    then least(due.bank_day_no, latest.bank_day_no)
            end
        ) as last_bank_day_no,
        tolerances.policy_id
    from slips_possible
    cross join tolerances
    inner join open_invoices
        on
            slips_possible.company_id = open_invoices.company_id
            and slips_possible.invoice_id = open_invoices.invoice_id
    inner join bank_days as booked
        on slips_possible.booked_on = booked.date_day
    left join bank_days as due
        on slips_possible.placed_due_on = due.date_day
    inner join bank_days as latest
        on slips_possible.last_on = latest.date_day
),

-- A person who said no has looked.
unanswered as (
    select possible.*
    from (
        select * from limited
        union all
        select * from slipped
    ) as possible
    left join match_answers
        on
            possible.entry_key = match_answers.entry_key
            and possible.company_id = match_answers.company_id
            and possible.invoice_id = match_answers.invoice_id
            and match_answers.answer = 'rejected'
    where match_answers.entry_key is null
),

final as (
    select
        unanswered.entry_key,
        unanswered.company_id,
        business_day.as_of_date,
        open_invoices.customer_id,
        unanswered.invoice_id,
        unanswered.left_amount as receipt_amount,
        unanswered.currency,
        unanswered.reason,
        unanswered.evidence,
        unanswered.booked_on,
        last_day.date_day as held_until,
        unanswered.policy_id
    from unanswered
    cross join business_day
    inner join open_invoices
        on
            unanswered.company_id = open_invoices.company_id
            and unanswered.invoice_id = open_invoices.invoice_id
    inner join bank_days as last_day
        on
            unanswered.last_bank_day_no = last_day.bank_day_no
            and last_day.is_bank_day
    where last_day.date_day >= business_day.as_of_date
)

select * from final

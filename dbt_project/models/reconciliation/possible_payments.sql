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
    select * from {{ ref("stg_bank__entry_references") }}
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
    select items_left.*
    from items_left
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

-- The exact amount holds it for each customer of the name; another amount only for the only one, where it is enough.
by_customer as (
    select
        waiting.entry_key,
        open_invoices.company_id,
        open_invoices.invoice_id,
        counted.reason,
        counted.evidence
        || case
            when waiting.left_amount = open_invoices.open_amount then ' and the amount is exact.'
            else ' and it is enough to pay it.'
        end as evidence
    from waiting
    cross join tolerances
    inner join counted
        on waiting.entry_key = counted.entry_key
    inner join open_invoices
        on
            waiting.company_id = open_invoices.company_id
            and counted.customer_id = open_invoices.customer_id
            and waiting.currency = open_invoices.currency
            and waiting.booked_on >= open_invoices.issued_on
    where
        waiting.left_amount = open_invoices.open_amount
        or (
            counted.customer_count = 1
            and waiting.left_amount * 10000 >= open_invoices.open_amount * tolerances.possible_payer_basis_points
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

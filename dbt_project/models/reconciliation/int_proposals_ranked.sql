with entries_left as (
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

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

numbers_claimed as (
    select * from {{ ref("int_numbers_claimed") }}
),

text_readings as (
    select * from {{ ref("int_text_readings") }}
),

sets_supposed as (
    select * from {{ ref("int_sets_supposed") }}
),

subsets_found as (
    select * from {{ ref("int_subsets_found") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

-- Named exactly and still not booked: why.
doubts as (
    select
        numbers_claimed.entry_key,
        numbers_claimed.invoice_id,
        numbers_claimed.doubt,
        numbers_claimed.doubt_explanation
    from numbers_claimed
    where numbers_claimed.doubt is not null
),

open_receipts as (
    select
        entries_left.*,
        payers.customer_id,
        payers.payer_customer_id
    from entries_left
    inner join payers
        on entries_left.entry_key = payers.entry_key
    where
        entries_left.amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

open_invoices as (
    select
        items_left.*,
        row_number() over (
            partition by items_left.company_id, items_left.customer_id, items_left.currency
            order by items_left.due_on, items_left.invoice_id
        ) as age_rank,
        row_number() over (
            partition by items_left.company_id, items_left.customer_id, items_left.currency, items_left.open_amount
            order by items_left.due_on, items_left.invoice_id
        ) as amount_age_rank,
        count(*) over (partition by items_left.company_id, items_left.currency, items_left.open_amount) as amount_count
    from items_left
    where items_left.open_amount > 0
),

by_name as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        case
            when open_receipts.currency <> open_invoices.currency then 1
            when open_receipts.payer_customer_id <> open_invoices.customer_id and open_receipts.customer_id is null
                then 5
            else 1
        end as proposal_class,
        case when open_receipts.currency <> open_invoices.currency then 8 else references_resolved.strength end as rung,
        'named' as rule_id,
        case
            when open_receipts.currency <> open_invoices.currency then 'other_currency'
            when not references_resolved.is_unique then 'number_not_unique'
            when doubts.doubt is not null then doubts.doubt
            when open_receipts.payer_customer_id <> open_invoices.customer_id and open_receipts.customer_id is null
                then 'payer_is_someone_else'
            when open_receipts.left_amount = open_invoices.open_amount then 'claimed_twice'
            when open_receipts.left_amount < open_invoices.open_amount then 'part_of_what_is_named'
            else 'named_with_other_amount'
        end as reason,
        coalesce(
            case when open_receipts.currency = open_invoices.currency then doubts.doubt_explanation end,
            'Names "'
            || references_resolved.span_text
            || '"; '
            || open_invoices.open_amount
            || ' '
            || open_invoices.currency
            || ' is open on it, '
            || open_receipts.left_amount
            || ' '
            || open_receipts.currency
            || ' is left of the payment.'
        ) as evidence
    from open_receipts
    inner join references_resolved
        on open_receipts.entry_key = references_resolved.entry_key
    inner join open_invoices
        on
            references_resolved.company_id = open_invoices.company_id
            and references_resolved.invoice_id = open_invoices.invoice_id
    left join doubts
        on
            open_receipts.entry_key = doubts.entry_key
            and open_invoices.invoice_id = doubts.invoice_id
),

-- A number that was damaged on the way, or an order number, without enough beside it.
by_reading as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        case when open_invoices.open_amount = text_readings.rest_amount then 2 else 6 end as proposal_class,
        4 as rung,
        case
            when text_readings.reading = 'order_number' then 'order_number' else 'damaged_number'
        end as rule_id,
        case
            when open_invoices.open_amount <> text_readings.rest_amount then 'damaged_number_and_other_amount'
            when text_readings.reading_count > 1 then 'damaged_number_of_several'
            when text_readings.context = 'nobody' then 'damaged_number_alone'
            else 'damaged_number_claimed_twice'
        end as reason,
        'The text "' || text_readings.span_text || '" may mean ' || open_invoices.invoice_number || ', on which '
        || open_invoices.open_amount || ' ' || open_invoices.currency || ' is open; '
        || case
            when text_readings.reading_count > 1 then 'it may mean another, too.'
            when open_invoices.open_amount <> text_readings.rest_amount then 'the payment is of another amount.'
            when text_readings.context = 'nobody' then 'whose account it was paid from is not known for certain.'
            else 'another payment may mean it, too.'
        end as evidence
    from open_receipts
    inner join text_readings
        on open_receipts.entry_key = text_readings.entry_key
    inner join open_invoices
        on
            text_readings.company_id = open_invoices.company_id
            and text_readings.invoice_id = open_invoices.invoice_id
            and open_receipts.currency = open_invoices.currency
),

-- The one sum of the customer's open items that makes the amount, where it could be chance.
by_only_sum as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        3 as proposal_class,
        6 as rung,
        'only_sum' as rule_id,
        subsets_found.verdict as reason,
        'One of the open items that together are exactly the payment; of the ' || subsets_found.open_items
        || ' open that day no others are'
        || case subsets_found.verdict
            when 'too_many_items' then ', but they are too many to be sure.'
            when 'could_be_chance' then ', which could be chance.'
            else ', but another payment has one of them, too.'
        end as evidence
    from open_receipts
    inner join subsets_found
        on open_receipts.entry_key = subsets_found.entry_key
    inner join open_invoices
        on
            subsets_found.company_id = open_invoices.company_id
            and subsets_found.invoice_id = open_invoices.invoice_id
            and open_receipts.currency = open_invoices.currency
    where subsets_found.verdict <> 'certain'
),

-- Several invoices that add up, by a supposition that is not the only one.
by_set as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        3 as proposal_class,
        5 as rung,
        'several_invoices' as rule_id,
        case when sets_supposed.set_count > 1 then 'several_sets_add_up' else 'set_could_be_another' end as reason,
        'One of '
        || case sets_supposed.rule_id
            when 'payer_and_full_balance' then 'all items open that day'
            when 'payer_and_all_due' then 'all items due that day'
            when 'payer_and_oldest_first' then 'the oldest open invoices'
            else 'the open invoices of one month'
        end
        || ', which add up to the payment; so may others.' as evidence
    from open_receipts
    inner join sets_supposed
        on
            open_receipts.entry_key = sets_supposed.entry_key
            and sets_supposed.item_count >= 2
    inner join open_invoices
        on
            sets_supposed.company_id = open_invoices.company_id
            and sets_supposed.invoice_id = open_invoices.invoice_id
            and open_receipts.currency = open_invoices.currency
),

-- Whose receipts they are, or may be. A name or a number in the text says less than an account.
supposed_payers as (
    select
        open_receipts.entry_key,
        open_receipts.customer_id,
        1 as certainty
    from open_receipts
    where open_receipts.customer_id is not null
    union all
    select
        text_readings.entry_key,
        text_readings.customer_id,
        case text_readings.reading when 'customer_number' then 2 else 3 end as certainty
    from text_readings
    inner join open_receipts
        on
            text_readings.entry_key = open_receipts.entry_key
            and open_receipts.customer_id is null
    cross join tolerances
    where
        text_readings.reading in ('customer_number', 'payer_name')
        and text_readings.reading_count <= tolerances.max_proposals
    union all
    -- A parent pays for its daughter, or one daughter for another, and says nothing.
    select
        open_receipts.entry_key,
        relatives.customer_id,
        4 as certainty
    from open_receipts
    inner join customers as payer
        on
            open_receipts.company_id = payer.company_id
            and open_receipts.customer_id = payer.customer_id
    inner join customers as relatives
        on
            payer.company_id = relatives.company_id
            and coalesce(payer.parent_customer_id, payer.customer_id)
            = coalesce(relatives.parent_customer_id, relatives.customer_id)
            and payer.customer_id <> relatives.customer_id
),

by_amount_of_customer as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        case when supposed_payers.certainty >= 3 then 5 else 4 end as proposal_class,
        -- Where the account is of the family, the invoice is in doubt (rung 5); a name or a number alone says less.
        case when supposed_payers.certainty in (1, 4) then 5 else 8 end as rung,
        case supposed_payers.certainty
            when 1 then 'payer_and_amount'
            when 2 then 'customer_number_and_amount'
            when 4 then 'family_and_amount'
            else 'payer_name_and_amount'
        end as rule_id,
        case supposed_payers.certainty
            when 1 then 'several_of_this_amount'
            when 2 then 'only_a_customer_number'
            when 4 then 'only_of_the_family'
            else 'only_a_name'
        end as reason,
        case supposed_payers.certainty
            when 1 then 'Open invoice of the same amount of the customer that paid, due '
            when 2 then 'Open invoice of the same amount of the customer whose number the text holds, due '
            when 4 then 'Open invoice of the same amount of another customer of the group of the one that paid, due '
            else 'Open invoice of the same amount of a customer of the payer''s name, due '
        end || open_invoices.due_on || '.' as evidence
    from open_receipts
    cross join tolerances
    inner join supposed_payers
        on open_receipts.entry_key = supposed_payers.entry_key
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and supposed_payers.customer_id = open_invoices.customer_id
            and open_receipts.currency = open_invoices.currency
            -- A difference, so that the amount is compared after the customer and never joined on alone.
            and open_receipts.left_amount - open_invoices.open_amount = 0
            and tolerances.max_read_items >= open_invoices.amount_age_rank
),

-- One of the customers that use the account has paid, and this invoice has the amount.
by_shared_account as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        4 as proposal_class,
        5 as rung,
        'one_of_several_payers' as rule_id,
        'account_of_several_customers' as reason,
        'Same amount, and the account it came from is one this customer shares with others or has used once.'
            as evidence
    from open_receipts
    cross join tolerances
    inner join payer_accounts
        on
            open_receipts.company_id = payer_accounts.company_id
            and open_receipts.counterparty_iban = payer_accounts.iban
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and payer_accounts.customer_id = open_invoices.customer_id
            and open_receipts.currency = open_invoices.currency
            -- As above.
            and open_receipts.left_amount - open_invoices.open_amount = 0
            and tolerances.max_read_items >= open_invoices.amount_age_rank
    where open_receipts.customer_id is null
),

-- Whoever else the name of the holder, or the text, speaks of beside the document named.
by_doubt as (
    select distinct
        open_receipts.entry_key,
        open_invoices.invoice_id,
        4 as proposal_class,
        5 as rung,
        'other_customer_and_amount' as rule_id,
        numbers_claimed.doubt as reason,
        'Open invoice of the same amount of the other customer the payment speaks of, due '
        || open_invoices.due_on || '.' as evidence
    from open_receipts
    cross join tolerances
    inner join numbers_claimed
        on open_receipts.entry_key = numbers_claimed.entry_key
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and numbers_claimed.doubt_customer_id = open_invoices.customer_id
            and open_receipts.currency = open_invoices.currency
            -- As above.
            and open_receipts.left_amount - open_invoices.open_amount = 0
            and tolerances.max_read_items >= open_invoices.amount_age_rank
),

by_customer as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        7 as proposal_class,
        5 as rung,
        'payer_only' as rule_id,
        'only_the_customer_is_known' as reason,
        'Among the oldest open invoices of the customer that paid, due ' || open_invoices.due_on || '.' as evidence
    from open_receipts
    cross join tolerances
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and open_receipts.customer_id = open_invoices.customer_id
            and open_receipts.currency = open_invoices.currency
            and tolerances.max_proposals >= open_invoices.age_rank
),

-- The amount alone: only when so few invoices have it that a person can look at all of them.
of_same_amount as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        open_invoices.invoice_number
    from open_receipts
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and open_receipts.currency = open_invoices.currency
            and open_receipts.left_amount = open_invoices.open_amount
            and open_invoices.amount_count <= 3
    where open_receipts.customer_id is null
),

-- Who it is from, nobody knows; but the text is one sign, or two that changed places, from the number of one of these.
slips as (
    select
        of_same_amount.entry_key,
        of_same_amount.invoice_id,
        min(coalesce(bank_references.span_text, bank_references.reference)) as span_text
    from of_same_amount
    cross join tolerances
    inner join bank_references
        on
            of_same_amount.entry_key = bank_references.entry_key
            and bank_references.source in ('remittance', 'structured', 'referred_document')
            and length(bank_references.reference) >= tolerances.min_number_length
            and {{
                is_one_edit_apart(
                    "bank_references.reference", normalised_reference("of_same_amount.invoice_number")
                )
            }}
    group by of_same_amount.entry_key, of_same_amount.invoice_id
),

by_amount as (
    select
        of_same_amount.entry_key,
        of_same_amount.invoice_id,
        case when slips.entry_key is not null then 4 else 8 end as proposal_class,
        case when slips.entry_key is not null then 4 else 8 end as rung,
        case when slips.entry_key is not null then 'damaged_number' else 'amount_only' end as rule_id,
        case when slips.entry_key is not null then 'damaged_number_alone' else 'amount_only' end as reason,
        coalesce(
            'The text "' || slips.span_text || '" is one slip from ' || of_same_amount.invoice_number
            || ' and the amount is exact; whose account it was paid from is not known for certain.',
            'Same amount as the whole open amount; nothing else points to it.'
        ) as evidence
    from of_same_amount
    left join slips
        on
            of_same_amount.entry_key = slips.entry_key
            and of_same_amount.invoice_id = slips.invoice_id
),

candidates as (
    select * from by_name
    union all
    select * from by_reading
    union all
    select * from by_only_sum
    union all
    select * from by_set
    union all
    select * from by_amount_of_customer
    union all
    select * from by_shared_account
    union all
    select * from by_doubt
    union all
    select * from by_customer
    union all
    select * from by_amount
),

best as (
    select
        candidates.*,
        row_number() over (
            partition by candidates.entry_key, candidates.invoice_id
            order by candidates.proposal_class, candidates.rung, candidates.rule_id, candidates.evidence
        ) as telling_rank
    from candidates
),

ranked as (
    select
        best.entry_key,
        open_receipts.company_id,
        open_invoices.customer_id,
        best.invoice_id,
        case
            when best.reason = 'other_currency' then open_receipts.left_amount
            else least(open_receipts.left_amount, open_invoices.open_amount)
        end as proposed_amount,
        open_receipts.currency,
        best.rung,
        best.rule_id,
        best.reason,
        best.evidence,
        row_number() over (
            partition by best.entry_key
            order by
                best.proposal_class,
                best.rung,
                -- What was not issued yet is what a payer least means; then the nearest amount and due date.
                open_invoices.issued_on > open_receipts.booked_on,
                abs(open_invoices.open_amount - open_receipts.left_amount),
                abs(open_invoices.due_on - open_receipts.booked_on),
                open_invoices.due_on,
                best.invoice_id
        ) as proposal_rank
    from best
    inner join open_receipts
        on best.entry_key = open_receipts.entry_key
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and best.invoice_id = open_invoices.invoice_id
    left join match_answers
        on
            best.entry_key = match_answers.entry_key
            and open_receipts.company_id = match_answers.company_id
            and best.invoice_id = match_answers.invoice_id
            and match_answers.answer = 'rejected'
    where best.telling_rank = 1 and match_answers.entry_key is null
),

final as (
    select ranked.*
    from ranked
    cross join tolerances
    where ranked.proposal_rank <= tolerances.max_proposals
)

select * from final

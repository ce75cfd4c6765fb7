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

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
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
        1 as proposal_class,
        references_resolved.strength as rung,
        'named' as rule_id,
        case
            when not references_resolved.is_unique then 'number_not_unique'
            when open_receipts.payer_customer_id <> open_invoices.customer_id and open_receipts.customer_id is null
                then 'payer_is_someone_else'
            when open_receipts.left_amount = open_invoices.open_amount then 'claimed_twice'
            else 'named_with_other_amount'
        end as reason,
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
            as evidence
    from open_receipts
    inner join references_resolved
        on open_receipts.entry_key = references_resolved.entry_key
    inner join open_invoices
        on
            references_resolved.company_id = open_invoices.company_id
            and references_resolved.invoice_id = open_invoices.invoice_id
            and open_receipts.currency = open_invoices.currency
),

by_amount_of_customer as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        2 as proposal_class,
        5 as rung,
        'payer_and_amount' as rule_id,
        'several_of_this_amount' as reason,
        'Open invoice of the same amount of the customer that paid, due ' || open_invoices.due_on || '.' as evidence
    from open_receipts
    cross join tolerances
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and open_receipts.customer_id = open_invoices.customer_id
            and open_receipts.currency = open_invoices.currency
            and open_receipts.left_amount = open_invoices.open_amount
            and tolerances.max_proposals >= open_invoices.amount_age_rank
),

-- One of the customers that use the account has paid, and this invoice has the amount.
by_shared_account as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        2 as proposal_class,
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
            -- A difference, so that the amount is compared after the customer and never joined on alone.
            and open_receipts.left_amount - open_invoices.open_amount = 0
            and tolerances.max_proposals >= open_invoices.amount_age_rank
    where open_receipts.customer_id is null
),

by_customer as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        3 as proposal_class,
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
by_amount as (
    select
        open_receipts.entry_key,
        open_invoices.invoice_id,
        4 as proposal_class,
        8 as rung,
        'amount_only' as rule_id,
        'amount_only' as reason,
        'Same amount as the whole open amount; nothing else points to it.' as evidence
    from open_receipts
    inner join open_invoices
        on
            open_receipts.company_id = open_invoices.company_id
            and open_receipts.currency = open_invoices.currency
            and open_receipts.left_amount = open_invoices.open_amount
            and open_invoices.amount_count <= 3
    where open_receipts.customer_id is null
),

candidates as (
    select * from by_name
    union all
    select * from by_amount_of_customer
    union all
    select * from by_shared_account
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
            order by candidates.proposal_class, candidates.rung, candidates.evidence
        ) as telling_rank
    from candidates
),

ranked as (
    select
        best.entry_key,
        open_receipts.company_id,
        open_invoices.customer_id,
        best.invoice_id,
        least(open_receipts.left_amount, open_invoices.open_amount) as proposed_amount,
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
                abs(open_invoices.open_amount - open_receipts.left_amount),
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

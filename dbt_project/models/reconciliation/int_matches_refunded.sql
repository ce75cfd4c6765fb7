with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

standing as (
    select * from {{ ref("int_standing_reviewed") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__account_owners") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{ left_after(rungs_before("int_matches_refunded")) }},

named_once as (
    select
        references_resolved.entry_key,
        count(distinct references_resolved.invoice_id) as invoice_count,
        bool_and(references_resolved.is_unique) as is_unique,
        min(references_resolved.invoice_id) as invoice_id,
        min(references_resolved.span_text) as span_text
    from references_resolved
    inner join entries_left
        on references_resolved.entry_key = entries_left.entry_key
    where not references_resolved.is_rejected
    group by references_resolved.entry_key
),

-- Money that we sent, not to an account of our own.
refunds as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.counterparty_iban,
        -entries_left.left_amount as amount,
        coalesce(named_once.invoice_count, 0) as named_count,
        case when named_once.invoice_count = 1 and named_once.is_unique then named_once.invoice_id end as named_id,
        named_once.span_text
    from entries_left
    left join named_once
        on entries_left.entry_key = named_once.entry_key
    left join company_accounts
        on
            entries_left.company_id = company_accounts.company_id
            and entries_left.counterparty_iban = company_accounts.account_iban
    where
        entries_left.amount < 0
        and entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and company_accounts.account_iban is null
),

placed as (
    select
        standing.entry_key,
        standing.invoice_id
    from standing
    inner join entries_left
        on standing.entry_key = entries_left.entry_key
    where standing.undone_reason is null and standing.component = 'principal'
    union
    select
        earlier_matches.entry_key,
        earlier_matches.invoice_id
    from earlier_matches
    inner join entries_left
        on earlier_matches.entry_key = entries_left.entry_key
),

placed_once as (
    select
        placed.entry_key,
        count(*) as invoice_count,
        min(placed.invoice_id) as invoice_id
    from placed
    group by placed.entry_key
),

-- Paid too much, or paid twice: money left of an entry whose one invoice takes nothing more.
overpaid as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.counterparty_iban,
        entries_left.left_amount as amount,
        documents.invoice_id,
        documents.customer_id
    from entries_left
    left join placed_once
        on entries_left.entry_key = placed_once.entry_key
    left join named_once
        on
            entries_left.entry_key = named_once.entry_key
            and placed_once.entry_key is null
            and named_once.is_unique
    inner join documents
        on
            entries_left.company_id = documents.company_id
            and coalesce(placed_once.invoice_id, named_once.invoice_id) = documents.document_id
            and documents.kind = 'invoice'
            and entries_left.currency = documents.currency
            and not documents.is_cancelled
    left join items_left
        on
            documents.company_id = items_left.company_id
            and documents.document_id = items_left.invoice_id
    where
        entries_left.amount > 0
        and entries_left.left_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
        and coalesce(placed_once.invoice_count, named_once.invoice_count) = 1
        and items_left.invoice_id is null
),

credit_notes as (
    select
        items_left.company_id,
        items_left.invoice_id,
        items_left.customer_id,
        items_left.currency,
        items_left.issued_on,
        -items_left.open_amount as amount
    from items_left
    where items_left.kind = 'credit_note' and items_left.open_amount < 0
),

-- What a refund may give back: named by it, or, where it names nothing, known by the account it went to.
candidates as (
    select
        refunds.entry_key as refund_key,
        overpaid.entry_key as payment_key,
        overpaid.company_id,
        overpaid.customer_id,
        overpaid.invoice_id,
        overpaid.amount,
        overpaid.currency,
        refunds.booked_on as refunded_on,
        overpaid.booked_on as paid_on,
        refunds.span_text
    from refunds
    cross join tolerances
    inner join overpaid
        on
            refunds.company_id = overpaid.company_id
            and refunds.currency = overpaid.currency
            and (
                refunds.named_id = overpaid.invoice_id
                or (refunds.named_count = 0 and refunds.counterparty_iban = overpaid.counterparty_iban)
            )
            and refunds.amount - overpaid.amount = 0
            and refunds.booked_on >= overpaid.booked_on
            and refunds.booked_on - overpaid.booked_on <= tolerances.return_days
    union all
    select
        refunds.entry_key as refund_key,
        null as payment_key,
        credit_notes.company_id,
        credit_notes.customer_id,
        credit_notes.invoice_id,
        credit_notes.amount,
        credit_notes.currency,
        refunds.booked_on as refunded_on,
        credit_notes.issued_on as paid_on,
        refunds.span_text
    from refunds
    inner join credit_notes
        on
            refunds.company_id = credit_notes.company_id
            and refunds.currency = credit_notes.currency
            and refunds.amount - credit_notes.amount = 0
            and refunds.booked_on >= credit_notes.issued_on
    left join payer_accounts
        on
            refunds.company_id = payer_accounts.company_id
            and refunds.counterparty_iban = payer_accounts.iban
            and credit_notes.customer_id = payer_accounts.customer_id
            and payer_accounts.customer_count = 1
            and payer_accounts.is_trusted
    where
        refunds.named_id = credit_notes.invoice_id
        or (refunds.named_count = 0 and payer_accounts.iban is not null)
),

counted as (
    select
        candidates.*,
        count(*) over (partition by candidates.refund_key) as refund_count,
        count(*) over (
            partition by candidates.company_id, coalesce(candidates.payment_key, candidates.invoice_id)
        ) as credit_count
    from candidates
),

rejected as (
    select
        match_answers.entry_key,
        match_answers.company_id,
        match_answers.invoice_id
    from match_answers
    where match_answers.answer = 'rejected'
),

rules_of_halves as (
    select count(*) = 2 as are_both_on
    from rules
    where rules.rule_id in ('overpayment_refunded', 'refund_of_overpayment') and rules.is_automatic
),

-- Exact and the only one, seen from both sides: anything else is for a person. What was paid too much and what went
-- back settle each other together or not at all: half of it would be a credit that is owed twice, or to nobody.
paired as (
    select counted.*
    from counted
    cross join rules_of_halves
    left join rejected as rejected_refund
        on
            counted.refund_key = rejected_refund.entry_key
            and counted.company_id = rejected_refund.company_id
            and counted.invoice_id = rejected_refund.invoice_id
    left join rejected as rejected_payment
        on
            counted.payment_key = rejected_payment.entry_key
            and counted.company_id = rejected_payment.company_id
            and counted.invoice_id = rejected_payment.invoice_id
    where
        counted.refund_count = 1
        and counted.credit_count = 1
        and rejected_refund.entry_key is null
        and rejected_payment.entry_key is null
        and (counted.payment_key is null or rules_of_halves.are_both_on)
),

claims as (
    select
        paired.payment_key as entry_key,
        paired.company_id,
        paired.customer_id,
        paired.invoice_id,
        'overpayment_refunded' as rule_id,
        paired.amount,
        paired.currency,
        'What was paid too much went back on ' || paired.refunded_on || ' (entry ' || paired.refund_key || ').'
            as evidence,
        paired.paid_on as booked_on
    from paired
    where paired.payment_key is not null
    union all
    select
        paired.refund_key as entry_key,
        paired.company_id,
        paired.customer_id,
        paired.invoice_id,
        case when paired.payment_key is null then 'refund_of_credit_note' else 'refund_of_overpayment' end as rule_id,
        -paired.amount as amount,
        paired.currency,
        coalesce('The text names "' || paired.span_text || '"', 'It went to the account of the customer')
        || case
            when paired.payment_key is null then ' and is exactly what that credit note gives.'
            else
                ' and is exactly what the payment of ' || paired.paid_on || ' (entry ' || paired.payment_key
                || ') paid too much.'
        end as evidence,
        paired.refunded_on as booked_on
    from paired
),

final as (
    select
        {{ match_columns("claims", "rules") }}
    from claims
    inner join rules
        on
            claims.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

with standing as (
    select * from {{ ref("stg_operations__allocations") }}
),

entries as (
    select * from {{ ref("entries") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

accounts_revoked as (
    select * from {{ ref("int_accounts_revoked") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

rejected as (
    select
        match_answers.entry_key,
        match_answers.company_id,
        match_answers.invoice_id,
        match_answers.answered_on,
        match_answers.recorded_by
    from match_answers
    where match_answers.answer = 'rejected'
),

confirmed as (
    select
        match_answers.entry_key,
        match_answers.company_id,
        match_answers.invoice_id,
        match_answers.amount,
        match_answers.answered_on,
        match_answers.recorded_by
    from match_answers
    where match_answers.answer = 'confirmed'
),

confirmed_entries as (
    select distinct
        confirmed.entry_key,
        confirmed.company_id
    from confirmed
),

-- Principal, interest and costs together: one answer about an invoice is about all that was placed on it.
standing_wholes as (
    select
        standing.entry_key,
        standing.company_id,
        standing.invoice_id,
        sum(standing.amount) as amount
    from standing
    inner join confirmed_entries
        on
            standing.entry_key = confirmed_entries.entry_key
            and standing.company_id = confirmed_entries.company_id
    group by standing.entry_key, standing.company_id, standing.invoice_id
),

-- A person placed the money of an entry on another document, and there is not enough of it for both.
moved_by_person as (
    select
        standing.entry_key,
        standing.company_id,
        standing.invoice_id,
        min(confirmed.answered_on) as undone_on,
        min(confirmed.recorded_by) as recorded_by
    from standing_wholes as standing
    inner join entries
        on standing.entry_key = entries.entry_key
    inner join confirmed
        on
            standing.entry_key = confirmed.entry_key
            and standing.company_id = confirmed.company_id
            and standing.invoice_id <> confirmed.invoice_id
    inner join documents
        on
            confirmed.company_id = documents.company_id
            and confirmed.invoice_id = documents.document_id
    left join confirmed as confirmed_here
        on
            standing.entry_key = confirmed_here.entry_key
            and standing.company_id = confirmed_here.company_id
            and standing.invoice_id = confirmed_here.invoice_id
    where
        confirmed_here.entry_key is null
        and standing.amount > 0
        and standing.amount + coalesce(confirmed.amount, least(entries.amount, documents.document_amount))
        > entries.amount
    group by standing.entry_key, standing.company_id, standing.invoice_id
),

-- Weak evidence (payer and amount) gives way to an entry that names the document by a checked reference.
contradicted as (
    select
        standing.entry_key,
        standing.company_id,
        standing.invoice_id,
        min(naming.booked_on) as undone_on,
        min(references_resolved.span_text) as span_text,
        min(case when naming_stands.entry_key is null then 1 else 0 end) as is_new
    from standing
    inner join references_resolved
        on
            standing.company_id = references_resolved.company_id
            and standing.invoice_id = references_resolved.invoice_id
            and standing.entry_key <> references_resolved.entry_key
    inner join entries as naming
        on references_resolved.entry_key = naming.entry_key
    left join standing as naming_stands
        on
            references_resolved.entry_key = naming_stands.entry_key
            and references_resolved.company_id = naming_stands.company_id
            and references_resolved.invoice_id = naming_stands.invoice_id
    where
        standing.rung >= 4
        and references_resolved.strength <= 2
        and references_resolved.is_unique
        and not references_resolved.is_rejected
        -- A difference, so that no engine joins on amounts, of which half a ledger may share twenty.
        and naming.amount - standing.amount = 0
        and naming.currency = standing.currency
        and not naming.is_return
    group by standing.entry_key, standing.company_id, standing.invoice_id
),

-- What leaned on whose account it was falls with that account.
leaning_on_revoked as (
    select
        standing.entry_key,
        standing.company_id,
        standing.invoice_id,
        accounts_revoked.revoked_on,
        accounts_revoked.evidence
    from accounts_revoked
    inner join entries
        on
            accounts_revoked.company_id = entries.company_id
            and accounts_revoked.iban = entries.counterparty_iban
    inner join standing
        on
            entries.entry_key = standing.entry_key
            and accounts_revoked.company_id = standing.company_id
            and accounts_revoked.revoked_on >= standing.allocated_on
    inner join rules
        on
            standing.rule_id = rules.rule_id
            and rules.leans_on_account
    inner join documents
        on
            standing.company_id = documents.company_id
            and standing.invoice_id = documents.document_id
            and accounts_revoked.customer_id = documents.customer_id
),

last_run_of_invoices as (
    select
        standing.as_of_date,
        standing.company_id,
        standing.invoice_id,
        sum(standing.amount) as amount
    from standing
    where standing.is_of_last_run and standing.component = 'principal'
    group by standing.as_of_date, standing.company_id, standing.invoice_id
),

last_run_of_entries as (
    select
        standing.as_of_date,
        standing.entry_key,
        sum(standing.amount) as amount
    from standing
    where standing.is_of_last_run
    group by standing.as_of_date, standing.entry_key
),

-- A later run of the same day, with more known, placed other money on the invoice, or this money elsewhere.
computed_again as (
    select
        standing.entry_key,
        standing.company_id,
        standing.invoice_id
    from standing
    inner join entries
        on standing.entry_key = entries.entry_key
    inner join documents
        on
            standing.company_id = documents.company_id
            and standing.invoice_id = documents.document_id
    left join last_run_of_invoices
        on
            standing.as_of_date = last_run_of_invoices.as_of_date
            and standing.company_id = last_run_of_invoices.company_id
            and standing.invoice_id = last_run_of_invoices.invoice_id
    left join last_run_of_entries
        on
            standing.as_of_date = last_run_of_entries.as_of_date
            and standing.entry_key = last_run_of_entries.entry_key
    where
        not standing.is_of_last_run
        and standing.amount > 0
        and (
            (
                standing.component = 'principal'
                and standing.amount + last_run_of_invoices.amount > documents.document_amount
            )
            or standing.amount + last_run_of_entries.amount > entries.amount
        )
),

final as (
    select
        standing.entry_key,
        standing.company_id,
        documents.customer_id as current_customer_id,
        standing.customer_id,
        standing.invoice_id,
        standing.component,
        standing.amount,
        standing.currency,
        standing.rung,
        standing.rule_id,
        standing.evidence,
        standing.policy_id,
        entries.booked_on,
        entries.counterparty_iban,
        standing.allocated_on,
        case
            when rejected.entry_key is not null or moved_by_person.entry_key is not null then 'rejected_by_person'
            when documents.document_id is null or documents.is_cancelled then 'invoice_cancelled'
            when computed_again.entry_key is not null then 'computed_again'
            when leaning_on_revoked.entry_key is not null then 'account_revoked'
            when contradicted.entry_key is not null then 'contrary_evidence'
        end as undone_reason,
        coalesce(
            rejected.answered_on, moved_by_person.undone_on, leaning_on_revoked.revoked_on, contradicted.undone_on
        ) as undone_on,
        coalesce(contradicted.is_new = 1, false) as is_newly_contradicted,
        case
            when rejected.entry_key is not null then rejected.recorded_by || ' rejected this match.'
            when moved_by_person.entry_key is not null
                then moved_by_person.recorded_by || ' placed this payment on another invoice.'
            when documents.document_id is null or documents.is_cancelled then 'The invoice was cancelled in billing.'
            when leaning_on_revoked.entry_key is not null
                then 'It leaned on the account it came from: ' || leaning_on_revoked.evidence
            when contradicted.entry_key is not null
                then 'Another payment of the same amount names this invoice by "' || contradicted.span_text || '".'
        end as undone_evidence
    from standing
    inner join entries
        on standing.entry_key = entries.entry_key
    left join documents
        on
            standing.company_id = documents.company_id
            and standing.invoice_id = documents.document_id
    left join rejected
        on
            standing.entry_key = rejected.entry_key
            and standing.company_id = rejected.company_id
            and standing.invoice_id = rejected.invoice_id
    left join moved_by_person
        on
            standing.entry_key = moved_by_person.entry_key
            and standing.company_id = moved_by_person.company_id
            and standing.invoice_id = moved_by_person.invoice_id
    left join contradicted
        on
            standing.entry_key = contradicted.entry_key
            and standing.company_id = contradicted.company_id
            and standing.invoice_id = contradicted.invoice_id
    left join leaning_on_revoked
        on
            standing.entry_key = leaning_on_revoked.entry_key
            and standing.company_id = leaning_on_revoked.company_id
            and standing.invoice_id = leaning_on_revoked.invoice_id
    left join computed_again
        on
            standing.entry_key = computed_again.entry_key
            and standing.company_id = computed_again.company_id
            and standing.invoice_id = computed_again.invoice_id
)

select * from final

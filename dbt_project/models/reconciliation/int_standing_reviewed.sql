-- What of earlier days' allocations is undone, and why. Only those are looked at that the comparison did not prove, and
-- those of entries whose references are looked up; all others stand as they were recorded (`int_standing_judged`).
with unproven as (
    select * from {{ ref("int_standing_unproven") }}
),

recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

entries_consulted as (
    select * from {{ ref("int_entries_consulted") }}
),

entries_compared as (
    select * from {{ ref("int_entries_compared") }}
),

days as (
    select * from {{ ref("int_days_allocated") }}
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

-- Of an entry that is consulted though it is placed whole: no newer version can have taken the place of these.
proven as (
    select recorded.*
    from recorded
    inner join entries_consulted
        on recorded.entry_key = entries_consulted.entry_key
    left join entries_compared
        on recorded.entry_key = entries_compared.entry_key
    left join unproven
        on recorded.seq = unproven.seq
    where entries_compared.key_hash is null and unproven.seq is null
),

standing as (
    select unproven.*
    from unproven
    union all
    select
        proven.seq,
        proven.as_of_date,
        proven.entry_key,
        proven.company_id,
        proven.customer_id,
        proven.invoice_id,
        proven.component,
        proven.amount,
        proven.currency,
        proven.rung,
        proven.rule_id,
        proven.evidence,
        proven.policy_id,
        proven.allocated_on,
        proven.run_id = days.last_run_id as is_of_last_run
    from proven
    inner join days
        on proven.as_of_date = days.as_of_date
),

-- What may be undone is all of entries that are looked at.
looked_at as (
    select
        allocations.entry_key,
        allocations.company_id,
        allocations.invoice_id,
        allocations.component,
        allocations.amount,
        allocations.currency,
        allocations.rung,
        allocations.rule_id,
        allocations.as_of_date,
        allocations.allocated_on,
        allocations.is_of_last_run
    from standing as allocations
    inner join entries_consulted
        on allocations.entry_key = entries_consulted.entry_key
),

documents_looked_at as (
    select
        documents.company_id,
        documents.document_id,
        documents.customer_id,
        documents.document_amount
    from {{ ref("int_documents_named") }} as documents
    inner join (
        select
            looked_at.company_id,
            looked_at.invoice_id
        from looked_at
        union
        select
            match_answers.company_id,
            match_answers.invoice_id
        from match_answers
    ) as wanted
        on
            documents.company_id = wanted.company_id
            and documents.document_id = wanted.invoice_id
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
        looked_at.entry_key,
        looked_at.company_id,
        looked_at.invoice_id,
        sum(looked_at.amount) as amount
    from looked_at
    inner join confirmed_entries
        on
            looked_at.entry_key = confirmed_entries.entry_key
            and looked_at.company_id = confirmed_entries.company_id
    group by looked_at.entry_key, looked_at.company_id, looked_at.invoice_id
),

-- A person placed the money of an entry on another document, and there is not enough of it for both.
moved_by_person as (
    select
        looked_at.entry_key,
        looked_at.company_id,
        looked_at.invoice_id,
        min(confirmed.answered_on) as undone_on,
        min(confirmed.recorded_by) as recorded_by
    from standing_wholes as looked_at
    inner join entries
        on looked_at.entry_key = entries.entry_key
    inner join confirmed
        on
            looked_at.entry_key = confirmed.entry_key
            and looked_at.company_id = confirmed.company_id
            and looked_at.invoice_id <> confirmed.invoice_id
    inner join documents_looked_at as documents
        on
            confirmed.company_id = documents.company_id
            and confirmed.invoice_id = documents.document_id
    left join confirmed as confirmed_here
        on
            looked_at.entry_key = confirmed_here.entry_key
            and looked_at.company_id = confirmed_here.company_id
            and looked_at.invoice_id = confirmed_here.invoice_id
    where
        confirmed_here.entry_key is null
        and looked_at.amount > 0
        and looked_at.amount + coalesce(confirmed.amount, least(entries.amount, documents.document_amount))
        > entries.amount
    group by looked_at.entry_key, looked_at.company_id, looked_at.invoice_id
),

-- Weak evidence (payer and amount) gives way to an entry that names the document by a checked reference.
contradicted as (
    select
        looked_at.entry_key,
        looked_at.company_id,
        looked_at.invoice_id,
        min(naming.booked_on) as undone_on,
        min(references_resolved.span_text) as span_text,
        min(case when naming_stands.entry_key is null then 1 else 0 end) as is_new
    from looked_at
    inner join references_resolved
        on
            looked_at.company_id = references_resolved.company_id
            and looked_at.invoice_id = references_resolved.invoice_id
            and looked_at.entry_key <> references_resolved.entry_key
    inner join entries as naming
        on references_resolved.entry_key = naming.entry_key
    left join looked_at as naming_stands
        on
            references_resolved.entry_key = naming_stands.entry_key
            and references_resolved.company_id = naming_stands.company_id
            and references_resolved.invoice_id = naming_stands.invoice_id
    left join references_resolved as own_reference
        on
            looked_at.entry_key = own_reference.entry_key
            and looked_at.company_id = own_reference.company_id
            and looked_at.invoice_id = own_reference.invoice_id
            and own_reference.strength <= 2
            and not own_reference.is_rejected
    where
        looked_at.rung >= 4
        -- Short by a discount, it may name the document as well as the other does: then the other was sent twice.
        and own_reference.entry_key is null
        and references_resolved.strength <= 2
        and references_resolved.is_unique
        and not references_resolved.is_rejected
        -- A difference, so that no engine joins on amounts, of which half a ledger may share twenty.
        and naming.amount - looked_at.amount = 0
        and naming.currency = looked_at.currency
        and not naming.is_return
    group by looked_at.entry_key, looked_at.company_id, looked_at.invoice_id
),

-- What leaned on whose account it was falls with that account.
leaning_on_revoked as (
    select
        looked_at.entry_key,
        looked_at.company_id,
        looked_at.invoice_id,
        accounts_revoked.revoked_on,
        accounts_revoked.evidence
    from accounts_revoked
    inner join entries
        on
            accounts_revoked.company_id = entries.company_id
            and accounts_revoked.iban = entries.counterparty_iban
    inner join looked_at
        on
            entries.entry_key = looked_at.entry_key
            and accounts_revoked.company_id = looked_at.company_id
            and accounts_revoked.revoked_on >= looked_at.allocated_on
    inner join rules
        on
            looked_at.rule_id = rules.rule_id
            and rules.leans_on_account
    inner join documents_looked_at as documents
        on
            looked_at.company_id = documents.company_id
            and looked_at.invoice_id = documents.document_id
            and accounts_revoked.customer_id = documents.customer_id
),

last_run_of_invoices as (
    select
        looked_at.as_of_date,
        looked_at.company_id,
        looked_at.invoice_id,
        sum(looked_at.amount) as amount
    from looked_at
    where looked_at.is_of_last_run and looked_at.component = 'principal'
    group by looked_at.as_of_date, looked_at.company_id, looked_at.invoice_id
),

last_run_of_entries as (
    select
        looked_at.as_of_date,
        looked_at.entry_key,
        sum(looked_at.amount) as amount
    from looked_at
    where looked_at.is_of_last_run
    group by looked_at.as_of_date, looked_at.entry_key
),

-- A later run of the same day, with more known, placed other money on the invoice, or this money elsewhere.
computed_again as (
    select
        looked_at.entry_key,
        looked_at.company_id,
        looked_at.invoice_id
    from looked_at
    inner join entries
        on looked_at.entry_key = entries.entry_key
    inner join documents_looked_at as documents
        on
            looked_at.company_id = documents.company_id
            and looked_at.invoice_id = documents.document_id
    left join last_run_of_invoices
        on
            looked_at.as_of_date = last_run_of_invoices.as_of_date
            and looked_at.company_id = last_run_of_invoices.company_id
            and looked_at.invoice_id = last_run_of_invoices.invoice_id
    left join last_run_of_entries
        on
            looked_at.as_of_date = last_run_of_entries.as_of_date
            and looked_at.entry_key = last_run_of_entries.entry_key
    where
        not looked_at.is_of_last_run
        and looked_at.amount > 0
        and (
            (
                looked_at.component = 'principal'
                and looked_at.amount + last_run_of_invoices.amount > documents.document_amount
            )
            or looked_at.amount + last_run_of_entries.amount > entries.amount
        )
),

-- One row per allocation that something speaks against.
reasons as (
    select
        rejected.entry_key,
        rejected.company_id,
        rejected.invoice_id,
        rejected.recorded_by as rejected_by,
        rejected.answered_on as rejected_on,
        cast(null as varchar) as moved_by,
        cast(null as date) as moved_on,
        false as is_computed_again,
        cast(null as varchar) as revoked_evidence,
        cast(null as date) as revoked_on,
        cast(null as varchar) as contrary_text,
        cast(null as date) as contradicted_on,
        0 as is_new
    from rejected
    union all
    select
        moved_by_person.entry_key,
        moved_by_person.company_id,
        moved_by_person.invoice_id,
        null as rejected_by,
        null as rejected_on,
        moved_by_person.recorded_by as moved_by,
        moved_by_person.undone_on as moved_on,
        false as is_computed_again,
        null as revoked_evidence,
        null as revoked_on,
        null as contrary_text,
        null as contradicted_on,
        0 as is_new
    from moved_by_person
    union all
    select
        computed_again.entry_key,
        computed_again.company_id,
        computed_again.invoice_id,
        null as rejected_by,
        null as rejected_on,
        null as moved_by,
        null as moved_on,
        true as is_computed_again,
        null as revoked_evidence,
        null as revoked_on,
        null as contrary_text,
        null as contradicted_on,
        0 as is_new
    from computed_again
    union all
    select
        leaning_on_revoked.entry_key,
        leaning_on_revoked.company_id,
        leaning_on_revoked.invoice_id,
        null as rejected_by,
        null as rejected_on,
        null as moved_by,
        null as moved_on,
        false as is_computed_again,
        leaning_on_revoked.evidence as revoked_evidence,
        leaning_on_revoked.revoked_on,
        null as contrary_text,
        null as contradicted_on,
        0 as is_new
    from leaning_on_revoked
    union all
    select
        contradicted.entry_key,
        contradicted.company_id,
        contradicted.invoice_id,
        null as rejected_by,
        null as rejected_on,
        null as moved_by,
        null as moved_on,
        false as is_computed_again,
        null as revoked_evidence,
        null as revoked_on,
        contradicted.span_text as contrary_text,
        contradicted.undone_on as contradicted_on,
        contradicted.is_new
    from contradicted
),

undone as (
    select
        reasons.entry_key,
        reasons.company_id,
        reasons.invoice_id,
        max(reasons.rejected_by) as rejected_by,
        max(reasons.rejected_on) as rejected_on,
        max(reasons.moved_by) as moved_by,
        max(reasons.moved_on) as moved_on,
        bool_or(reasons.is_computed_again) as is_computed_again,
        max(reasons.revoked_evidence) as revoked_evidence,
        max(reasons.revoked_on) as revoked_on,
        max(reasons.contrary_text) as contrary_text,
        max(reasons.contradicted_on) as contradicted_on,
        max(reasons.is_new) as is_new
    from reasons
    group by reasons.entry_key, reasons.company_id, reasons.invoice_id
),

documents_of_standing as (
    select distinct
        standing.company_id,
        standing.invoice_id
    from standing
),

documents_paid as (
    select
        documents.company_id,
        documents.document_id,
        documents.customer_id,
        documents.is_cancelled
    from documents
    inner join documents_of_standing
        on
            documents.company_id = documents_of_standing.company_id
            and documents.document_id = documents_of_standing.invoice_id
),

final as (
    select
        standing.seq,
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
            when undone.rejected_on is not null or undone.moved_on is not null then 'rejected_by_person'
            when documents.document_id is null or documents.is_cancelled then 'invoice_cancelled'
            when undone.is_computed_again then 'computed_again'
            when undone.revoked_on is not null then 'account_revoked'
            when undone.contradicted_on is not null then 'contrary_evidence'
        end as undone_reason,
        coalesce(undone.rejected_on, undone.moved_on, undone.revoked_on, undone.contradicted_on) as undone_on,
        coalesce(undone.is_new = 1, false) as is_newly_contradicted,
        case
            when undone.rejected_on is not null then undone.rejected_by || ' rejected this match.'
            when undone.moved_on is not null then undone.moved_by || ' placed this payment on another invoice.'
            when documents.document_id is null or documents.is_cancelled then 'The invoice was cancelled in billing.'
            when undone.revoked_on is not null
                then 'It leaned on the account it came from: ' || undone.revoked_evidence
            when undone.contradicted_on is not null
                then 'Another payment of the same amount names this invoice by "' || undone.contrary_text || '".'
        end as undone_evidence
    from standing
    inner join entries
        on standing.entry_key = entries.entry_key
    left join documents_paid as documents
        on
            standing.company_id = documents.company_id
            and standing.invoice_id = documents.document_id
    left join undone
        on
            standing.entry_key = undone.entry_key
            and standing.company_id = undone.company_id
            and standing.invoice_id = undone.invoice_id
)

select * from final

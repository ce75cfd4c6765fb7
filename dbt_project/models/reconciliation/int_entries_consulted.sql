-- Whose references are looked up at all. Nearly every entry of the past is placed in full, and what its text names can
-- change nothing any more; to look it up again every day would be most of the day's work. What was placed on weak
-- evidence is looked at only when something may speak against it. The list may hold an entry too many, never one too
-- few: what decides is still decided where the references are read.
with entries as (
    select * from {{ ref("entries") }}
),

entries_compared as (
    select * from {{ ref("int_entries_compared") }}
),

unproven as (
    select * from {{ ref("int_standing_unproven") }}
),

recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

-- What a later run of a day placed on an invoice may undo what an earlier one did: both are looked at.
placed_by_earlier_runs as (
    select distinct
        unproven.as_of_date,
        unproven.company_id,
        unproven.invoice_id
    from unproven
    where not unproven.is_of_last_run
),

documents_unproven as (
    select
        documents.company_id,
        documents.document_id,
        documents.is_cancelled
    from documents
    inner join (
        select distinct
            unproven.company_id,
            unproven.invoice_id
        from unproven
    ) as wanted
        on
            documents.company_id = wanted.company_id
            and documents.document_id = wanted.invoice_id
),

placed as (
    select
        unproven.entry_key,
        sum(unproven.amount) as amount,
        -- What may be undone: what a later run of its day may have placed anew, what was cancelled.
        bool_or(
            not unproven.is_of_last_run
            or placed_by_earlier_runs.invoice_id is not null
            or documents_unproven.document_id is null
            or documents_unproven.is_cancelled
        ) as may_be_undone
    from unproven
    left join documents_unproven
        on
            unproven.company_id = documents_unproven.company_id
            and unproven.invoice_id = documents_unproven.document_id
    left join placed_by_earlier_runs
        on
            unproven.as_of_date = placed_by_earlier_runs.as_of_date
            and unproven.company_id = placed_by_earlier_runs.company_id
            and unproven.invoice_id = placed_by_earlier_runs.invoice_id
    group by unproven.entry_key
),

unsettled as (
    select entries.entry_key
    from entries
    inner join entries_compared
        on entries.entry_key = entries_compared.entry_key
    left join placed
        on entries.entry_key = placed.entry_key
    where placed.entry_key is null or entries.amount <> placed.amount
    union
    select placed.entry_key
    from placed
    where placed.may_be_undone
    union
    select entries.entry_key
    from entries
    where entries.is_return or entries.is_reversal
),

returning_entries as (
    select
        entries.entry_key,
        entries.end_to_end_id
    from entries
    where entries.is_return or entries.is_reversal
),

references_of_returns as (
    select
        bank_references.kind,
        bank_references.reference
    from {{ ref("stg_bank__entry_references") }} as bank_references
    inner join returning_entries
        on bank_references.entry_key = returning_entries.entry_key
),

-- What a return names, to find the receipt that names the same.
named_by_returns as (
    select references_of_returns.reference as reference_key
    from references_of_returns
    union all
    select substr(references_of_returns.reference, 5) as reference_key
    from references_of_returns
    where references_of_returns.kind = 'RF'
    union all
    select {{ without_prefix("references_of_returns.reference") }} as reference_key
    from references_of_returns
    union all
    select {{ normalised_reference("returning_entries.end_to_end_id") }} as reference_key
    from returning_entries
    where returning_entries.end_to_end_id is not null
),

documents_of_returns as (
    select
        documents.company_id,
        documents.invoice_id
    from named_by_returns
    inner join documents
        on named_by_returns.reference_key = documents.normalised_number
    union
    select
        documents.company_id,
        documents.invoice_id
    from named_by_returns
    inner join documents
        on named_by_returns.reference_key = documents.normalised_payment_reference
),

documents_weakly_paid as (
    select distinct
        recorded.company_id,
        recorded.invoice_id
    from recorded
    where recorded.rung >= 4
),

-- Documents for which it matters who else names them, and whether only a strong reference counts.
documents_watched as (
    select
        documents_of_returns.company_id,
        documents_of_returns.invoice_id,
        true as is_any_reference
    from documents_of_returns
    union all
    select
        documents_weakly_paid.company_id,
        documents_weakly_paid.invoice_id,
        false as is_any_reference
    from documents_weakly_paid
),

keys_of_documents as (
    select
        documents_watched.company_id,
        documents_watched.invoice_id,
        documents.normalised_number as reference_key,
        documents_watched.is_any_reference
    from documents_watched
    inner join documents
        on
            documents_watched.company_id = documents.company_id
            and documents_watched.invoice_id = documents.invoice_id
    union all
    select
        documents_watched.company_id,
        documents_watched.invoice_id,
        documents.normalised_payment_reference as reference_key,
        documents_watched.is_any_reference
    from documents_watched
    inner join documents
        on
            documents_watched.company_id = documents.company_id
            and documents_watched.invoice_id = documents.invoice_id
    where documents.normalised_payment_reference is not null
),

keys_of_returns as (
    select distinct keys_of_documents.reference_key
    from keys_of_documents
    where keys_of_documents.is_any_reference
),

keys_weakly_paid as (
    select distinct keys_of_documents.reference_key
    from keys_of_documents
    where not keys_of_documents.is_any_reference
),

-- Only a receipt of the same amount, and not much older, can be what a return takes back.
amounts_returned as (
    select
        entries.currency,
        -entries.amount as amount,
        min(entries.booked_on) as first_returned_on,
        max(entries.booked_on) as last_returned_on
    from entries
    where entries.is_return or entries.is_reversal
    group by entries.currency, -entries.amount
),

receipts_alike as (
    select entries.entry_key
    from entries
    cross join tolerances
    inner join amounts_returned
        on
            entries.currency = amounts_returned.currency
            and entries.amount = amounts_returned.amount
            and entries.booked_on <= amounts_returned.last_returned_on
            and amounts_returned.first_returned_on - entries.booked_on <= tolerances.return_days
),

references_alike as (
    select
        bank_references.entry_key,
        bank_references.kind,
        bank_references.reference
    from {{ ref("stg_bank__entry_references") }} as bank_references
    inner join receipts_alike
        on bank_references.entry_key = receipts_alike.entry_key
),

naming_as_returns as (
    select references_alike.entry_key
    from references_alike
    inner join keys_of_returns
        on references_alike.reference = keys_of_returns.reference_key
    union all
    select references_alike.entry_key
    from references_alike
    inner join keys_of_returns
        on substr(references_alike.reference, 5) = keys_of_returns.reference_key
    where references_alike.kind = 'RF'
    union all
    select references_alike.entry_key
    from references_alike
    inner join keys_of_returns
        on {{ without_prefix("references_alike.reference") }} = keys_of_returns.reference_key
    where references_alike.reference >= 'A'
    union all
    select entries.entry_key
    from entries
    inner join keys_of_returns
        on {{ normalised_reference("entries.end_to_end_id") }} = keys_of_returns.reference_key
    where entries.end_to_end_id is not null
),

strong_references as (
    select
        bank_references.entry_key,
        bank_references.kind,
        bank_references.reference
    from {{ ref("stg_bank__entry_references") }} as bank_references
    where bank_references.source = 'end_to_end' or bank_references.is_valid or bank_references.kind = 'RF'
),

naming_strongly as (
    select
        strong_references.entry_key,
        keys_weakly_paid.reference_key
    from strong_references
    inner join keys_weakly_paid
        on strong_references.reference = keys_weakly_paid.reference_key
    union all
    select
        strong_references.entry_key,
        keys_weakly_paid.reference_key
    from strong_references
    inner join keys_weakly_paid
        on substr(strong_references.reference, 5) = keys_weakly_paid.reference_key
    where strong_references.kind = 'RF'
    union all
    select
        entries.entry_key,
        keys_weakly_paid.reference_key
    from entries
    inner join keys_weakly_paid
        on {{ normalised_reference("entries.end_to_end_id") }} = keys_weakly_paid.reference_key
    where entries.end_to_end_id is not null
),

-- What rests on weak evidence gives way to an entry that names its document strongly,
contrary_documents as (
    select distinct
        keys_of_documents.company_id,
        keys_of_documents.invoice_id
    from keys_of_documents
    inner join naming_strongly
        on keys_of_documents.reference_key = naming_strongly.reference_key
    where not keys_of_documents.is_any_reference
),

-- and what leaned on whose account it was falls with the account: when a person answered about a payment from it, or
-- the bank took one back. Pairs of returns are made later; these are all that may be of one.
entries_in_doubt as (
    select match_answers.entry_key
    from match_answers
    union
    select naming_as_returns.entry_key
    from naming_as_returns
    union
    select entries.entry_key
    from entries
    inner join returning_entries
        on entries.end_to_end_id = returning_entries.end_to_end_id
),

accounts_in_doubt as (
    select distinct
        entries.company_id,
        entries.counterparty_iban as iban
    from entries_in_doubt
    inner join entries
        on entries_in_doubt.entry_key = entries.entry_key
    where entries.counterparty_iban is not null
),

entries_of_accounts_in_doubt as (
    select entries.entry_key
    from entries
    inner join accounts_in_doubt
        on
            entries.company_id = accounts_in_doubt.company_id
            and entries.counterparty_iban = accounts_in_doubt.iban
),

weakly_placed as (
    select recorded.entry_key
    from recorded
    inner join contrary_documents
        on
            recorded.company_id = contrary_documents.company_id
            and recorded.invoice_id = contrary_documents.invoice_id
    where recorded.rung >= 4
    union all
    select recorded.entry_key
    from recorded
    inner join rules
        on
            recorded.rule_id = rules.rule_id
            and rules.leans_on_account
    inner join entries_of_accounts_in_doubt
        on recorded.entry_key = entries_of_accounts_in_doubt.entry_key
),

consulted as (
    select unsettled.entry_key
    from unsettled
    union
    select naming_as_returns.entry_key
    from naming_as_returns
    union
    select naming_strongly.entry_key
    from naming_strongly
    union
    select weakly_placed.entry_key
    from weakly_placed
    union
    select match_answers.entry_key
    from match_answers
),

final as (
    select
        entries.entry_key,
        entries.company_id
    from consulted
    inner join entries
        on consulted.entry_key = entries.entry_key
)

select * from final

-- What a person or a bank says an account is not: a payment from it was placed on a customer, and should not have been.
with allocations as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

entries as (
    select * from {{ ref("entries") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

customer_accounts as (
    select * from {{ ref("stg_billing__customer_accounts") }}
),

-- Every answer ever given, not the newest one: what was revoked once is learnt anew, it does not come back by itself.
answers as (
    select
        events.company_id,
        {{ payload_text("events.payload", "entry_key") }} as entry_key,
        events.kind,
        events.effective_on as answered_on,
        events.recorded_by,
        documents.invoice_id,
        documents.invoice_number,
        documents.customer_id
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    inner join documents
        on
            events.company_id = documents.company_id
            and event_invoices.invoice_id = documents.document_id
    where events.kind in ('match_confirmed', 'match_rejected')
),

-- Another invoice of the same customer is a correction of the invoice: the account is the customer's all the same.
rejected as (
    select rejection.*
    from answers as rejection
    left join answers as confirmation
        on
            rejection.company_id = confirmation.company_id
            and rejection.entry_key = confirmation.entry_key
            and rejection.customer_id = confirmation.customer_id
            and confirmation.kind = 'match_confirmed'
            and rejection.answered_on >= confirmation.answered_on
            and rejection.invoice_id <> confirmation.invoice_id
    where rejection.kind = 'match_rejected' and confirmation.entry_key is null
),

-- Only what was allocated: to say no to a proposal is an answer about a proposal.
undone as (
    select
        entries.company_id,
        entries.counterparty_iban as iban,
        rejected.customer_id,
        rejected.answered_on as revoked_on,
        rejected.recorded_by || ' rejected that a payment from it was for ' || rejected.invoice_number || '.'
            as evidence
    from rejected
    inner join allocations
        on
            rejected.entry_key = allocations.entry_key
            and rejected.company_id = allocations.company_id
            and rejected.invoice_id = allocations.invoice_id
            and rejected.answered_on >= allocations.allocated_on
    inner join rules
        on
            allocations.rule_id = rules.rule_id
            and (rules.teaches_account or rules.leans_on_account)
    inner join entries
        on rejected.entry_key = entries.entry_key
    union all
    -- A collection that comes back says nothing of the account; a transfer that is taken back does, unless billing
    -- says whose account it is.
    select
        entries.company_id,
        entries.counterparty_iban as iban,
        documents.customer_id,
        returns_paired.returned_on as revoked_on,
        'The bank took a payment from it back on ' || returns_paired.returned_on || '.' as evidence
    from returns_paired
    inner join entries
        on
            returns_paired.original_key = entries.entry_key
            and entries.mandate_id is null
    inner join allocations
        on returns_paired.original_key = allocations.entry_key
    inner join rules
        on
            allocations.rule_id = rules.rule_id
            and (rules.teaches_account or rules.leans_on_account)
    inner join documents
        on
            allocations.company_id = documents.company_id
            and allocations.invoice_id = documents.document_id
    left join customer_accounts
        on
            entries.company_id = customer_accounts.company_id
            and entries.counterparty_iban = customer_accounts.iban
            and documents.customer_id = customer_accounts.customer_id
    where customer_accounts.iban is null
),

final as (
    select
        undone.company_id,
        undone.iban,
        undone.customer_id,
        max(undone.revoked_on) as revoked_on,
        max(undone.evidence) as evidence
    from undone
    where undone.iban is not null
    group by undone.company_id, undone.iban, undone.customer_id
)

select * from final

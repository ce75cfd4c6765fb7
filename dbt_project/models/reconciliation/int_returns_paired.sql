with entries as (
    select * from {{ ref("entries") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

returning_entries as (
    select entries.*
    from entries
    where (entries.is_return or entries.is_reversal) and entries.amount < 0
),

receipts as (
    select entries.*
    from entries
    where not entries.is_return and not entries.is_reversal and entries.amount > 0
),

named_once as (
    select
        references_resolved.entry_key,
        min(references_resolved.invoice_id) as invoice_id
    from references_resolved
    where references_resolved.is_unique
    group by references_resolved.entry_key
    having count(distinct references_resolved.invoice_id) = 1
),

by_end_to_end as (
    select
        returning_entries.entry_key as return_key,
        receipts.entry_key as original_key,
        receipts.booked_on as original_booked_on,
        1 as pairing_strength,
        'end-to-end id ' || returning_entries.end_to_end_id as evidence
    from returning_entries
    cross join tolerances
    inner join receipts
        on
            returning_entries.account_iban = receipts.account_iban
            and returning_entries.currency = receipts.currency
            and returning_entries.end_to_end_id = receipts.end_to_end_id
            and -returning_entries.amount = receipts.amount
            and returning_entries.booked_on >= receipts.booked_on
            and returning_entries.booked_on - receipts.booked_on <= tolerances.return_days
),

by_mandate as (
    select
        returning_entries.entry_key as return_key,
        receipts.entry_key as original_key,
        receipts.booked_on as original_booked_on,
        2 as pairing_strength,
        'mandate ' || returning_entries.mandate_id as evidence
    from returning_entries
    cross join tolerances
    inner join receipts
        on
            returning_entries.account_iban = receipts.account_iban
            and returning_entries.currency = receipts.currency
            and returning_entries.mandate_id = receipts.mandate_id
            and -returning_entries.amount = receipts.amount
            and returning_entries.booked_on >= receipts.booked_on
            and returning_entries.booked_on - receipts.booked_on <= tolerances.mandate_return_days
    -- A return that says which collection it undoes is not matched to another one of the same mandate.
    where returning_entries.end_to_end_id is null or receipts.end_to_end_id is null
),

by_document as (
    select
        returning_entries.entry_key as return_key,
        receipts.entry_key as original_key,
        receipts.booked_on as original_booked_on,
        3 as pairing_strength,
        'the same invoice number' as evidence
    from returning_entries
    cross join tolerances
    inner join named_once as named_by_return
        on returning_entries.entry_key = named_by_return.entry_key
    inner join named_once as named_by_receipt
        on named_by_return.invoice_id = named_by_receipt.invoice_id
    inner join receipts
        on
            named_by_receipt.entry_key = receipts.entry_key
            and returning_entries.company_id = receipts.company_id
            and returning_entries.account_iban = receipts.account_iban
            and returning_entries.currency = receipts.currency
            -- A difference, so that the invoice is compared first and amounts are never joined on alone.
            and returning_entries.amount + receipts.amount = 0
            and returning_entries.booked_on >= receipts.booked_on
            and returning_entries.booked_on - receipts.booked_on <= tolerances.return_days
),

candidates as (
    select * from by_end_to_end
    union all
    select * from by_mandate
    union all
    select * from by_document
),

strongest as (
    select
        candidates.return_key,
        min(candidates.pairing_strength) as pairing_strength
    from candidates
    group by candidates.return_key
),

considered as (
    select
        candidates.return_key,
        candidates.original_key,
        candidates.pairing_strength,
        candidates.evidence,
        count(*) over (partition by candidates.return_key) as candidate_count,
        row_number() over (
            partition by candidates.return_key
            order by candidates.original_booked_on desc, candidates.original_key asc
        ) as recency_rank
    from candidates
    inner join strongest
        on
            candidates.return_key = strongest.return_key
            and candidates.pairing_strength = strongest.pairing_strength
),

-- An end-to-end id used twice means its newest payment; a mandate or an invoice number must leave one candidate.
chosen as (
    select
        considered.*,
        row_number() over (
            partition by considered.original_key order by considered.pairing_strength, considered.return_key
        ) as claim_rank
    from considered
    where
        considered.recency_rank = 1
        and (considered.pairing_strength = 1 or considered.candidate_count = 1)
),

final as (
    select
        returning_entries.company_id,
        chosen.return_key,
        chosen.original_key,
        returning_entries.booked_on as returned_on,
        returning_entries.return_reason,
        -- Within the sentence printed to people: what links the two, then the bank's reason.
        chosen.evidence
        || coalesce(', reason ' || returning_entries.return_reason, '') as evidence
    from chosen
    inner join returning_entries
        on chosen.return_key = returning_entries.entry_key
    where chosen.claim_rank = 1
)

select * from final

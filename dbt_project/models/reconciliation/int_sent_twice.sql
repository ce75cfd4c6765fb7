-- Payments of one day that are alike in everything a statement tells of them: all but the one with the first entry key.
-- Which of two equal payments pays, and which was sent twice, is all the same; that one of them pays is not.
with entries_opened as (
    select * from {{ ref("int_entries_opened") }}
),

entries as (
    select * from {{ ref("entries") }}
),

receipts as (
    select
        entries_opened.*,
        count(*) over (
            partition by
                entries_opened.company_id,
                entries_opened.account_iban,
                entries_opened.booked_on,
                entries_opened.currency,
                entries_opened.amount,
                entries_opened.counterparty_iban
        ) as equal_count
    from entries_opened
    where
        entries_opened.amount > 0
        and entries_opened.left_amount = entries_opened.amount
        and not entries_opened.is_return
        and not entries_opened.is_taken_back
),

-- A payment without a text and without a reference says nothing that another could say again.
told as (
    select
        receipts.entry_key,
        min(receipts.entry_key) over (
            partition by
                receipts.company_id,
                receipts.account_iban,
                receipts.booked_on,
                receipts.currency,
                receipts.amount,
                receipts.counterparty_iban,
                entries.counterparty_name,
                entries.structured_reference,
                upper(trim(entries.remittance))
        ) as first_entry_key
    from receipts
    inner join entries
        on receipts.entry_key = entries.entry_key
    where
        receipts.equal_count > 1
        and coalesce(nullif(trim(entries.remittance), ''), entries.structured_reference) is not null
),

final as (
    select
        told.entry_key,
        told.first_entry_key
    from told
    where told.entry_key <> told.first_entry_key
)

select * from final

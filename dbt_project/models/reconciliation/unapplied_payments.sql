with business_day as (
    select * from {{ ref("stg_control__business_day") }}
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
    select * from {{ ref("int_references_consulted") }}
),

document_keys as (
    select * from {{ ref("int_document_keys") }}
),

number_series as (
    select * from {{ ref("int_number_series") }}
),

payment_allocations as (
    select * from {{ ref("payment_allocations") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__account_owners") }}
),

returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

undetailed_batches as (
    select * from {{ ref("undetailed_batches") }}
),

numbers_claimed as (
    select * from {{ ref("int_numbers_claimed") }}
),

doubted as (
    select
        numbers_claimed.entry_key,
        min(numbers_claimed.doubt_explanation) as doubt_explanation
    from numbers_claimed
    where numbers_claimed.doubt is not null
    group by numbers_claimed.entry_key
),

placed_entries as (
    select distinct payment_allocations.entry_key
    from payment_allocations
),

named as (
    select
        references_resolved.entry_key,
        count(distinct references_resolved.invoice_id) as invoice_count,
        count(distinct references_resolved.customer_id) as customer_count,
        bool_and(references_resolved.currency <> entries_left.currency) as is_other_currency,
        bool_or(items_left.invoice_id is not null) as has_open_invoice,
        bool_or(coalesce(items_left.open_amount = entries_left.left_amount, false)) as has_exact_invoice,
        bool_and(not references_resolved.is_unique) as is_ambiguous,
        string_agg(distinct references_resolved.span_text, ', ' order by references_resolved.span_text) as span_text
    from references_resolved
    inner join entries_left
        on references_resolved.entry_key = entries_left.entry_key
    left join items_left
        on
            references_resolved.company_id = items_left.company_id
            and references_resolved.invoice_id = items_left.invoice_id
    where not references_resolved.is_rejected
    group by references_resolved.entry_key
),

-- The same amount already paid what this entry names: it was sent twice. Amounts are compared as a difference of zero,
-- so that no engine takes them for a key to join on: half a ledger may be of twenty prices.
twins as (
    select
        entries_left.entry_key,
        min('the payment of ' || other_entry.booked_on || ' (entry ' || other_entry.entry_key || ')') as twin_text
    from entries_left
    inner join references_resolved
        on entries_left.entry_key = references_resolved.entry_key
    inner join payment_allocations
        on
            references_resolved.company_id = payment_allocations.company_id
            and references_resolved.invoice_id = payment_allocations.invoice_id
            and entries_left.entry_key <> payment_allocations.entry_key
    inner join entries as other_entry
        on
            payment_allocations.entry_key = other_entry.entry_key
            and entries_left.amount - other_entry.amount = 0
    group by entries_left.entry_key
),

number_shapes as (
    select distinct
        number_series.company_id,
        {{ reference_shape("number_series.stem") }}
        || repeat('9', cast(number_series.number_length - length(number_series.stem) as integer)) as shape
    from number_series
    where number_series.number_count > 0
),

-- A reference with good check digits, or a number built like ours, that belongs to no document we know.
unknown_numbers as (
    select
        entries_left.entry_key,
        min(coalesce(bank_references.span_text, bank_references.reference)) as span_text
    from entries_left
    inner join bank_references
        on entries_left.entry_key = bank_references.entry_key
    left join document_keys
        on
            entries_left.company_id = document_keys.company_id
            and bank_references.reference = document_keys.reference_key
    left join number_shapes
        on
            entries_left.company_id = number_shapes.company_id
            and {{ reference_shape("bank_references.reference") }} = number_shapes.shape
    where
        document_keys.reference_key is null
        and bank_references.source <> 'end_to_end'
        and (
            (bank_references.kind in ('RF', 'OGM', 'CUR') and bank_references.is_valid)
            or bank_references.source = 'referred_document'
            or number_shapes.shape is not null
        )
    group by entries_left.entry_key
),

items_of_payers as (
    select
        payers.entry_key,
        count(*) as open_count,
        count(*) filter (where items_left.currency = entries_left.currency) as same_currency_count,
        count(*) filter (
            where items_left.currency = entries_left.currency and items_left.open_amount = entries_left.left_amount
        ) as same_amount_count
    from payers
    inner join entries_left
        on payers.entry_key = entries_left.entry_key
    inner join items_left
        on
            payers.company_id = items_left.company_id
            and payers.customer_id = items_left.customer_id
            and items_left.open_amount > 0
    group by payers.entry_key
),

own_accounts as (
    select distinct
        company_accounts.company_id,
        company_accounts.account_iban
    from company_accounts
),

known_accounts as (
    select distinct
        payer_accounts.company_id,
        payer_accounts.iban
    from payer_accounts
),

returned as (
    select
        returns_paired.original_key as entry_key,
        min(returns_paired.returned_on) as returned_on
    from returns_paired
    group by returns_paired.original_key
),

weighed as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.left_amount,
        entries_left.amount,
        entries_left.currency,
        entries_left.booked_on,
        entries_left.account_iban,
        payers.customer_id,
        payers.payer_customer_id,
        named.span_text,
        twins.twin_text,
        unknown_numbers.span_text as unknown_span_text,
        returned.returned_on,
        doubted.doubt_explanation,
        coalesce(items_of_payers.open_count, 0) as open_count,
        coalesce(items_of_payers.same_currency_count, 0) as same_currency_count,
        coalesce(items_of_payers.same_amount_count, 0) as same_amount_count,
        coalesce(named.customer_count, 0) as named_customer_count,
        coalesce(named.has_exact_invoice, false) as has_exact_invoice,
        case
            when own_accounts.account_iban is not null then 'not_a_receipt'
            when entries_left.is_return or returned.entry_key is not null then 'return_unmatched'
            when
                entries_left.amount < 0
                and (payers.customer_id is not null or known_accounts.iban is not null or named.entry_key is not null)
                then 'refund'
            when entries_left.amount < 0 then 'not_a_receipt'
            when placed_entries.entry_key is not null then 'overpaid'
            when named.is_other_currency then 'other_currency'
            when named.customer_count > 1 or named.is_ambiguous then 'ambiguous'
            when named.has_open_invoice then 'ambiguous'
            when named.entry_key is not null and twins.entry_key is not null then 'duplicate_payment'
            when named.entry_key is not null then 'already_settled'
            when unknown_numbers.entry_key is not null then 'invoice_unknown'
            when payers.customer_id is null and known_accounts.iban is not null then 'ambiguous'
            when payers.customer_id is null and entries_left.counterparty_iban is not null then 'unknown_customer'
            when payers.customer_id is null then 'no_evidence'
            when items_of_payers.same_amount_count > 0 then 'ambiguous'
            when items_of_payers.same_currency_count > 0 then 'no_evidence'
            when items_of_payers.open_count > 0 then 'other_currency'
            else 'prepayment'
        end as reason
    from entries_left
    left join payers
        on entries_left.entry_key = payers.entry_key
    left join named
        on entries_left.entry_key = named.entry_key
    left join twins
        on entries_left.entry_key = twins.entry_key
    left join doubted
        on entries_left.entry_key = doubted.entry_key
    left join unknown_numbers
        on entries_left.entry_key = unknown_numbers.entry_key
    left join items_of_payers
        on entries_left.entry_key = items_of_payers.entry_key
    left join placed_entries
        on entries_left.entry_key = placed_entries.entry_key
    left join own_accounts
        on
            entries_left.company_id = own_accounts.company_id
            and entries_left.counterparty_iban = own_accounts.account_iban
    left join known_accounts
        on
            entries_left.company_id = known_accounts.company_id
            and entries_left.counterparty_iban = known_accounts.iban
    left join returned
        on entries_left.entry_key = returned.entry_key
),

explained as (
    select
        weighed.*,
        case weighed.reason
            when 'not_a_receipt' then 'Money that went out, or moved between own accounts.'
            when 'return_unmatched'
                then coalesce(
                    'The bank took this payment back on ' || weighed.returned_on || '; no invoice was found for it.',
                    'A return whose payment, or the invoice it had paid, was not found.'
                )
            when 'refund' then 'Money paid back to a customer.'
            when 'overpaid' then 'More than was open on the invoice it pays.'
            when 'other_currency' then 'Paid in ' || weighed.currency || ', the invoice is in another currency.'
            when 'duplicate_payment'
                then
                    'Names "' || weighed.span_text || '", which ' || weighed.twin_text
                    || ' of the same amount has already paid.'
            when 'already_settled' then 'Names "' || weighed.span_text || '", where nothing is open.'
            when 'invoice_unknown' then 'Names "' || weighed.unknown_span_text || '", which is no document of ours.'
            when 'unknown_customer' then 'No known number in the text, and the account is not known as any customer''s.'
            when 'prepayment' then 'The customer is known and has nothing open.'
            when 'ambiguous'
                then case
                    when weighed.named_customer_count > 1
                        then 'Names "' || weighed.span_text || '", documents of different customers.'
                    when weighed.doubt_explanation is not null then weighed.doubt_explanation
                    when weighed.has_exact_invoice and weighed.customer_id is not null
                        then 'Names "' || weighed.span_text || '" for its whole amount, and so does another payment.'
                    when weighed.has_exact_invoice
                        then 'Names "' || weighed.span_text || '", but the account is another customer''s.'
                    when weighed.span_text is not null
                        then 'Names "' || weighed.span_text || '", but the amount or the payer does not fit it alone.'
                    when
                        weighed.customer_id is null
                        then 'The account is used for several customers, or not yet known well enough.'
                    else
                        'The customer has ' || weighed.same_amount_count
                        || ' open invoice(s) of this amount, and the payment does not say which.'
                end
            when 'no_evidence'
                then case
                    when weighed.customer_id is null then 'Neither the text nor an account says who paid.'
                    else
                        'The customer is known; nothing says which of its ' || weighed.same_currency_count
                        || ' open invoice(s) is meant.'
                end
        end as explanation
    from weighed
),

final as (
    select
        explained.entry_key,
        explained.company_id,
        business_day.as_of_date,
        explained.customer_id,
        explained.left_amount as unapplied_amount,
        explained.currency,
        explained.reason,
        coalesce(undetailed_batches.message, explained.explanation) as explanation,
        explained.amount as entry_amount,
        explained.booked_on,
        explained.account_iban,
        entries.counterparty_name,
        entries.counterparty_iban,
        entries.remittance
    from explained
    inner join entries
        on explained.entry_key = entries.entry_key
    left join undetailed_batches
        on explained.entry_key = undetailed_batches.entry_key
    cross join business_day
)

select * from final

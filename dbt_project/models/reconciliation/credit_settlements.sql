with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

returned as (
    select * from {{ ref("int_matches_returned") }}
),

credit_notes as (
    select
        documents.*,
        {{ normalised_reference("documents.credits_invoice_number") }} as credited_number
    from documents
    where documents.kind = 'credit_note' and not documents.is_cancelled
),

credited_numbers as (
    select distinct
        credit_notes.company_id,
        credit_notes.customer_id,
        credit_notes.credited_number
    from credit_notes
),

invoices as (
    select
        documents.*,
        count(*)
            over (partition by documents.company_id, documents.customer_id, documents.normalised_number)
            as namesakes
    from documents
    inner join credited_numbers
        on
            documents.company_id = credited_numbers.company_id
            and documents.customer_id = credited_numbers.customer_id
            and documents.normalised_number = credited_numbers.credited_number
    where documents.kind = 'invoice' and not documents.is_cancelled
),

documents_concerned as (
    select
        credit_notes.company_id,
        credit_notes.invoice_id
    from credit_notes
    union
    select
        invoices.company_id,
        invoices.invoice_id
    from invoices
),

placed as (
    select
        standing.company_id,
        standing.invoice_id,
        standing.amount
    from standing
    where standing.undone_reason is null and standing.component = 'principal'
    union all
    select
        returned.company_id,
        returned.invoice_id,
        returned.amount
    from returned
    where returned.component = 'principal'
),

placed_of_documents as (
    select
        placed.company_id,
        placed.invoice_id,
        sum(placed.amount) as amount
    from placed
    inner join documents_concerned
        on
            placed.company_id = documents_concerned.company_id
            and placed.invoice_id = documents_concerned.invoice_id
    group by placed.company_id, placed.invoice_id
),

-- What a credit note can still give, and what its invoice can still take, after the money already placed on either.
pairs as (
    select
        credit_notes.company_id,
        credit_notes.customer_id,
        credit_notes.invoice_id as credit_note_id,
        invoices.invoice_id,
        credit_notes.currency,
        credit_notes.issued_on as credited_on,
        greatest(-credit_notes.document_amount + coalesce(placed_on_note.amount, 0), 0) as credit_amount,
        greatest(invoices.document_amount - coalesce(placed_on_invoice.amount, 0), 0) as room_amount
    from credit_notes
    inner join invoices
        on
            credit_notes.company_id = invoices.company_id
            and credit_notes.customer_id = invoices.customer_id
            and credit_notes.currency = invoices.currency
            and credit_notes.credited_number = invoices.normalised_number
            and invoices.namesakes = 1
    left join placed_of_documents as placed_on_note
        on
            credit_notes.company_id = placed_on_note.company_id
            and credit_notes.invoice_id = placed_on_note.invoice_id
    left join placed_of_documents as placed_on_invoice
        on
            invoices.company_id = placed_on_invoice.company_id
            and invoices.invoice_id = placed_on_invoice.invoice_id
),

in_order as (
    select
        pairs.*,
        coalesce(
            sum(pairs.credit_amount) over (
                partition by pairs.company_id, pairs.invoice_id
                order by pairs.credited_on, pairs.credit_note_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_amount
    from pairs
),

final as (
    select
        in_order.company_id,
        business_day.as_of_date,
        in_order.customer_id,
        in_order.credit_note_id,
        in_order.invoice_id,
        cast(least(in_order.credit_amount, in_order.room_amount - in_order.earlier_amount) as decimal(18, 2)) as amount,
        in_order.currency,
        in_order.credited_on
    from in_order
    cross join business_day
    where least(in_order.credit_amount, in_order.room_amount - in_order.earlier_amount) > 0
)

select * from final

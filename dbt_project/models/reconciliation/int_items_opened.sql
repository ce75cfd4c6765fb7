with documents as (
    select * from {{ ref("int_documents_named") }}
),

documents_compared as (
    select * from {{ ref("int_documents_compared") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

set_apart as (
    select * from {{ ref("int_standing_set_apart") }}
),

returned as (
    select * from {{ ref("int_matches_returned") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

write_offs as (
    select * from {{ ref("stg_register__write_offs") }}
),

-- What earlier days paid whole is open only where something else moved since: the rest of the past is not added up
-- again.
numbers_concerned as (
    select documents_compared.key_hash
    from documents_compared
    where documents_compared.document_count > 0
    union
    select {{ hashed(["recorded.company_id", "recorded.invoice_id"]) }} as key_hash
    from recorded
    inner join set_apart
        on recorded.seq = set_apart.seq
    union
    select {{ hashed(["returned.company_id", "returned.invoice_id"]) }} as key_hash
    from returned
    union
    select {{ hashed(["credit_settlements.company_id", "credit_settlements.invoice_id"]) }} as key_hash
    from credit_settlements
    union
    select {{ hashed(["credit_settlements.company_id", "credit_settlements.credit_note_id"]) }} as key_hash
    from credit_settlements
    union
    select {{ hashed(["write_offs.company_id", "write_offs.invoice_id"]) }} as key_hash
    from write_offs
),

documents_concerned as (
    select documents.*
    from documents
    inner join numbers_concerned
        on {{ hashed(["documents.company_id", "documents.invoice_id"]) }} = numbers_concerned.key_hash
    where documents.kind <> 'term_note' and not documents.is_cancelled
),

movements as (
    select
        standing.company_id,
        standing.invoice_id,
        standing.amount as placed_amount,
        cast(0 as decimal(18, 2)) as credited_amount,
        cast(0 as decimal(18, 2)) as written_off_amount
    from standing
    inner join numbers_concerned
        on {{ hashed(["standing.company_id", "standing.invoice_id"]) }} = numbers_concerned.key_hash
    where standing.undone_reason is null and standing.component = 'principal'
    union all
    select
        returned.company_id,
        returned.invoice_id,
        returned.amount as placed_amount,
        0 as credited_amount,
        0 as written_off_amount
    from returned
    where returned.component = 'principal'
    union all
    select
        credit_settlements.company_id,
        credit_settlements.invoice_id,
        0 as placed_amount,
        credit_settlements.amount as credited_amount,
        0 as written_off_amount
    from credit_settlements
    union all
    select
        credit_settlements.company_id,
        credit_settlements.credit_note_id as invoice_id,
        0 as placed_amount,
        -credit_settlements.amount as credited_amount,
        0 as written_off_amount
    from credit_settlements
    union all
    select
        write_offs.company_id,
        write_offs.invoice_id,
        0 as placed_amount,
        0 as credited_amount,
        write_offs.amount as written_off_amount
    from write_offs
),

moved as (
    select
        movements.company_id,
        movements.invoice_id,
        sum(movements.placed_amount) as placed_amount,
        sum(movements.credited_amount) as credited_amount,
        sum(movements.written_off_amount) as written_off_amount
    from movements
    group by movements.company_id, movements.invoice_id
),

valued as (
    select
        documents.company_id,
        documents.invoice_id,
        documents.invoice_number,
        documents.customer_id,
        documents.kind,
        documents.currency,
        documents.document_amount as total_amount,
        documents.issued_on,
        documents.due_on,
        coalesce(moved.credited_amount, 0) as credited_amount,
        coalesce(moved.placed_amount, 0) as placed_amount,
        coalesce(moved.written_off_amount, 0) as written_off_amount
    from documents_concerned as documents
    left join moved
        on
            documents.company_id = moved.company_id
            and documents.invoice_id = moved.invoice_id
),

-- A write-off takes what is left and no more: the rest of a larger one has no object.
final as (
    select
        valued.company_id,
        valued.invoice_id,
        valued.invoice_number,
        valued.customer_id,
        valued.kind,
        valued.currency,
        valued.total_amount,
        valued.issued_on,
        valued.due_on,
        cast(
            valued.total_amount - valued.credited_amount - valued.placed_amount
            - case
                when valued.kind = 'invoice'
                    then least(
                        valued.written_off_amount,
                        greatest(valued.total_amount - valued.credited_amount - valued.placed_amount, 0)
                    )
                else 0
            end as decimal(18, 2)
        ) as open_amount
    from valued
    where valued.total_amount - valued.credited_amount - valued.placed_amount <> 0
)

select * from final

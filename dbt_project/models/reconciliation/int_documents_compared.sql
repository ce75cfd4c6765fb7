-- As for entries: documents that earlier days paid whole, by allocations of the customer they are still of, are put
-- aside by numbers. What remains may be open, or may have changed.
with documents as (
    select * from {{ ref("int_documents_named") }}
),

recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

sides as (
    select
        {{ hashed(["documents.company_id", "documents.invoice_id"]) }} as key_hash,
        {{ hashed(["documents.customer_id"]) }} as customer_hash,
        documents.document_amount as amount,
        1 as is_document,
        case when documents.is_cancelled then 1 else 0 end as is_cancelled
    from documents
    where documents.kind <> 'term_note'
    union all
    select
        {{ hashed(["recorded.company_id", "recorded.invoice_id"]) }} as key_hash,
        {{ hashed(["recorded.customer_id"]) }} as customer_hash,
        -recorded.amount as amount,
        0 as is_document,
        0 as is_cancelled
    from recorded
    where recorded.component = 'principal'
),

final as (
    select
        sides.key_hash,
        sum(sides.is_document) as document_count,
        count(*) - sum(sides.is_document) as allocation_count,
        -- Cancelled, gone, or of another customer than when it was allocated.
        count(*) > sum(sides.is_document)
        and (
            sum(sides.is_document) <> 1
            or max(sides.is_cancelled) = 1
            or min(sides.customer_hash) <> max(sides.customer_hash)
        ) as is_changed
    from sides
    group by sides.key_hash
    having
        sum(sides.is_document) <> 1
        or sum(sides.amount) <> 0
        or max(sides.is_cancelled) = 1
        or min(sides.customer_hash) <> max(sides.customer_hash)
)

select * from final

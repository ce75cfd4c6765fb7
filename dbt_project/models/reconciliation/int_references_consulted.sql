-- The references of the entries that are looked at, with the company they came to: the references of the whole past are
-- gone through once, here.
with entries_consulted as (
    select * from {{ ref("int_entries_consulted") }}
),

bank_references as (
    select * from {{ ref("stg_bank__entry_references") }}
),

final as (
    select
        entries_consulted.entry_key,
        entries_consulted.company_id,
        bank_references.position,
        bank_references.source,
        bank_references.kind,
        bank_references.reference,
        bank_references.span_start,
        bank_references.span_end,
        bank_references.span_text,
        bank_references.is_valid
    from bank_references
    inner join entries_consulted
        on bank_references.entry_key = entries_consulted.entry_key
)

select * from final

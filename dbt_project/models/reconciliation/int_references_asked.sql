-- Every number that a consulted entry may name a document by: the keys of documents are made of these only, since
-- nearly all documents are named by nobody today. One too many does no harm.
with entries as (
    select entries.*
    from {{ ref("entries") }} as entries
    inner join {{ ref("int_entries_consulted") }} as entries_consulted
        on entries.entry_key = entries_consulted.entry_key
),

bank_references as (
    select * from {{ ref("int_references_consulted") }}
),

asked as (
    select
        bank_references.company_id,
        bank_references.reference as reference_key
    from bank_references
    union
    select
        bank_references.company_id,
        substr(bank_references.reference, 5) as reference_key
    from bank_references
    where bank_references.kind = 'RF'
    union
    select
        bank_references.company_id,
        {{ without_prefix("bank_references.reference") }} as reference_key
    from bank_references
    where bank_references.source = 'remittance' and bank_references.reference >= 'A'
    union
    select
        entries.company_id,
        {{ normalised_reference("entries.end_to_end_id") }} as reference_key
    from entries
    where entries.end_to_end_id is not null
),

final as (
    select asked.*
    from asked
    where asked.reference_key is not null
)

select * from final

-- Allocations of earlier days that the comparison of entries and documents does not show to stand as they were
-- recorded, in their newest version: few, and looked at one by one.
with recorded as (
    select * from {{ ref("stg_operations__allocation_history") }}
),

days as (
    select * from {{ ref("int_days_allocated") }}
),

entries_compared as (
    select distinct entries_compared.key_hash
    from {{ ref("int_entries_compared") }} as entries_compared
),

documents_changed as (
    select documents_compared.key_hash
    from {{ ref("int_documents_compared") }} as documents_compared
    where documents_compared.is_changed
),

-- Of days that ran more than once: what the last run placed on an invoice or of an entry may be in the way of what an
-- earlier one did.
of_several_runs as (
    select
        recorded.seq,
        recorded.as_of_date,
        recorded.entry_key,
        recorded.company_id,
        recorded.invoice_id,
        recorded.run_id = days.last_run_id as is_of_last_run
    from recorded
    inner join days
        on
            recorded.as_of_date = days.as_of_date
            and days.has_several_runs
),

invoices_of_several_runs as (
    select
        of_several_runs.as_of_date,
        of_several_runs.company_id,
        of_several_runs.invoice_id
    from of_several_runs
    group by of_several_runs.as_of_date, of_several_runs.company_id, of_several_runs.invoice_id
    having bool_or(of_several_runs.is_of_last_run) and not bool_and(of_several_runs.is_of_last_run)
),

entries_of_several_runs as (
    select
        of_several_runs.as_of_date,
        of_several_runs.entry_key
    from of_several_runs
    group by of_several_runs.as_of_date, of_several_runs.entry_key
    having bool_or(of_several_runs.is_of_last_run) and not bool_and(of_several_runs.is_of_last_run)
),

marked as (
    select recorded.seq
    from recorded
    left join entries_compared
        on {{ hashed(["recorded.entry_key"]) }} = entries_compared.key_hash
    left join documents_changed
        on {{ hashed(["recorded.company_id", "recorded.invoice_id"]) }} = documents_changed.key_hash
    where
        entries_compared.key_hash is not null
        or documents_changed.key_hash is not null
        -- Interest and costs are no part of what a document is compared by.
        or recorded.component <> 'principal'
    union
    select of_several_runs.seq
    from of_several_runs
    inner join invoices_of_several_runs
        on
            of_several_runs.as_of_date = invoices_of_several_runs.as_of_date
            and of_several_runs.company_id = invoices_of_several_runs.company_id
            and of_several_runs.invoice_id = invoices_of_several_runs.invoice_id
    union
    select of_several_runs.seq
    from of_several_runs
    inner join entries_of_several_runs
        on
            of_several_runs.as_of_date = entries_of_several_runs.as_of_date
            and of_several_runs.entry_key = entries_of_several_runs.entry_key
),

ranked as (
    select
        recorded.*,
        row_number() over (
            partition by recorded.entry_key, recorded.company_id, recorded.invoice_id, recorded.component
            order by recorded.seq desc
        ) as version_rank
    from recorded
    inner join marked
        on recorded.seq = marked.seq
),

final as (
    select
        ranked.seq,
        ranked.as_of_date,
        ranked.entry_key,
        ranked.company_id,
        ranked.customer_id,
        ranked.invoice_id,
        ranked.component,
        ranked.amount,
        ranked.currency,
        ranked.rung,
        ranked.rule_id,
        ranked.evidence,
        ranked.policy_id,
        ranked.allocated_on,
        -- A day may have run more than once; what only an earlier run of it allocated can be in the way of the last.
        ranked.run_id = days.last_run_id as is_of_last_run
    from ranked
    inner join days
        on ranked.as_of_date = days.as_of_date
    where ranked.version_rank = 1
)

select * from final

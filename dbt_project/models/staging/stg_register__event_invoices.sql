-- A table, unlike the rest of staging: a dozen register models read it, and each would look up every invoice again.
{{ config(materialized="table") }}

with events as (
    select * from {{ ref("stg_register__events") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

stated as (
    select
        events.seq,
        events.event_id,
        events.kind,
        events.company_id,
        events.effective_on,
        events.recorded_by,
        {{ payload_text("events.payload", "invoice") }} as stated_invoice
    from events
    where {{ payload_text("events.payload", "invoice") }} is not null
    union all
    select
        events.seq,
        events.event_id,
        events.kind,
        events.company_id,
        events.effective_on,
        events.recorded_by,
        {{ json_scalar("listed.element") }} as stated_invoice
    from events
    cross join {{ unnested(json_elements("events.payload", "invoices"), "listed") }}
),

-- An invoice_id wins over an invoice_number that happens to read the same.
candidates as (
    select
        invoices.company_id,
        invoices.invoice_id as stated_invoice,
        coalesce(invoices.term_of_invoice_id, invoices.invoice_id) as invoice_id,
        0 as preference
    from invoices
    union all
    select
        invoices.company_id,
        invoices.invoice_number as stated_invoice,
        coalesce(invoices.term_of_invoice_id, invoices.invoice_id) as invoice_id,
        1 as preference
    from invoices
),

resolved as (
    select
        stated.seq,
        stated.stated_invoice,
        min(candidates.preference) as preference
    from stated
    inner join candidates
        on
            stated.company_id = candidates.company_id
            and stated.stated_invoice = candidates.stated_invoice
    group by stated.seq, stated.stated_invoice
),

counted as (
    select
        stated.seq,
        stated.event_id,
        stated.kind,
        stated.company_id,
        stated.effective_on,
        stated.recorded_by,
        stated.stated_invoice,
        count(distinct candidates.invoice_id) as candidate_count,
        min(candidates.invoice_id) as only_candidate
    from stated
    left join resolved
        on
            stated.seq = resolved.seq
            and stated.stated_invoice = resolved.stated_invoice
    left join candidates
        on
            stated.company_id = candidates.company_id
            and stated.stated_invoice = candidates.stated_invoice
            and resolved.preference = candidates.preference
    group by
        stated.seq,
        stated.event_id,
        stated.kind,
        stated.company_id,
        stated.effective_on,
        stated.recorded_by,
        stated.stated_invoice
),

-- What goes to an agency is one customer's: nobody else's invoice may lie in the dossier.
foreign_invoices as (
    select
        events.seq,
        invoices.invoice_id
    from counted
    inner join events
        on counted.seq = events.seq
    inner join invoices
        on
            counted.company_id = invoices.company_id
            and counted.only_candidate = invoices.invoice_id
    where
        events.kind in ('handed_over', 'agency_status')
        and invoices.customer_id <> {{ payload_text("events.payload", "customer") }}
),

final as (
    select
        counted.seq,
        counted.event_id,
        counted.kind,
        counted.company_id,
        counted.effective_on,
        counted.recorded_by,
        counted.stated_invoice,
        case when counted.candidate_count = 1 and foreign_invoices.seq is null then counted.only_candidate end
            as invoice_id,
        case
            when counted.candidate_count = 0 then 'invoice_unknown'
            when counted.candidate_count > 1 then 'invoice_number_not_unique'
            when foreign_invoices.seq is not null then 'invoice_of_another_customer'
        end as problem
    from counted
    left join foreign_invoices
        on
            counted.seq = foreign_invoices.seq
            and counted.only_candidate = foreign_invoices.invoice_id
)

select * from final

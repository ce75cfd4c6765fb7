with events as (
    select * from {{ ref("stg_register__events") }}
),

event_invoices as (
    select * from {{ ref("stg_register__event_invoices") }}
),

opened as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        cast({{ payload_text("events.payload", "line_number") }} as bigint) as line_number,
        {{ payload_amount("events.payload", "disputed_amount") }} as disputed_amount,
        {{ payload_text("events.payload", "reason") }} as reason,
        events.effective_on as opened_on,
        events.recorded_by
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where events.kind = 'dispute_opened' and event_invoices.invoice_id is not null
),

closed as (
    select
        events.seq,
        events.company_id,
        event_invoices.invoice_id,
        cast({{ payload_text("events.payload", "line_number") }} as bigint) as line_number,
        {{ payload_text("events.payload", "outcome") }} as outcome,
        events.effective_on as closed_on
    from events
    inner join event_invoices
        on events.seq = event_invoices.seq
    where events.kind = 'dispute_closed' and event_invoices.invoice_id is not null
),

-- The first closing after the opening counts; one that names no line closes every dispute on the invoice.
paired as (
    select
        opened.seq as opened_seq,
        closed.seq as closed_seq,
        closed.closed_on,
        closed.outcome,
        row_number() over (partition by opened.seq order by closed.seq) as closing_rank
    from opened
    inner join closed
        on
            opened.company_id = closed.company_id
            and opened.invoice_id = closed.invoice_id
            and opened.seq < closed.seq
            and (closed.line_number is null or opened.line_number = closed.line_number)
),

final as (
    select
        opened.seq,
        opened.company_id,
        opened.invoice_id,
        opened.line_number,
        opened.disputed_amount,
        opened.opened_on,
        paired.closed_on,
        opened.reason,
        paired.outcome,
        opened.recorded_by,
        paired.closed_seq
    from opened
    left join paired
        on
            opened.seq = paired.opened_seq
            and paired.closing_rank = 1
)

select * from final

with events as (
    select * from {{ ref("stg_register__events") }}
),

agreed as (
    select
        events.seq,
        coalesce({{ payload_text("events.payload", "arrangement_id") }}, events.event_id) as arrangement_id,
        events.company_id,
        {{ payload_text("events.payload", "customer") }} as customer_id,
        events.effective_on as agreed_on,
        {{ payload_text("events.payload", "method") }} as method,
        {{ payload_text("events.payload", "mandate_id") }} as mandate_id,
        {{ payload_text("events.payload", "reason") }} as reason,
        {{ payload_text("events.payload", "interest_terms") }} as interest_terms,
        events.recorded_by,
        events.payload,
        row_number() over (
            partition by
                events.company_id,
                coalesce({{ payload_text("events.payload", "arrangement_id") }}, events.event_id)
            order by events.seq desc
        ) as version_rank
    from events
    where events.kind = 'arrangement_agreed'
),

cancelled as (
    select
        events.company_id,
        {{ payload_text("events.payload", "arrangement_id") }} as arrangement_id,
        min(events.effective_on) as cancelled_on
    from events
    where events.kind = 'arrangement_cancelled'
    group by events.company_id, {{ payload_text("events.payload", "arrangement_id") }}
),

final as (
    select
        agreed.seq,
        agreed.arrangement_id,
        agreed.company_id,
        agreed.customer_id,
        agreed.agreed_on,
        agreed.method,
        agreed.mandate_id,
        agreed.reason,
        agreed.interest_terms,
        cancelled.cancelled_on,
        agreed.recorded_by
    from agreed
    left join cancelled
        on
            agreed.company_id = cancelled.company_id
            and agreed.arrangement_id = cancelled.arrangement_id
    where agreed.version_rank = 1
)

select * from final

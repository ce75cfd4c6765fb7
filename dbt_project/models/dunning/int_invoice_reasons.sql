-- Every reason that is true for an open invoice today, as rows of invoice and reason. The leading one is chosen
-- later, by the order in the seed; the others are kept beside it.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

invoices_weighed as (
    select * from {{ ref("int_invoices_weighed") }}
),

exemptions as (
    select * from {{ ref("int_exemptions") }}
),

notices as (
    select * from {{ ref("int_notices_weighed") }}
),

items_acted as (
    select * from {{ ref("int_items_acted") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

held_before as (
    select distinct
        dispatched_items.company_id,
        dispatched_items.invoice_id,
        dispatched_items.stage_no
    from dispatched_items
    cross join business_day
    where
        dispatched_items.state = 'held'
        and dispatched_items.is_acted
        and dispatched_items.dispatched_on < business_day.as_of_date
),

weighed as (
    select
        invoices_weighed.*,
        held_before.invoice_id is not null and invoices_weighed.requires_release as is_awaiting_release,
        notices.overdue_credit_reason
    from invoices_weighed
    left join held_before
        on
            invoices_weighed.company_id = held_before.company_id
            and invoices_weighed.invoice_id = held_before.invoice_id
            and invoices_weighed.step_stage_no = held_before.stage_no
    left join notices
        on
            invoices_weighed.company_id = notices.company_id
            and invoices_weighed.customer_id = notices.customer_id
            and invoices_weighed.currency = notices.currency
),

-- Where the invoice stands on its track: exactly one of these, so no open invoice is without a reason.
of_track as (
    select
        weighed.company_id,
        weighed.invoice_id,
        case
            when weighed.step_state = 'not_due' then 'not_due'
            when weighed.step_state = 'grace' then 'grace'
            when weighed.step_state = 'early' then 'step_not_due'
            -- The scenarios of key accounts and of natural persons have no steps that could come to an end.
            when weighed.step_state = 'completed' and weighed.scenario_id in ('key_account', 'natural_person')
                then weighed.scenario_id
            when weighed.step_state = 'completed' then 'track_completed'
            when weighed.lacks_proof then 'awaiting_dispatch'
            when weighed.is_awaiting_release then 'awaiting_release'
            when weighed.step_on = business_day.as_of_date then 'step_due'
            else 'catch_up'
        end as reason_code
    from weighed
    cross join business_day
),

of_credit as (
    select
        weighed.company_id,
        weighed.invoice_id,
        weighed.overdue_credit_reason as reason_code
    from weighed
    where not weighed.is_exempt and weighed.is_past_grace
),

final as (
    select
        exemptions.company_id,
        exemptions.invoice_id,
        exemptions.reason_code
    from exemptions
    union
    select
        of_track.company_id,
        of_track.invoice_id,
        of_track.reason_code
    from of_track
    union
    select
        of_credit.company_id,
        of_credit.invoice_id,
        of_credit.reason_code
    from of_credit
    where of_credit.reason_code is not null
    union
    select
        items_acted.company_id,
        items_acted.invoice_id,
        items_acted.message_reason as reason_code
    from items_acted
    where items_acted.message_reason is not null
)

select * from final

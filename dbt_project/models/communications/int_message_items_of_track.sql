-- The invoices on a message of a dunning track: those it takes a stage further, and those it only lists.
with notice_items as (
    select * from {{ ref("dunning_notice_items") }}
),

dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

final as (
    select
        notice_items.company_id,
        notice_items.customer_id,
        notice_items.currency,
        dunning_notices.message_kind,
        cast(null as varchar) as occasion,
        notice_items.invoice_id,
        notice_items.open_amount,
        notice_items.stage_no,
        notice_items.cycle,
        notice_items.is_acted
    from notice_items
    inner join dunning_notices
        on
            notice_items.company_id = dunning_notices.company_id
            and notice_items.customer_id = dunning_notices.customer_id
            and notice_items.currency = dunning_notices.currency
)

select * from final

{{ config(meta={"dagster": {"ref": {"name": "dunning_notice_items"}}}) }}

-- A row here is an invoice on a message planned today although today's leading reason forbids writing about it.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

notice_items as (
    select * from {{ ref("dunning_notice_items") }}
),

exemptions as (
    select reason_order.*
    from {{ ref("reason_order") }} as reason_order
    cross join business_day
    where {{ in_force("reason_order") }} and reason_order.is_exemption
),

decisions as (
    select dunning_decisions.*
    from {{ ref("dunning_decisions") }} as dunning_decisions
    inner join business_day
        on dunning_decisions.as_of_date = business_day.as_of_date
)

select
    decisions.company_id,
    decisions.invoice_id,
    decisions.reason_code,
    decisions.other_reasons
from notice_items
inner join decisions
    on
        notice_items.company_id = decisions.company_id
        and notice_items.invoice_id = decisions.invoice_id
inner join exemptions
    on
        decisions.reason_code = exemptions.reason_code
        or ';' || coalesce(decisions.other_reasons, '') || ';' like '%;' || exemptions.reason_code || ';%'

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

arrangement_statuses as (
    select * from {{ ref("arrangement_statuses") }}
),

arrangement_invoices as (
    select * from {{ ref("stg_register__arrangement_invoices") }}
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

opening_stages as (
    select * from {{ ref("stg_billing__opening_stages") }}
),

ranked as (
    select
        arrangement_statuses.company_id,
        arrangement_statuses.arrangement_id,
        arrangement_statuses.customer_id,
        arrangement_invoices.invoice_id,
        arrangement_statuses.agreed_on,
        row_number() over (
            partition by arrangement_statuses.company_id, arrangement_invoices.invoice_id
            order by arrangement_statuses.agreed_on desc, arrangement_statuses.arrangement_id desc
        ) as newest_rank
    from arrangement_statuses
    inner join arrangement_invoices
        on
            arrangement_statuses.company_id = arrangement_invoices.company_id
            and arrangement_statuses.arrangement_id = arrangement_invoices.arrangement_id
    where arrangement_statuses.status = 'active'
),

steps_taken as (
    select
        dispatched_items.company_id,
        dispatched_items.invoice_id,
        dispatched_items.stage_no,
        dispatched_items.dispatched_on
    from dispatched_items
    where
        dispatched_items.is_acted
        and dispatched_items.message_kind in {{ dunning_kinds() }}
        and (
            dispatched_items.state in ('sent', 'delivered')
            or (dispatched_items.state = 'closed_unknown' and dispatched_items.class = 'friendly')
        )
    union all
    select
        opening_stages.company_id,
        opening_stages.invoice_id,
        opening_stages.stage_no,
        opening_stages.dispatched_on
    from opening_stages
),

final as (
    select
        business_day.as_of_date,
        ranked.company_id,
        ranked.customer_id,
        ranked.invoice_id,
        ranked.arrangement_id,
        ranked.agreed_on as since_on,
        coalesce(max(steps_taken.stage_no), 0) as stage_before
    from ranked
    left join steps_taken
        on
            ranked.company_id = steps_taken.company_id
            and ranked.invoice_id = steps_taken.invoice_id
            and ranked.agreed_on > steps_taken.dispatched_on
    cross join business_day
    where ranked.newest_rank = 1
    group by
        business_day.as_of_date,
        ranked.company_id,
        ranked.customer_id,
        ranked.invoice_id,
        ranked.arrangement_id,
        ranked.agreed_on
)

select * from final

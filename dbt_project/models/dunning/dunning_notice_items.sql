with free_items as (
    select * from {{ ref("int_invoices_weighed") }}
    where not is_exempt
),

items_acted as (
    select * from {{ ref("int_items_acted") }}
    where is_acted
),

dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

listed as (
    select
        free_items.*,
        dunning_notices.as_of_date,
        items_acted.invoice_id is not null as is_acted,
        items_acted.acted_stage_no
    from free_items
    inner join dunning_notices
        on
            free_items.company_id = dunning_notices.company_id
            and free_items.customer_id = dunning_notices.customer_id
            and free_items.currency = dunning_notices.currency
            and case
                when dunning_notices.stage_no = 0 then free_items.is_ready and free_items.step_stage_no = 0
                else free_items.is_claimed
            end
    left join items_acted
        on
            free_items.company_id = items_acted.company_id
            and free_items.invoice_id = items_acted.invoice_id
),

final as (
    select
        listed.as_of_date,
        listed.company_id,
        listed.customer_id,
        listed.invoice_id,
        listed.currency,
        listed.claimable_amount as open_amount,
        coalesce(listed.acted_stage_no, listed.reached_stage_no, 0) as stage_no,
        listed.cycle,
        listed.is_acted,
        listed.issued_on,
        listed.due_on,
        listed.days_overdue
    from listed
)

select * from final

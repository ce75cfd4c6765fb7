with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where open_amount > 0
),

exemptions as (
    select * from {{ ref("int_exemptions") }}
),

disputes as (
    select
        disputes.company_id,
        disputes.invoice_id,
        min(disputes.opened_on) as since_on
    from {{ ref("stg_register__disputes") }} as disputes
    where disputes.closed_on is null
    group by disputes.company_id, disputes.invoice_id
),

reason_order as (
    select * from {{ ref("reason_order") }}
),

order_in_force as (
    select reason_order.*
    from reason_order
    cross join business_day
    where {{ in_force("reason_order") }}
),

-- The whole invoice is left out, whatever part of it the reason is about.
whole as (
    select
        open_items.company_id,
        open_items.customer_id,
        open_items.invoice_id,
        open_items.currency,
        exemptions.reason_code,
        true as is_whole,
        open_items.open_amount as exempt_amount,
        exemptions.since_on,
        exemptions.ends_on
    from open_items
    inner join exemptions
        on
            open_items.company_id = exemptions.company_id
            and open_items.invoice_id = exemptions.invoice_id
),

-- A dispute of a part leaves out that part; the rest goes on.
in_part as (
    select
        open_items.company_id,
        open_items.customer_id,
        open_items.invoice_id,
        open_items.currency,
        'disputed_in_part' as reason_code,
        false as is_whole,
        open_items.disputed_amount as exempt_amount,
        disputes.since_on,
        cast(null as date) as ends_on
    from open_items
    inner join disputes
        on
            open_items.company_id = disputes.company_id
            and open_items.invoice_id = disputes.invoice_id
    where open_items.disputed_amount > 0 and open_items.disputed_amount < open_items.open_amount
),

gathered as (
    select * from whole
    union all
    select * from in_part
),

final as (
    select
        business_day.as_of_date,
        gathered.company_id,
        gathered.customer_id,
        gathered.invoice_id,
        gathered.reason_code,
        gathered.is_whole,
        gathered.currency,
        cast(gathered.exempt_amount as decimal(18, 2)) as exempt_amount,
        gathered.since_on,
        gathered.ends_on,
        order_in_force.ends_with,
        order_in_force.policy_id
    from gathered
    cross join business_day
    left join order_in_force
        on gathered.reason_code = order_in_force.reason_code
)

select * from final

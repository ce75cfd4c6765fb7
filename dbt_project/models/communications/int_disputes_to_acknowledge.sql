-- One row per invoice and day on which part or all of it was disputed, while the dispute is open and not acknowledged.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
    where message_kind = 'dispute_received'
),

disputes as (
    select * from {{ ref("stg_register__disputes") }}
),

open_items as (
    select * from {{ ref("invoice_balances") }}
    where kind = 'invoice' and open_amount > 0
),

terms_given as (
    select * from {{ ref("int_terms_given") }}
),

opened as (
    select
        disputes.company_id,
        disputes.invoice_id,
        disputes.opened_on,
        string_agg(distinct cast(disputes.line_number as varchar), ', ' order by cast(disputes.line_number as varchar))
            as line_numbers
    from disputes
    cross join business_day
    where disputes.closed_on is null or disputes.closed_on > business_day.as_of_date
    group by disputes.company_id, disputes.invoice_id, disputes.opened_on
),

final as (
    select
        opened.company_id,
        open_items.customer_id,
        open_items.currency,
        opened.invoice_id,
        'dispute/' || opened.invoice_id || '/' || cast(opened.opened_on as varchar) as occasion,
        opened.opened_on,
        opened.line_numbers,
        open_items.due_on,
        open_items.disputed_amount,
        cast(open_items.open_amount - open_items.disputed_amount as decimal(18, 2)) as undisputed_amount,
        open_items.due_on >= business_day.as_of_date as is_not_yet_due,
        case
            when open_items.due_on >= business_day.as_of_date then open_items.due_on
            else terms_given.pay_by_on
        end as pay_by_on,
        message_policy.class,
        message_policy.requires_release,
        message_policy.policy_id
    from opened
    cross join business_day
    cross join message_policy
    inner join terms_given
        on message_policy.message_kind = terms_given.message_kind
    inner join open_items
        on
            opened.company_id = open_items.company_id
            and opened.invoice_id = open_items.invoice_id
    where
        open_items.disputed_amount > 0
        and opened.opened_on + message_policy.wait_days <= business_day.as_of_date
        and opened.opened_on + message_policy.wait_days + message_policy.within_days >= business_day.as_of_date
)

select * from final

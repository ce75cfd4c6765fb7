-- One row per customer: by which routes it can be written to. An e-mail address that bounced is no address until it
-- changes; and a creditor without an address of its own cannot write by that route to anybody.
with customers as (
    select * from {{ ref("stg_billing__customers") }}
),

companies as (
    select
        companies.company_id,
        {{ is_email("trim(companies.email_from)") }} as has_email,
        coalesce(trim(companies.street), '') <> ''
        and coalesce(trim(companies.postal_code), '') <> ''
        and coalesce(trim(companies.city), '') <> '' as has_postal_address
    from {{ ref("stg_billing__companies") }} as companies
),

dispatched_items as (
    select * from {{ ref("stg_operations__dispatched_items") }}
),

sent_messages as (
    select * from {{ ref("stg_operations__sent_messages") }}
),

business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

bounced_messages as (
    select distinct dispatched_items.communication_id
    from dispatched_items
    cross join business_day
    where
        dispatched_items.state = 'bounced'
        and dispatched_items.channel = 'email'
        and dispatched_items.dispatched_on < business_day.as_of_date
),

bounced_addresses as (
    select distinct
        sent_messages.company_id,
        sent_messages.customer_id,
        lower({{ json_text("sent_messages.row_json", "recipient_email") }}) as email
    from sent_messages
    inner join bounced_messages
        on sent_messages.communication_id = bounced_messages.communication_id
),

final as (
    select
        customers.company_id,
        customers.customer_id,
        companies.has_email
        and {{ is_email("trim(customers.email)") }}
        and bounced_addresses.email is null as is_email_usable,
        bounced_addresses.email is not null as is_email_bounced,
        companies.has_postal_address
        and coalesce(trim(customers.street), '') <> ''
        and coalesce(trim(customers.postal_code), '') <> ''
        and coalesce(trim(customers.city), '') <> ''
        and coalesce(trim(customers.country), '') <> '' as is_post_usable
    from customers
    inner join companies
        on customers.company_id = companies.company_id
    left join bounced_addresses
        on
            customers.company_id = bounced_addresses.company_id
            and customers.customer_id = bounced_addresses.customer_id
            and lower(trim(customers.email)) = bounced_addresses.email
)

select * from final

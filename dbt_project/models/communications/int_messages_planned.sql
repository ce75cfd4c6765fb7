-- One row per message to be made today: who, by which route, in which language, about which invoices, on what grounds.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

dunning_notices as (
    select * from {{ ref("dunning_notices") }}
),

sent_today as (
    select distinct
        company_id,
        customer_id,
        currency
    from {{ ref("int_messages_sent_today") }}
    where message_kind in {{ dunning_kinds() }}
),

message_items as (
    select * from {{ ref("int_message_items") }}
),

message_entries as (
    select * from {{ ref("int_message_entries") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

templates as (
    select * from {{ ref("stg_control__templates") }}
),

items_gathered as (
    select
        message_items.company_id,
        message_items.customer_id,
        message_items.currency,
        count(*) as item_count,
        max(message_items.payment_reference) as payment_reference,
        string_agg(message_items.invoice_number, ' ' order by message_items.due_on, message_items.invoice_id)
            as invoice_numbers,
        string_agg(
            message_items.invoice_id || '=' || cast(message_items.open_amount as varchar), ','
            order by message_items.invoice_id
        ) as items_text,
        {{ json_array("message_items.item_json", "message_items.due_on, message_items.invoice_id") }} as items
    from message_items
    group by message_items.company_id, message_items.customer_id, message_items.currency
),

entries_gathered as (
    select
        message_entries.company_id,
        message_entries.customer_id,
        message_entries.currency,
        {{ json_array(
            "message_entries.entry_json",
            "message_entries.invoice_id nulls last, message_entries.entry_key, message_entries.component"
        ) }} as trace
    from message_entries
    group by message_entries.company_id, message_entries.customer_id, message_entries.currency
),

-- One customer, one currency, one message a day: after the first has left, nothing is added that day.
addressed as (
    select
        dunning_notices.*,
        customers.name as recipient_name,
        customers.department as recipient_department,
        case when {{ is_email("trim(customers.email)") }} then trim(customers.email) end as recipient_email,
        customers.street as recipient_street,
        customers.postal_code as recipient_postal_code,
        customers.city as recipient_city,
        customers.country as recipient_country,
        customers.vat_number as recipient_vat_number,
        -- Dutch for whoever reads Dutch, English for all others; without a stated language the country decides.
        case
            when customers.language = 'nl' then 'nl'
            when customers.language is null and customers.country in ('NL', 'BE') then 'nl'
            else 'en'
        end as language,
        coalesce(
            nullif(trim(customers.collector), ''),
            nullif(trim(customers.account_manager), '')
        ) as owner
    from dunning_notices
    inner join customers
        on
            dunning_notices.company_id = customers.company_id
            and dunning_notices.customer_id = customers.customer_id
    left join sent_today
        on
            dunning_notices.company_id = sent_today.company_id
            and dunning_notices.customer_id = sent_today.customer_id
            and dunning_notices.currency = sent_today.currency
    where sent_today.company_id is null
),

worded as (
    select
        addressed.*,
        addressed.channel || '/' || addressed.language || '/' || addressed.message_kind as template_id,
        templates.template_hash
    from addressed
    left join templates
        on addressed.channel || '/' || addressed.language || '/' || addressed.message_kind = templates.template_id
),

final as (
    select
        {{ communication_id("worded", "items_gathered.items_text", "business_day.policy_version") }}
            as communication_id,
        worded.as_of_date,
        worded.company_id,
        worded.customer_id,
        worded.channel,
        worded.class,
        worded.language,
        worded.message_kind,
        worded.scenario_id,
        worded.stage_no,
        worded.cycle,
        worded.template_id,
        worded.template_hash,
        worded.policy_id,
        worded.requires_release,
        worded.currency,
        worded.items_amount,
        worded.credit_amount,
        worded.total_amount,
        worded.pay_by_on,
        worded.oldest_due_on,
        worded.recipient_name,
        worded.recipient_department,
        worded.recipient_email,
        worded.recipient_street,
        worded.recipient_postal_code,
        worded.recipient_city,
        worded.recipient_country,
        worded.recipient_vat_number,
        companies.name as sender_name,
        companies.street as sender_street,
        companies.postal_code as sender_postal_code,
        companies.city as sender_city,
        companies.country as sender_country,
        companies.email_from as sender_email,
        companies.phone as sender_phone,
        companies.vat_number as sender_vat_number,
        companies.registration_number as sender_registration_number,
        companies.iban as sender_iban,
        companies.bic as sender_bic,
        -- A structured reference names one invoice: with two on the message, quoting it would place the money wrongly.
        case when items_gathered.item_count = 1 then items_gathered.payment_reference end as payment_reference,
        worded.customer_id || ' ' || items_gathered.invoice_numbers as payment_text,
        worded.next_message_kind,
        worded.next_step_on,
        worded.owner,
        business_day.run_id,
        items_gathered.items,
        coalesce(entries_gathered.trace, '[]') as trace
    from worded
    cross join business_day
    inner join items_gathered
        on
            worded.company_id = items_gathered.company_id
            and worded.customer_id = items_gathered.customer_id
            and worded.currency = items_gathered.currency
    left join entries_gathered
        on
            worded.company_id = entries_gathered.company_id
            and worded.customer_id = entries_gathered.customer_id
            and worded.currency = entries_gathered.currency
    left join companies
        on worded.company_id = companies.company_id
)

select * from final

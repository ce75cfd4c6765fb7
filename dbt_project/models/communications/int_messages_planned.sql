-- One row per message to be made today: who, by which route, in which language, about which invoices, on what grounds.
with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

messages_raised as (
    select * from {{ ref("int_messages_raised") }}
),

occasions_met as (
    select * from {{ ref("int_occasions_met") }}
),

customers_reachable as (
    select * from {{ ref("customers_reachable") }}
),

message_policy as (
    select * from {{ ref("int_message_policy") }}
),

customer_segments as (
    select * from {{ ref("customer_segments") }}
),

sending_days as (
    select sending_days.*
    from {{ ref("sending_days") }} as sending_days
    cross join business_day
    where {{ in_force("sending_days") }}
),

today_in_bank_days as (
    select bank_days.*
    from {{ ref("stg_calendar__bank_days") }} as bank_days
    inner join business_day
        on bank_days.date_day = business_day.as_of_date
),

insolvencies as (
    select * from {{ ref("stg_register__insolvencies") }}
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

-- Interest and costs that a stage of a track claims beside its invoices, with the calculation that is printed.
charges as (
    select
        notice_charges.company_id,
        notice_charges.customer_id,
        notice_charges.currency,
        cast(sum(notice_charges.interest_amount) as decimal(18, 2)) as interest_amount,
        cast(sum(notice_charges.costs_amount) as decimal(18, 2)) as costs_amount,
        string_agg(
            case
                when notice_charges.interest_amount > 0
                    then {{ json_array_body("notice_charges.segments") }}
            end,
            ',' order by notice_charges.invoice_id
        ) as segments
    from {{ ref("notice_charges") }} as notice_charges
    group by notice_charges.company_id, notice_charges.customer_id, notice_charges.currency
),

templates as (
    select * from {{ ref("stg_control__templates") }}
),

release_rules as (
    select release_rules.*
    from {{ ref("release_rules") }} as release_rules
    cross join business_day
    where {{ in_force("release_rules") }}
),

items_gathered as (
    select
        message_items.message_key,
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
    group by message_items.message_key
),

entries_gathered as (
    select
        message_entries.message_key,
        {{ json_array(
            "message_entries.entry_json",
            "message_entries.invoice_id nulls last, message_entries.entry_key, message_entries.component"
        ) }} as trace
    from message_entries
    group by message_entries.message_key
),

insolvent_customers as (
    select distinct
        insolvencies.company_id,
        insolvencies.customer_id
    from insolvencies
),

-- A stage has its route from its scenario. Any other message goes by the first of its kind's routes that reaches the
-- customer, once for its occasion, whatever has been planned, sent or run again since; not to who is insolvent, and
-- to a key account only where policy says so.
routed as (
    select
        messages_raised.*,
        coalesce(
            messages_raised.channel_decided,
            case
                when {{ route_usable("split_part(message_policy.channels, ';', 1)", "customers_reachable") }}
                    then split_part(message_policy.channels, ';', 1)
                when {{ route_usable("split_part(message_policy.channels, ';', 2)", "customers_reachable") }}
                    then split_part(message_policy.channels, ';', 2)
            end
        ) as channel
    from messages_raised
    left join message_policy
        on messages_raised.message_kind = message_policy.message_kind
    left join customers_reachable
        on
            messages_raised.company_id = customers_reachable.company_id
            and messages_raised.customer_id = customers_reachable.customer_id
    left join occasions_met
        on
            messages_raised.occasion is not null
            and messages_raised.message_key = occasions_met.message_key
    left join customer_segments
        on
            messages_raised.company_id = customer_segments.company_id
            and messages_raised.customer_id = customer_segments.customer_id
    left join insolvent_customers
        on
            messages_raised.company_id = insolvent_customers.company_id
            and messages_raised.customer_id = insolvent_customers.customer_id
    where
        messages_raised.occasion is null
        or (
            occasions_met.message_key is null
            and insolvent_customers.customer_id is null
            and (message_policy.is_for_key_accounts or coalesce(customer_segments.segment, 'standard') <> 'key')
        )
),

addressed as (
    select
        business_day.as_of_date,
        routed.*,
        customers.name as recipient_name,
        customers.department as recipient_department,
        case when {{ is_email("trim(customers.email)") }} then trim(customers.email) end as recipient_email,
        customers.street as recipient_street,
        customers.postal_code as recipient_postal_code,
        customers.city as recipient_city,
        customers.country as recipient_country,
        customers.vat_number as recipient_vat_number,
        -- Without a stated language the country decides.
        case
            when customers.language is not null then customers.language
            when customers.country in ('NL', 'BE') then 'nl'
            else 'en'
        end as language_wished,
        coalesce(
            nullif(trim(customers.collector), ''),
            nullif(trim(customers.account_manager), '')
        ) as owner
    from routed
    cross join business_day
    inner join customers
        on
            routed.company_id = customers.company_id
            and routed.customer_id = customers.customer_id
    where routed.channel is not null
),

-- English for all whose own language this message is not written in.
spoken as (
    select
        addressed.*,
        case
            when addressed.language_wished = 'nl' or templates.template_id is not null then addressed.language_wished
            else 'en'
        end as language
    from addressed
    left join templates
        on
            addressed.channel || '/' || addressed.language_wished || '/' || addressed.message_kind
            = templates.template_id
),

worded as (
    select
        spoken.*,
        spoken.channel || '/' || spoken.language || '/' || spoken.message_kind as template_id,
        templates.template_hash
    from spoken
    left join templates
        on spoken.channel || '/' || spoken.language || '/' || spoken.message_kind = templates.template_id
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
        cast(
            worded.total_amount + coalesce(charges.interest_amount, 0) + coalesce(charges.costs_amount, 0)
            as decimal(18, 2)
        ) as total_amount,
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
        concat_ws(' ', worded.customer_id, items_gathered.invoice_numbers) as payment_text,
        worded.next_message_kind,
        worded.next_step_on,
        worded.owner,
        business_day.run_id,
        coalesce(items_gathered.items, '[]') as items,
        coalesce(entries_gathered.trace, '[]') as trace,
        worded.occasion,
        worded.particulars,
        coalesce(own_days.days, all_days.days, 'every_day') = 'every_day'
        or coalesce(today_in_bank_days.is_bank_day, true) as is_sending_day,
        case when worded.requires_release then cast(coalesce(release_rules.people, 1) as bigint) else 0 end
            as approvals_needed,
        coalesce(charges.interest_amount, 0) as interest_amount,
        coalesce(charges.costs_amount, 0) as costs_amount,
        '[' || coalesce(charges.segments, '') || ']' as calculation
    from worded
    cross join business_day
    left join today_in_bank_days
        on worded.as_of_date = today_in_bank_days.date_day
    left join sending_days as own_days
        on worded.recipient_country = own_days.country
    left join sending_days as all_days
        on all_days.country = '*'
    left join release_rules
        on worded.message_kind = release_rules.message_kind
    left join charges
        on
            worded.occasion is null
            and worded.company_id = charges.company_id
            and worded.customer_id = charges.customer_id
            and worded.currency = charges.currency
    left join items_gathered
        on worded.message_key = items_gathered.message_key
    left join entries_gathered
        on worded.message_key = entries_gathered.message_key
    left join companies
        on worded.company_id = companies.company_id
)

select * from final

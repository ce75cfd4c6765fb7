{{ config(
    materialized="incremental",
    incremental_strategy="replace_day",
    full_refresh=false,
    on_schema_change="append_new_columns",
) }}

with messages as (
    select communications_due.*
    from {{ ref("communications_due") }} as communications_due
    inner join {{ ref("stg_control__business_day") }} as today
        on communications_due.as_of_date = today.as_of_date
),

items as (
    select communication_items.*
    from {{ ref("communication_items") }} as communication_items
    inner join {{ ref("stg_control__business_day") }} as today
        on communication_items.as_of_date = today.as_of_date
),

entries as (
    select * from {{ ref("entries") }}
),

company_accounts as (
    select * from {{ ref("stg_billing__company_accounts") }}
    where position = 1
),

account_coverage as (
    select * from {{ ref("account_coverage") }}
),

entries_weighed as (
    select
        messages.communication_id,
        {{ json_text("entry.element", "invoice_id") }} as invoice_id,
        {{ json_text("entry.element", "entry_key") }} as entry_key,
        {{ json_text("entry.element", "component") }} as component,
        cast({{ json_text("entry.element", "amount") }} as decimal(18, 2)) as amount,
        cast({{ json_text("entry.element", "rung") }} as bigint) as rung,
        {{ json_text("entry.element", "rule_id") }} as rule_id,
        {{ json_text("entry.element", "file_sha256") }} as file_sha256,
        cast({{ json_text("entry.element", "ordinal") }} as bigint) as ordinal,
        {{ json_text("entry.element", "weighed_as") }} as weighed_as
    from messages
    cross join {{ unnested(json_array_elements("messages.trace"), "entry") }}
),

-- An invoice for which nothing came in has a row too: that nothing came in is what the message rests on.
items_without_entries as (
    select
        items.communication_id,
        items.invoice_id,
        null as entry_key,
        null as component,
        null as amount,
        null as rung,
        null as rule_id,
        null as file_sha256,
        null as ordinal,
        'nothing_received' as weighed_as
    from items
    left join entries_weighed
        on
            items.communication_id = entries_weighed.communication_id
            and items.invoice_id = entries_weighed.invoice_id
    where entries_weighed.communication_id is null
),

gathered as (
    select * from entries_weighed
    union all
    select * from items_without_entries
),

final as (
    select
        messages.as_of_date,
        messages.communication_id,
        messages.company_id,
        messages.customer_id,
        gathered.invoice_id,
        case
            when gathered.invoice_id is not null
                then {{ decision_id("messages.as_of_date", "messages.company_id", "gathered.invoice_id") }}
        end as decision_id,
        gathered.weighed_as,
        gathered.entry_key,
        gathered.component,
        gathered.amount,
        messages.currency,
        gathered.rung,
        gathered.rule_id,
        entries.booked_on,
        coalesce(entries.account_iban, company_accounts.account_iban) as account_iban,
        account_coverage.covered_until_on,
        gathered.file_sha256,
        gathered.ordinal,
        messages.policy_id,
        messages.template_id,
        messages.template_hash,
        messages.run_id as dagster_run_id
    from gathered
    inner join messages
        on gathered.communication_id = messages.communication_id
    left join entries
        on gathered.entry_key = entries.entry_key
    left join company_accounts
        on messages.company_id = company_accounts.company_id
    left join account_coverage
        on
            messages.company_id = account_coverage.company_id
            and coalesce(entries.account_iban, company_accounts.account_iban) = account_coverage.account_iban
)

select * from final

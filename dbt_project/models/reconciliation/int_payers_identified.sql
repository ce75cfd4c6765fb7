with entries as (
    select * from {{ ref("entries") }}
),

entries_left as (
    select * from {{ ref("int_entries_left") }}
),

allocations as (
    select * from {{ ref("int_allocations_told") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

items_left as (
    select * from {{ ref("int_items_left") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

mandates as (
    select * from {{ ref("stg_billing__mandates") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

returns_paired as (
    select * from {{ ref("int_returns_paired") }}
),

numbers_claimed as (
    select * from {{ ref("int_numbers_claimed") }}
),

-- The account, the name of the holder, or the text, is of another customer than the one whose document is named: of
-- either, then.
named_against_all_else as (
    select distinct numbers_claimed.entry_key
    from numbers_claimed
    where
        numbers_claimed.doubt in (
            'account_of_another_customer', 'name_of_another_customer', 'text_of_another_customer'
        )
        or (
            numbers_claimed.doubt = 'order_of_another_invoice'
            and numbers_claimed.doubt_customer_id is distinct from numbers_claimed.customer_id
        )
),

placed as (
    select
        allocations.entry_key,
        min(allocations.customer_id) as customer_id
    from allocations
    group by allocations.entry_key
    having count(distinct allocations.customer_id) = 1
),

named as (
    select
        references_resolved.entry_key,
        min(references_resolved.customer_id) as customer_id,
        count(distinct references_resolved.customer_id) as customer_count,
        sum(coalesce(items_left.open_amount, 0)) as open_amount
    from references_resolved
    left join items_left
        on
            references_resolved.company_id = items_left.company_id
            and references_resolved.invoice_id = items_left.invoice_id
    where references_resolved.is_unique and not references_resolved.is_rejected
    group by references_resolved.entry_key
),

owned as (
    select
        entries_left.entry_key,
        min(payer_accounts.customer_id) as customer_id
    from entries_left
    inner join payer_accounts
        on
            entries_left.company_id = payer_accounts.company_id
            and entries_left.counterparty_iban = payer_accounts.iban
            and payer_accounts.customer_count = 1
            and payer_accounts.is_trusted
    group by entries_left.entry_key
),

mandated as (
    select
        entries_left.entry_key,
        mandates.customer_id
    from entries_left
    inner join entries
        on entries_left.entry_key = entries.entry_key
    inner join mandates
        on
            entries.company_id = mandates.company_id
            and entries.mandate_id = mandates.mandate_id
),

-- Entries whose holder has the name of a customer, and not of the one whose document is named.
holders as (
    select entries_left.entry_key
    from entries_left
    inner join entries
        on entries_left.entry_key = entries.entry_key
    inner join named
        on entries_left.entry_key = named.entry_key
    inner join customers
        on
            entries_left.company_id = customers.company_id
            and {{ name_without_form("entries.counterparty_name") }} = {{ name_without_form("customers.name") }}
    group by entries_left.entry_key
    having bool_and(customers.customer_id <> named.customer_id)
),

weighed as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        placed.customer_id as placed_customer_id,
        named.customer_id as named_customer_id,
        coalesce(named.customer_count, 0) as named_customer_count,
        entries_left.left_amount > coalesce(named.open_amount, 0) as is_more_than_named,
        coalesce(named.open_amount, 0) = 0 as is_settled_named,
        holders.entry_key is not null as is_held_by_another,
        named_against_all_else.entry_key is not null as is_named_against_all_else,
        coalesce(owned.customer_id, mandated.customer_id) as payer_customer_id
    from entries_left
    left join placed
        on entries_left.entry_key = placed.entry_key
    left join named
        on entries_left.entry_key = named.entry_key
    left join owned
        on entries_left.entry_key = owned.entry_key
    left join mandated
        on entries_left.entry_key = mandated.entry_key
    left join holders
        on entries_left.entry_key = holders.entry_key
    left join named_against_all_else
        on entries_left.entry_key = named_against_all_else.entry_key
),

-- What the text names and whose account it came from must not point at two different families of customers.
judged as (
    select
        weighed.entry_key,
        weighed.company_id,
        case
            when weighed.placed_customer_id is not null then weighed.placed_customer_id
            when weighed.named_customer_count > 1 then null
            when weighed.named_customer_count = 0 then weighed.payer_customer_id
            -- A settled document is named by mistake as easily as twice: it gives way to the name of the holder.
            when weighed.payer_customer_id is null and weighed.is_settled_named and weighed.is_held_by_another then null
            when weighed.payer_customer_id is null and weighed.is_named_against_all_else then null
            when weighed.payer_customer_id is null then weighed.named_customer_id
            when weighed.payer_customer_id = weighed.named_customer_id then weighed.named_customer_id
            -- And to the account, unless both are of one family.
            when
                weighed.is_settled_named
                and coalesce(named_customer.parent_customer_id, weighed.named_customer_id)
                <> coalesce(payer_customer.parent_customer_id, weighed.payer_customer_id)
                then weighed.payer_customer_id
            -- One of a family pays more than the document of another: the rest may be for a third.
            when weighed.is_more_than_named then null
            when
                coalesce(named_customer.parent_customer_id, weighed.named_customer_id)
                = coalesce(payer_customer.parent_customer_id, weighed.payer_customer_id)
                then weighed.named_customer_id
        end as customer_id,
        weighed.payer_customer_id,
        weighed.named_customer_id,
        weighed.named_customer_count
    from weighed
    left join customers as named_customer
        on
            weighed.company_id = named_customer.company_id
            and weighed.named_customer_id = named_customer.customer_id
    left join customers as payer_customer
        on
            weighed.company_id = payer_customer.company_id
            and weighed.payer_customer_id = payer_customer.customer_id
),

-- A payment and the entry that took it back are of one customer: what identifies either identifies both.
partners as (
    select
        returns_paired.return_key as entry_key,
        returns_paired.original_key as partner_key
    from returns_paired
    union all
    select
        returns_paired.original_key as entry_key,
        returns_paired.return_key as partner_key
    from returns_paired
),

final as (
    select
        judged.entry_key,
        judged.company_id,
        coalesce(judged.customer_id, partner_judged.customer_id, partner_placed.customer_id) as customer_id,
        judged.payer_customer_id,
        judged.named_customer_id,
        judged.named_customer_count
    from judged
    left join partners
        on judged.entry_key = partners.entry_key
    left join judged as partner_judged
        on partners.partner_key = partner_judged.entry_key
    left join placed as partner_placed
        on partners.partner_key = partner_placed.entry_key
)

select * from final

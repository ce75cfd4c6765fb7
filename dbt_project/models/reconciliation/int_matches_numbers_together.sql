with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_known") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

{{
    left_after([
        "int_matches_confirmed",
        "int_matches_end_to_end",
        "int_matches_reference",
        "int_matches_numbers",
    ])
}},

-- What entries name, when every document they name is sure and of one customer.
named_surely as (
    select
        references_resolved.entry_key,
        count(distinct references_resolved.document_id) as document_count
    from references_resolved
    group by references_resolved.entry_key
    having
        count(distinct references_resolved.document_id) = count(distinct references_resolved.invoice_id)
        and count(distinct references_resolved.customer_id) = 1
        and bool_and(references_resolved.is_unique and not references_resolved.is_rejected)
),

named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        references_resolved.invoice_id,
        min(references_resolved.customer_id) as customer_id,
        min(references_resolved.span_text) as span_text,
        min(named_surely.document_count) as document_count
    from references_resolved
    inner join named_surely
        on references_resolved.entry_key = named_surely.entry_key
    group by references_resolved.entry_key, references_resolved.company_id, references_resolved.invoice_id
),

parts as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.amount,
        entries_left.counterparty_iban,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.customer_id,
        items_left.open_amount,
        named.span_text,
        named.document_count
    from named
    inner join entries_left
        on named.entry_key = entries_left.entry_key
    inner join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and entries_left.currency = items_left.currency
    where
        entries_left.left_amount = entries_left.amount
        and entries_left.amount > 0
        and items_left.open_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

-- The payer's account belongs to others only: then the number alone is not enough.
payers_judged as (
    select
        parts.entry_key,
        bool_or(payer_accounts.family_id = families.family_id) as has_own_owner
    from parts
    inner join payer_accounts
        on
            parts.company_id = payer_accounts.company_id
            and parts.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    inner join families
        on
            parts.company_id = families.company_id
            and parts.customer_id = families.customer_id
    group by parts.entry_key
),

whole_parts as (
    select
        parts.*,
        coalesce(payers_judged.has_own_owner, true) as is_payer_in_order,
        count(*) over (partition by parts.entry_key) as open_count
    from parts
    left join payers_judged
        on parts.entry_key = payers_judged.entry_key
),

-- Per invoice: the payments that name it alone, and those that name it among others.
of_invoices as (
    select
        whole_parts.company_id,
        whole_parts.invoice_id,
        min(whole_parts.open_amount) as open_amount,
        count(*) filter (where whole_parts.document_count = 1) as part_count,
        count(*) filter (where whole_parts.document_count > 1) as collective_count,
        coalesce(sum(whole_parts.amount) filter (where whole_parts.document_count = 1), 0) as part_amount,
        coalesce(bool_and(whole_parts.is_payer_in_order) filter (where whole_parts.document_count = 1), true)
            as is_in_order
    from whole_parts
    group by whole_parts.company_id, whole_parts.invoice_id
),

-- One payment of several invoices and part payments of some of them: all of it together is exactly what is open.
collective as (
    select whole_parts.entry_key
    from whole_parts
    inner join of_invoices
        on
            whole_parts.company_id = of_invoices.company_id
            and whole_parts.invoice_id = of_invoices.invoice_id
    where whole_parts.document_count > 1
    group by whole_parts.entry_key
    having
        sum(of_invoices.open_amount - of_invoices.part_amount) = min(whole_parts.amount)
        and bool_and(whole_parts.is_payer_in_order and whole_parts.open_count = whole_parts.document_count)
        and bool_and(of_invoices.is_in_order and of_invoices.collective_count = 1)
        and bool_and(of_invoices.part_amount < of_invoices.open_amount)
        and sum(of_invoices.part_count) > 0
),

-- All of them or none: a part payment among others that do not add up is a question for a person.
complete as (
    select
        of_invoices.company_id,
        of_invoices.invoice_id,
        of_invoices.open_amount,
        of_invoices.part_amount,
        of_invoices.part_count,
        false as has_collective
    from of_invoices
    where
        of_invoices.is_in_order
        and of_invoices.part_count > 1
        and of_invoices.part_amount = of_invoices.open_amount
    union all
    select
        of_invoices.company_id,
        of_invoices.invoice_id,
        of_invoices.open_amount,
        of_invoices.part_amount,
        of_invoices.part_count,
        true as has_collective
    from of_invoices
    inner join whole_parts
        on
            of_invoices.company_id = whole_parts.company_id
            and of_invoices.invoice_id = whole_parts.invoice_id
    inner join collective
        on whole_parts.entry_key = collective.entry_key
),

matches as (
    select
        whole_parts.entry_key,
        whole_parts.company_id,
        whole_parts.customer_id,
        whole_parts.invoice_id,
        'numbers_together_exact' as rule_id,
        case
            when whole_parts.document_count > 1 then complete.open_amount - complete.part_amount
            else whole_parts.amount
        end as amount,
        whole_parts.currency,
        'The text names "' || whole_parts.span_text || '"; '
        || case
            when complete.has_collective
                then 'with the other payments that name the same invoices it adds up to what was open on them.'
            else
                complete.part_count || ' payments that name it add up to its ' || complete.open_amount || ' '
                || whole_parts.currency || '.'
        end as evidence,
        whole_parts.booked_on
    from whole_parts
    inner join complete
        on
            whole_parts.company_id = complete.company_id
            and whole_parts.invoice_id = complete.invoice_id
            and (whole_parts.document_count = 1 or complete.has_collective)
),

final as (
    select
        {{ match_columns("matches", "rules") }}
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

-- Payments that name their documents in full and differ for a reason: short by a cash discount in time, by costs kept
-- on the way, by an amount too small to ask about, or off by a rounding. The money is placed; what is missing stays
-- open, and a cent too much stays with the payment.
with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

credit_settlements as (
    select * from {{ ref("credit_settlements") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

sent_twice as (
    select * from {{ ref("int_sent_twice") }}
),

{{ left_after(rungs_before("int_matches_short")) }},

named as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.amount,
        entries_left.counterparty_iban,
        references_resolved.document_id,
        references_resolved.invoice_id,
        references_resolved.customer_id,
        references_resolved.document_kind,
        references_resolved.span_text,
        references_resolved.span_start,
        references_resolved.is_unique
        and not references_resolved.is_rejected
        and references_resolved.document_kind in ('invoice', 'credit_note')
        and references_resolved.currency = entries_left.currency as is_usable
    from references_resolved
    inner join entries_left
        on references_resolved.entry_key = entries_left.entry_key
    left join sent_twice
        on references_resolved.entry_key = sent_twice.entry_key
    where
        sent_twice.entry_key is null
        and entries_left.amount > 0
        and entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
),

credited as (
    select
        credit_settlements.company_id,
        credit_settlements.invoice_id,
        sum(credit_settlements.amount) as amount
    from credit_settlements
    group by credit_settlements.company_id, credit_settlements.invoice_id
),

valued as (
    select
        named.*,
        items_left.invoice_number,
        -- A named credit note that its invoice has taken already adds nothing; an invoice must still be open.
        case
            when named.document_kind = 'credit_note' then coalesce(items_left.open_amount, 0)
            when items_left.open_amount > 0 then items_left.open_amount
        end as open_amount,
        {{ discount_in_time("items_left", "invoices", "credited", "tolerances", "named.booked_on") }} as discount_amount
    from named
    cross join tolerances
    left join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and named.currency = items_left.currency
    -- Their columns are handed to a macro, where the linter does not look.
    left join invoices -- noqa: ST11
        on
            named.company_id = invoices.company_id
            and named.invoice_id = invoices.invoice_id
    left join credited -- noqa: ST11
        on
            named.company_id = credited.company_id
            and named.invoice_id = credited.invoice_id
),

summed as (
    select
        valued.entry_key,
        min(valued.company_id) as company_id,
        min(valued.customer_id) as customer_id,
        min(valued.counterparty_iban) as counterparty_iban,
        min(valued.amount) as amount,
        count(*) as document_count,
        sum(valued.open_amount) as open_amount,
        sum(valued.discount_amount) as discount_amount,
        string_agg(valued.span_text, ', ' order by valued.span_start, valued.document_id) as span_text
    from valued
    group by valued.entry_key
    having
        count(distinct valued.customer_id) = 1
        and count(distinct valued.invoice_id) = count(*)
        and bool_and(valued.is_usable and valued.open_amount is not null)
        and sum(valued.open_amount) <> min(valued.amount)
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

-- Whose account it came from: the same family's (true), only others' (false), or not known.
payers as (
    select
        summed.entry_key,
        bool_or(payer_accounts.family_id = families.family_id) as is_own_account
    from summed
    inner join payer_accounts
        on
            summed.company_id = payer_accounts.company_id
            and summed.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    inner join families
        on
            summed.company_id = families.company_id
            and summed.customer_id = families.customer_id
    group by summed.entry_key
),

weighed as (
    select
        summed.*,
        summed.open_amount - summed.amount as short_amount,
        summed.open_amount - summed.discount_amount - summed.amount as off_discount_amount,
        tolerances.rounding_amount * summed.document_count as rounding_amount,
        {{ says_there_is_more("lower(coalesce(bank_entries.remittance, ''))") }} as is_cut_off,
        coalesce(payers.is_own_account, false) as is_own_account,
        coalesce(
            bank_entries.charges_amount = summed.open_amount - summed.amount
            -- Sent in full, and less arrived.
            or (
                bank_entries.original_amount = summed.open_amount
                and bank_entries.original_currency = bank_entries.currency
                and summed.open_amount > summed.amount
            ),
            false
        ) as is_bank_costs
    from summed
    cross join tolerances
    -- A payment read from a notification has no entry of its own here, and says nothing of costs.
    left join bank_entries
        on summed.entry_key = bank_entries.entry_key
    left join payers
        on summed.entry_key = payers.entry_key
    where coalesce(payers.is_own_account, true)
),

explained as (
    select
        weighed.*,
        case
            -- A list that is not all there is names less than was paid: no difference explains it.
            when weighed.is_cut_off then null
            when
                weighed.discount_amount > 0
                and weighed.short_amount > 0
                and abs(weighed.off_discount_amount) <= weighed.rounding_amount
                then 'discount_taken'
            when weighed.short_amount between 0 and weighed.rounding_amount then 'short_by_rounding'
            when -weighed.short_amount between 0 and weighed.rounding_amount then 'over_by_rounding'
            when weighed.is_bank_costs then 'short_by_bank_costs'
            -- Without a cause: one invoice, the customer's own account, and a rest too small to ask about. Of several
            -- it could be an earlier part payment that is not placed yet.
            when
                weighed.document_count = 1
                and weighed.is_own_account
                and weighed.short_amount between 0 and tolerances.small_difference_amount
                and weighed.short_amount * 10000 <= weighed.open_amount * tolerances.small_difference_basis_points
                then 'short_by_small_difference'
        end as rule_id
    from weighed
    cross join tolerances
),

claims as (
    select
        valued.entry_key,
        valued.company_id,
        valued.customer_id,
        valued.invoice_id,
        valued.booked_on,
        valued.currency,
        valued.open_amount,
        explained.rule_id,
        explained.short_amount,
        explained.discount_amount as whole_discount_amount,
        explained.span_text,
        case when explained.rule_id = 'discount_taken' then valued.discount_amount else 0 end as discount_amount,
        case explained.rule_id
            when 'discount_taken' then explained.off_discount_amount
            when 'over_by_rounding' then 0
            else explained.short_amount
        end as rest_amount,
        row_number() over (
            partition by valued.entry_key
            order by
                case when explained.rule_id = 'discount_taken' then valued.discount_amount else 0 end desc,
                valued.open_amount desc,
                valued.invoice_id asc
        ) as size_rank
    from valued
    inner join explained
        on valued.entry_key = explained.entry_key
    where explained.rule_id is not null
),

-- Each invoice is short by its own discount; what else is missing, or was not taken off, is of the one with the largest
-- discount, else of the largest.
shared as (
    select
        claims.*,
        claims.open_amount - claims.discount_amount
        - case when claims.size_rank = 1 then claims.rest_amount else 0 end as amount
    from claims
),

contested as (
    select
        shared.company_id,
        shared.invoice_id
    from shared
    group by shared.company_id, shared.invoice_id
    having count(distinct shared.entry_key) > 1
),

-- An entry takes its documents only when it is the only one in this rung to name each of them, and pays something of
-- every invoice and of none more than is open.
winners as (
    select shared.entry_key
    from shared
    left join contested
        on
            shared.company_id = contested.company_id
            and shared.invoice_id = contested.invoice_id
    group by shared.entry_key
    having
        count(contested.invoice_id) = 0
        and bool_and(shared.open_amount <= 0 or (shared.amount > 0 and shared.amount <= shared.open_amount))
        and max(shared.open_amount) > 0
),

matches as (
    select
        shared.entry_key,
        shared.company_id,
        shared.customer_id,
        shared.invoice_id,
        shared.rule_id,
        shared.amount,
        shared.currency,
        'The text names "' || shared.span_text || '"; the payment is ' || abs(shared.short_amount) || ' '
        || shared.currency
        || case shared.rule_id
            when 'discount_taken'
                then ' short, which is the cash discount of ' || shared.whole_discount_amount || ', taken in time.'
            when 'short_by_bank_costs' then ' short, which is what a bank kept on the way.'
            when 'short_by_rounding' then ' short, which is a rounding.'
            when 'over_by_rounding' then ' too much, which is a rounding.'
            else ' short, too little to ask about.'
        end as evidence,
        shared.booked_on
    from shared
    inner join winners
        on shared.entry_key = winners.entry_key
),

final as (
    select
        {{ match_columns("matches", "rules") }}
    from matches
    inner join rules
        on
            matches.rule_id = rules.rule_id
            and rules.is_automatic
    where matches.amount <> 0
)

select * from final

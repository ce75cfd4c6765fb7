{# Rules whose proof is that the amount is the principal, or an agreed part of it: such money means the principal. #}
{% set principal_rules = ["numbers_together_exact", "instalment_exact", "overpayment_refunded"] -%}

with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

charges as (
    select * from {{ ref("stg_register__charges") }}
),

companies as (
    select * from {{ ref("stg_billing__companies") }}
),

allocation_orders as (
    select * from {{ ref("allocation_orders") }}
),

standing as (
    select * from {{ ref("int_standing_judged") }}
),

returned as (
    select * from {{ ref("int_matches_returned") }}
),

entries as (
    select * from {{ ref("int_entries_opened") }}
),

bank_entries as (
    select * from {{ ref("entries") }}
),

items as (
    select * from {{ ref("int_items_opened") }}
),

documents as (
    select * from {{ ref("int_documents_named") }}
),

references_resolved as (
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

laddered as (
    select * from {{ ref("int_matches_laddered") }}
),

-- Of a company's own country, else of any.
orders as (
    select
        companies.company_id,
        allocation_orders.policy_id,
        allocation_orders.is_exact_principal_designated,
        {% for component in ["costs", "interest", "principal"] -%}
            case
                when allocation_orders.first_component = '{{ component }}' then 1
                when allocation_orders.second_component = '{{ component }}' then 2
                else 3
            end as {{ component }}_place,
        {% endfor -%}
        row_number() over (
            partition by companies.company_id order by allocation_orders.country = '*'
        ) as closeness_rank
    from companies
    cross join business_day
    inner join allocation_orders
        on allocation_orders.country in (companies.country, '*')
    where {{ in_force("allocation_orders") }}
),

paid_charges as (
    select
        standing.company_id,
        standing.invoice_id,
        standing.component,
        standing.amount
    from standing
    where standing.undone_reason is null and standing.component <> 'principal'
    union all
    select
        returned.company_id,
        returned.invoice_id,
        returned.component,
        returned.amount
    from returned
    where returned.component <> 'principal'
),

paid_before as (
    select
        paid_charges.company_id,
        paid_charges.invoice_id,
        sum(case when paid_charges.component = 'interest' then paid_charges.amount else 0 end) as interest_amount,
        sum(case when paid_charges.component = 'costs' then paid_charges.amount else 0 end) as costs_amount
    from paid_charges
    group by paid_charges.company_id, paid_charges.invoice_id
),

-- What each claim still asks, with the component that comes first named first.
claims as (
    select
        charges.company_id,
        charges.invoice_id,
        charges.claimed_on,
        charges.next_claimed_on,
        greatest(charges.interest_amount - coalesce(paid_before.interest_amount, 0), 0) as interest_amount,
        greatest(charges.costs_amount - coalesce(paid_before.costs_amount, 0), 0) as costs_amount,
        orders.costs_place < orders.interest_place as is_costs_first,
        orders.costs_place < orders.principal_place as is_costs_before_principal,
        orders.interest_place < orders.principal_place as is_interest_before_principal,
        orders.is_exact_principal_designated
    from charges
    inner join orders
        on
            charges.company_id = orders.company_id
            and orders.closeness_rank = 1
    inner join documents
        on
            charges.company_id = documents.company_id
            and charges.invoice_id = documents.document_id
            and documents.kind = 'invoice'
            and not documents.is_cancelled
    left join paid_before
        on
            charges.company_id = paid_before.company_id
            and charges.invoice_id = paid_before.invoice_id
),

claimed_invoices as (
    select distinct
        claims.company_id,
        claims.invoice_id
    from claims
),

-- Few invoices carry a claim: everything from here on is about the entries that pay or name one of them.
concerned as (
    select laddered.entry_key
    from laddered
    inner join claimed_invoices
        on
            laddered.company_id = claimed_invoices.company_id
            and laddered.invoice_id = claimed_invoices.invoice_id
    union
    select references_resolved.entry_key
    from references_resolved
    inner join claimed_invoices
        on
            references_resolved.company_id = claimed_invoices.company_id
            and references_resolved.invoice_id = claimed_invoices.invoice_id
    where not references_resolved.is_rejected
),

matched as (
    select laddered.*
    from laddered
    inner join concerned
        on laddered.entry_key = concerned.entry_key
),

-- Part payments in the order of the law: whatever is neither the whole principal nor meant for it by its rule.
part_payments as (
    select
        matched.*,
        claims.is_costs_first,
        case
            when claims.is_costs_first and claims.is_costs_before_principal then claims.costs_amount
            when not claims.is_costs_first and claims.is_interest_before_principal then claims.interest_amount
            else 0
        end as first_amount,
        case when claims.is_costs_before_principal then claims.costs_amount else 0 end
        + case when claims.is_interest_before_principal then claims.interest_amount else 0 end as both_amount
    from matched
    inner join claims
        on
            matched.company_id = claims.company_id
            and matched.invoice_id = claims.invoice_id
            and matched.booked_on >= claims.claimed_on
            and (claims.next_claimed_on is null or matched.booked_on < claims.next_claimed_on)
    inner join items
        on
            matched.company_id = items.company_id
            and matched.invoice_id = items.invoice_id
    where
        matched.amount > 0
        and matched.rung <> 7
        and matched.rule_id not in (
            {% for rule in principal_rules -%}
                '{{ rule }}'{{ "," if not loop.last }}
            {% endfor -%}
        )
        and not (claims.is_exact_principal_designated and matched.amount = items.open_amount)
),

{{ filled_in_turn("part_payments", "split_payments") }},

split_of_invoices as (
    select
        split_payments.company_id,
        split_payments.invoice_id,
        sum(split_payments.costs_taken) as costs_amount,
        sum(split_payments.interest_taken) as interest_amount
    from split_payments
    group by split_payments.company_id, split_payments.invoice_id
),

claims_left as (
    select
        claims.company_id,
        claims.invoice_id,
        claims.claimed_on,
        claims.next_claimed_on,
        claims.is_costs_first,
        case
            when claims.is_costs_first then claims.costs_amount - coalesce(split_of_invoices.costs_amount, 0)
            else claims.interest_amount - coalesce(split_of_invoices.interest_amount, 0)
        end as first_amount,
        claims.costs_amount + claims.interest_amount - coalesce(split_of_invoices.costs_amount, 0)
        - coalesce(split_of_invoices.interest_amount, 0) as both_amount
    from claims
    left join split_of_invoices
        on
            claims.company_id = split_of_invoices.company_id
            and claims.invoice_id = split_of_invoices.invoice_id
),

matched_of_entries as (
    select
        matched.entry_key,
        sum(matched.amount) as amount
    from matched
    group by matched.entry_key
),

items_named as (
    select distinct
        references_resolved.company_id,
        references_resolved.invoice_id
    from references_resolved
    inner join concerned
        on references_resolved.entry_key = concerned.entry_key
),

matched_of_items as (
    select
        laddered.company_id,
        laddered.invoice_id,
        sum(laddered.amount) as amount
    from laddered
    inner join items_named
        on
            laddered.company_id = items_named.company_id
            and laddered.invoice_id = items_named.invoice_id
    group by laddered.company_id, laddered.invoice_id
),

-- What the ladder has left of the entries concerned.
entries_over as (
    select
        entries.entry_key,
        entries.company_id,
        entries.booked_on,
        entries.currency,
        entries.amount as entry_amount,
        entries.counterparty_iban,
        entries.left_amount - coalesce(matched_of_entries.amount, 0) as over_amount,
        entries.left_amount = entries.amount and matched_of_entries.entry_key is null as is_untouched
    from entries
    inner join concerned
        on entries.entry_key = concerned.entry_key
    left join matched_of_entries
        on entries.entry_key = matched_of_entries.entry_key
    where
        entries.left_amount - coalesce(matched_of_entries.amount, 0) > 0
        and not entries.is_return
        and not entries.is_taken_back
),

named as (
    select
        entries_over.entry_key,
        entries_over.company_id,
        entries_over.booked_on,
        entries_over.currency,
        entries_over.over_amount,
        entries_over.counterparty_iban,
        references_resolved.invoice_id,
        references_resolved.customer_id,
        references_resolved.span_text,
        references_resolved.is_unique and not references_resolved.is_rejected
        and references_resolved.document_kind = 'invoice'
        and references_resolved.currency = entries_over.currency as is_usable,
        coalesce(items.open_amount, 0) - coalesce(matched_of_items.amount, 0) as principal_amount,
        claims_left.first_amount,
        claims_left.both_amount,
        claims_left.is_costs_first
    from entries_over
    inner join references_resolved
        on entries_over.entry_key = references_resolved.entry_key
    left join items
        on
            references_resolved.company_id = items.company_id
            and references_resolved.invoice_id = items.invoice_id
    left join matched_of_items
        on
            references_resolved.company_id = matched_of_items.company_id
            and references_resolved.invoice_id = matched_of_items.invoice_id
    left join claims_left
        on
            references_resolved.company_id = claims_left.company_id
            and references_resolved.invoice_id = claims_left.invoice_id
            and entries_over.booked_on >= claims_left.claimed_on
            and (claims_left.next_claimed_on is null or entries_over.booked_on < claims_left.next_claimed_on)
    where entries_over.is_untouched
),

families as (
    select
        customers.company_id,
        customers.customer_id,
        coalesce(customers.parent_customer_id, customers.customer_id) as family_id
    from customers
),

-- The payer's account belongs to others only: then the number alone is not enough.
foreign_payers as (
    select named.entry_key
    from named
    inner join payer_accounts
        on
            named.company_id = payer_accounts.company_id
            and named.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    inner join families
        on
            named.company_id = families.company_id
            and named.customer_id = families.customer_id
    group by named.entry_key
    having not bool_or(payer_accounts.family_id = families.family_id)
),

-- The same amount has already paid one of the invoices: it may be sent twice, and goes back rather than to a charge.
payers_of_claimed as (
    select
        standing.company_id,
        standing.invoice_id,
        standing.entry_key
    from standing
    inner join claimed_invoices
        on
            standing.company_id = claimed_invoices.company_id
            and standing.invoice_id = claimed_invoices.invoice_id
    where standing.undone_reason is null
    union
    select
        matched.company_id,
        matched.invoice_id,
        matched.entry_key
    from matched
),

sent_twice as (
    select distinct named.entry_key
    from named
    inner join payers_of_claimed
        on
            named.company_id = payers_of_claimed.company_id
            and named.invoice_id = payers_of_claimed.invoice_id
            and named.entry_key <> payers_of_claimed.entry_key
    inner join bank_entries as other_entry
        on
            payers_of_claimed.entry_key = other_entry.entry_key
            and named.over_amount - other_entry.amount = 0
),

-- Everything that is claimed on what the entry names, to the cent; or the charges of one whose principal is paid.
named_whole as (
    select
        named.entry_key,
        case
            when sum(named.principal_amount + coalesce(named.both_amount, 0)) = min(named.over_amount)
                then 'all_claimed_exact'
            else 'charges_named'
        end as rule_id,
        string_agg(named.span_text, ', ' order by named.span_text) as span_text
    from named
    left join foreign_payers
        on named.entry_key = foreign_payers.entry_key
    left join sent_twice
        on named.entry_key = sent_twice.entry_key
    where foreign_payers.entry_key is null and sent_twice.entry_key is null
    group by named.entry_key
    having
        bool_and(named.is_usable and named.principal_amount >= 0)
        and count(distinct named.customer_id) = 1
        and count(*) = count(distinct named.invoice_id)
        and sum(coalesce(named.both_amount, 0)) > 0
        and (
            sum(named.principal_amount + coalesce(named.both_amount, 0)) = min(named.over_amount)
            or (count(*) = 1 and sum(named.principal_amount) = 0)
        )
),

-- Two that ask for everything of one invoice are for a person.
asked_twice as (
    select
        named.company_id,
        named.invoice_id
    from named
    inner join named_whole
        on named.entry_key = named_whole.entry_key
    where named_whole.rule_id = 'all_claimed_exact' and named.principal_amount > 0
    group by named.company_id, named.invoice_id
    having count(*) > 1
),

contested as (
    select distinct named.entry_key
    from named
    inner join asked_twice
        on
            named.company_id = asked_twice.company_id
            and named.invoice_id = asked_twice.invoice_id
),

-- Money beyond the principal: of what the ladder placed on an invoice, and of what names one and was not placed.
over_of_invoices as (
    select
        matched.entry_key,
        matched.company_id,
        matched.customer_id,
        matched.invoice_id,
        matched.rung,
        matched.rule_id,
        matched.currency,
        matched.score,
        matched.evidence,
        matched.policy_id,
        matched.booked_on,
        entries_over.over_amount,
        0 as principal_amount,
        claims_left.first_amount,
        claims_left.both_amount,
        claims_left.is_costs_first
    from matched
    inner join entries_over
        on matched.entry_key = entries_over.entry_key
    inner join claims_left
        on
            matched.company_id = claims_left.company_id
            and matched.invoice_id = claims_left.invoice_id
            and matched.booked_on >= claims_left.claimed_on
            and (claims_left.next_claimed_on is null or matched.booked_on < claims_left.next_claimed_on)
    where matched.amount > 0
    union all
    select
        named.entry_key,
        named.company_id,
        named.customer_id,
        named.invoice_id,
        rules.rung,
        rules.rule_id,
        named.currency,
        rules.score,
        case named_whole.rule_id
            when 'all_claimed_exact'
                then
                    'The text names "' || named_whole.span_text
                    || '"; with the interest and costs claimed the amount is exact.'
            else 'The text names "' || named_whole.span_text || '", of which only interest or costs are still claimed.'
        end as evidence,
        rules.policy_id,
        named.booked_on,
        named.over_amount,
        named.principal_amount,
        coalesce(named.first_amount, 0) as first_amount,
        coalesce(named.both_amount, 0) as both_amount,
        coalesce(named.is_costs_first, true) as is_costs_first
    from named
    inner join named_whole
        on named.entry_key = named_whole.entry_key
    inner join rules
        on
            named_whole.rule_id = rules.rule_id
            and rules.is_automatic
    left join contested
        on named.entry_key = contested.entry_key
    where contested.entry_key is null
),

-- An entry fills the charges of its invoices one after the other.
over_payments as (
    select
        over_of_invoices.*,
        greatest(
            least(
                over_of_invoices.both_amount,
                over_of_invoices.over_amount
                - sum(over_of_invoices.principal_amount) over (partition by over_of_invoices.entry_key)
                - coalesce(
                    sum(over_of_invoices.both_amount) over (
                        partition by over_of_invoices.entry_key
                        order by over_of_invoices.invoice_id
                        rows between unbounded preceding and 1 preceding
                    ),
                    0
                )
            ),
            0
        ) as amount
    from over_of_invoices
),

{{ filled_in_turn("over_payments", "filled_charges") }},

taken as (
    select
        split_payments.entry_key,
        split_payments.company_id,
        split_payments.customer_id,
        split_payments.invoice_id,
        split_payments.rung,
        split_payments.rule_id,
        split_payments.currency,
        split_payments.score,
        split_payments.evidence
        || ' Of a part payment, what is claimed beside the principal is paid first where the law says so.' as evidence,
        split_payments.policy_id,
        split_payments.booked_on,
        -(split_payments.costs_taken + split_payments.interest_taken) as principal_amount,
        split_payments.costs_taken as costs_amount,
        split_payments.interest_taken as interest_amount
    from split_payments
    where split_payments.costs_taken + split_payments.interest_taken > 0
    union all
    select
        filled_charges.entry_key,
        filled_charges.company_id,
        filled_charges.customer_id,
        filled_charges.invoice_id,
        filled_charges.rung,
        filled_charges.rule_id,
        filled_charges.currency,
        filled_charges.score,
        filled_charges.evidence
        || case
            when filled_charges.rule_id in ('all_claimed_exact', 'charges_named') then ''
            else ' What is beyond the principal pays the interest and costs that are claimed.'
        end as evidence,
        filled_charges.policy_id,
        filled_charges.booked_on,
        filled_charges.principal_amount,
        filled_charges.costs_taken as costs_amount,
        filled_charges.interest_taken as interest_amount
    from filled_charges
),

final as (
    {% for component in ["principal", "interest", "costs"] -%}
        select
            taken.entry_key,
            taken.company_id,
            taken.customer_id,
            taken.invoice_id,
            '{{ component }}' as component,
            taken.rung,
            taken.rule_id,
            cast(taken.{{ component }}_amount as decimal(18, 2)) as amount,
            taken.currency,
            taken.score,
            taken.evidence,
            taken.policy_id,
            taken.booked_on
        from taken
        where taken.{{ component }}_amount <> 0
        {{ "union all" if not loop.last }}
    {% endfor %}
)

select * from final

with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

bank_entries as (
    select * from {{ ref("stg_bank__entries") }}
),

invoices as (
    select * from {{ ref("stg_billing__invoices") }}
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

{{ left_after(["int_matches_confirmed", "int_matches_end_to_end"]) }},

named as (
    select
        references_resolved.entry_key,
        references_resolved.company_id,
        min(references_resolved.invoice_id) filter (where references_resolved.strength = 2) as invoice_id,
        min(references_resolved.span_text) filter (where references_resolved.strength = 2) as span_text,
        count(distinct references_resolved.invoice_id) > 1 as names_others
    from references_resolved
    group by references_resolved.entry_key, references_resolved.company_id
    having
        count(distinct references_resolved.invoice_id) filter (where references_resolved.strength = 2) = 1
        and bool_and(
            references_resolved.strength <> 2
            or (references_resolved.is_unique and not references_resolved.is_rejected)
        )
),

claims as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        entries_left.booked_on,
        entries_left.currency,
        entries_left.left_amount as claimed_amount,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.customer_id,
        items_left.open_amount,
        items_left.total_amount,
        named.span_text
    from named
    inner join entries_left
        on named.entry_key = entries_left.entry_key
    inner join items_left
        on
            named.company_id = items_left.company_id
            and named.invoice_id = items_left.invoice_id
            and entries_left.currency = items_left.currency
    left join sent_twice
        on entries_left.entry_key = sent_twice.entry_key
    where
        entries_left.left_amount = entries_left.amount
        and entries_left.amount > 0
        and items_left.open_amount > 0
        and not entries_left.is_return
        and not entries_left.is_taken_back
        -- With other documents named beside it, only its exact amount is its own: the rest is for all of them together.
        and (not named.names_others or entries_left.left_amount - items_left.open_amount = 0)
        -- Two halves of a day may both be meant; of two that are each enough, one is.
        and (sent_twice.entry_key is null or entries_left.left_amount < items_left.open_amount)
),

{{ settle_in_order() }},

compared as (
    select
        settled.*,
        settled.open_amount - days_in_order.earlier_amount as open_before
    from settled
    inner join days_in_order
        on
            settled.company_id = days_in_order.company_id
            and settled.invoice_id = days_in_order.invoice_id
            and settled.booked_on = days_in_order.booked_on
),

-- Short, and the first to pay anything of it: a cash discount or costs kept on the way may be why.
first_and_short as (
    select compared.*
    from compared
    where compared.open_before = compared.open_amount and compared.amount < compared.open_amount
),

credited as (
    select
        credit_settlements.company_id,
        credit_settlements.invoice_id,
        sum(credit_settlements.amount) as amount
    from credit_settlements
    group by credit_settlements.company_id, credit_settlements.invoice_id
),

discounted as (
    select
        first_and_short.*,
        {{ discount_in_time("first_and_short", "invoices", "credited", "tolerances", "first_and_short.booked_on") }}
            as discount_amount
    from first_and_short
    cross join tolerances
    -- Its columns are handed to a macro, where the linter does not look.
    inner join invoices -- noqa: ST11
        on
            first_and_short.company_id = invoices.company_id
            and first_and_short.invoice_id = invoices.invoice_id
    left join credited -- noqa: ST11
        on
            first_and_short.company_id = credited.company_id
            and first_and_short.invoice_id = credited.invoice_id
),

-- The same causes as where the text names the number (int_matches_short): nobody is reminded of what they explain.
causes as (
    select
        discounted.entry_key,
        case
            when
                discounted.discount_amount > 0
                and abs(discounted.open_amount - discounted.amount - discounted.discount_amount)
                <= tolerances.rounding_amount
                then 'discount_taken'
            when
                bank_entries.charges_amount = discounted.open_amount - discounted.amount
                or (
                    bank_entries.original_amount = discounted.open_amount
                    and bank_entries.original_currency = bank_entries.currency
                )
                then 'short_by_bank_costs'
        end as rule_id
    from discounted
    cross join tolerances
    -- A payment read from a notification has no entry of its own here, and says nothing of costs.
    left join bank_entries
        on discounted.entry_key = bank_entries.entry_key
),

automatic_rules as (
    select rules.rule_id
    from rules
    where rules.is_automatic
),

-- Where a cause is switched off the reference still counts: what is short of it is a part payment.
judged as (
    select
        compared.*,
        compared.open_before - compared.amount as short_amount,
        case
            when compared.claimed_amount > compared.amount then 'reference_over'
            when compared.amount = compared.open_before then 'reference_exact'
            when rule_of_cause.rule_id is not null then rule_of_cause.rule_id
            when
                rule_of_rounding.rule_id is not null
                and compared.open_before - compared.amount <= tolerances.rounding_amount
                then 'short_by_rounding'
            -- Too little to ask about, and the first to pay anything of it: as where the text names the number.
            when
                rule_of_little.rule_id is not null
                and compared.open_before = compared.open_amount
                and compared.open_before - compared.amount <= tolerances.small_difference_amount
                and (compared.open_before - compared.amount) * 10000
                <= compared.open_before * tolerances.small_difference_basis_points
                then 'reference_short_by_little'
            else 'reference_partial'
        end as rule_id
    from compared
    cross join tolerances
    left join causes
        on compared.entry_key = causes.entry_key
    left join automatic_rules as rule_of_cause
        on causes.rule_id = rule_of_cause.rule_id
    left join automatic_rules as rule_of_rounding
        on rule_of_rounding.rule_id = 'short_by_rounding'
    left join automatic_rules as rule_of_little
        on rule_of_little.rule_id = 'reference_short_by_little'
),

matches as (
    select
        judged.entry_key,
        judged.company_id,
        judged.customer_id,
        judged.invoice_id,
        judged.rule_id,
        judged.amount,
        judged.currency,
        'Payment reference "' || judged.span_text || '" is the one of ' || judged.invoice_number
        || case judged.rule_id
            when 'reference_over'
                then
                    ': all of its open amount is taken, ' || (judged.claimed_amount - judged.amount) || ' '
                    || judged.currency || ' is more than was due.'
            when 'reference_exact' then ' and the amount is exact.'
            when 'reference_partial'
                then ': a part payment, ' || judged.short_amount || ' ' || judged.currency || ' stays open.'
            else
                '; the payment is ' || judged.short_amount || ' ' || judged.currency || ' short, which is '
                || case judged.rule_id
                    when 'discount_taken' then 'the cash discount, taken in time.'
                    when 'short_by_bank_costs' then 'what a bank kept on the way.'
                    when 'reference_short_by_little' then 'too little to ask about.'
                    else 'a rounding.'
                end
        end as evidence,
        judged.booked_on
    from judged
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

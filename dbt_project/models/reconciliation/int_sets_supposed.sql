-- Several invoices that one payment of a known customer may be for, when its text names nothing: everything open that
-- day, everything due, the oldest first, or all of one month; each only when it adds up to the payment.
with references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

text_readings as (
    select * from {{ ref("int_text_readings") }}
),

match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

tolerances as (
    select * from {{ ref("int_tolerances_in_force") }}
),

{{ left_after(rungs_before("int_matches_payer_balance")) }},

payments as (
    select
        entries_left.entry_key,
        entries_left.company_id,
        payer_accounts.customer_id,
        entries_left.currency,
        entries_left.amount,
        entries_left.booked_on,
        payer_accounts.iban,
        payer_accounts.is_declared
    from entries_left
    inner join payer_accounts
        on
            entries_left.company_id = payer_accounts.company_id
            and entries_left.counterparty_iban = payer_accounts.iban
            and payer_accounts.customer_count = 1
            and payer_accounts.is_trusted
    where
        entries_left.amount > 0
        and entries_left.left_amount = entries_left.amount
        and not entries_left.is_return
        and not entries_left.is_taken_back
        and not exists (
            select 1 from references_resolved
            where references_resolved.entry_key = entries_left.entry_key
        )
        and not exists (
            select 1 from text_readings
            where
                text_readings.entry_key = entries_left.entry_key
                and text_readings.reading <> 'payer_name'
                -- Its own number says what the account says.
                and (
                    text_readings.reading <> 'customer_number'
                    or text_readings.customer_id <> payer_accounts.customer_id
                )
        )
        and not exists (
            select 1 from match_answers
            where match_answers.entry_key = entries_left.entry_key
        )
),

-- How many items each customer had open on each day that one of its payments came in.
events as (
    select
        payments.company_id,
        payments.customer_id,
        payments.currency,
        payments.booked_on as happened_on,
        0 as item_count,
        payments.entry_key
    from payments
    union all
    select
        items_left.company_id,
        items_left.customer_id,
        items_left.currency,
        items_left.issued_on as happened_on,
        1 as item_count,
        cast(null as varchar) as entry_key
    from items_left
),

counted as (
    select
        events.entry_key,
        sum(events.item_count) over (
            partition by events.company_id, events.customer_id, events.currency
            order by events.happened_on
            range between unbounded preceding and current row
        ) as item_count
    from events
),

known_that_day as (
    select
        payments.entry_key,
        payments.company_id,
        payments.customer_id,
        payments.currency,
        payments.amount,
        payments.booked_on,
        payments.iban,
        payments.is_declared,
        items_left.invoice_id,
        items_left.invoice_number,
        items_left.due_on,
        items_left.issued_on,
        items_left.open_amount,
        items_left.open_amount < 0 as is_credit,
        {{ month_of("items_left.issued_on") }} as issued_in
    from payments
    inner join counted
        on payments.entry_key = counted.entry_key
    inner join tolerances
        on counted.item_count between 2 and tolerances.max_balance_items
    inner join items_left
        on
            payments.company_id = items_left.company_id
            and payments.customer_id = items_left.customer_id
            and payments.currency = items_left.currency
            and payments.booked_on >= items_left.issued_on
),

summed as (
    select
        known_that_day.*,
        sum(known_that_day.open_amount) over (partition by known_that_day.entry_key) as full_amount,
        sum(
            case
                when known_that_day.is_credit or known_that_day.due_on <= known_that_day.booked_on
                    then known_that_day.open_amount
                else 0
            end
        ) over (partition by known_that_day.entry_key) as due_amount,
        -- Credit notes apart: who pays the oldest first may not have taken them off.
        sum(known_that_day.open_amount) over (
            partition by known_that_day.entry_key, known_that_day.is_credit
            order by known_that_day.due_on
            range between unbounded preceding and current row
        ) as oldest_amount,
        sum(known_that_day.open_amount) over (
            partition by known_that_day.entry_key, known_that_day.issued_in
        ) as month_amount
    from known_that_day
),

-- Up to which due date the oldest add up to the payment.
oldest_until as (
    select
        summed.entry_key,
        max(summed.due_on) as due_on
    from summed
    where not summed.is_credit and summed.oldest_amount - summed.amount = 0
    group by summed.entry_key
),

supposed as (
    select
        summed.entry_key,
        1 as place,
        'payer_and_full_balance' as rule_id,
        'all' as part,
        summed.invoice_id
    from summed
    where summed.full_amount - summed.amount = 0
    union all
    select
        summed.entry_key,
        2 as place,
        'payer_and_all_due' as rule_id,
        'due' as part,
        summed.invoice_id
    from summed
    where
        summed.due_amount - summed.amount = 0
        and (summed.is_credit or summed.due_on <= summed.booked_on)
    union all
    select
        summed.entry_key,
        3 as place,
        'payer_and_oldest_first' as rule_id,
        'oldest' as part,
        summed.invoice_id
    from summed
    inner join oldest_until
        on
            summed.entry_key = oldest_until.entry_key
            and summed.due_on <= oldest_until.due_on
    where not summed.is_credit
    union all
    select
        summed.entry_key,
        4 as place,
        'payer_and_one_month' as rule_id,
        summed.issued_in as part,
        summed.invoice_id
    from summed
    where summed.month_amount - summed.amount = 0
    union all
    -- One of exactly the amount, too: rung 5 found more than one, or more than one payment for it.
    select
        summed.entry_key,
        5 as place,
        'payer_and_single_amount' as rule_id,
        summed.invoice_id as part,
        summed.invoice_id
    from summed
    where summed.open_amount - summed.amount = 0
),

-- Two suppositions with the same items are one.
sets as (
    select
        supposed.entry_key,
        supposed.rule_id,
        supposed.part,
        supposed.place,
        {{ multiset_hash("supposed.invoice_id") }} as set_hash,
        count(*) as item_count
    from supposed
    group by supposed.entry_key, supposed.rule_id, supposed.part, supposed.place
),

distinct_sets as (
    select
        sets.*,
        count(*) over (partition by sets.entry_key, sets.set_hash) as agreeing_count,
        min(sets.place) over (partition by sets.entry_key, sets.set_hash) as first_place
    from sets
),

set_counts as (
    select
        sets.entry_key,
        count(distinct sets.set_hash) as set_count
    from sets
    group by sets.entry_key
),

-- An item outside a set of the same amount as one inside could stand in its place.
exchangeable as (
    select distinct
        inside.entry_key,
        inside.rule_id,
        inside.part
    from supposed as inside
    inner join summed as inside_item
        on
            inside.entry_key = inside_item.entry_key
            and inside.invoice_id = inside_item.invoice_id
    inner join summed as outside_item
        on
            inside.entry_key = outside_item.entry_key
            and inside_item.open_amount = outside_item.open_amount
    left join supposed as also_inside
        on
            inside.entry_key = also_inside.entry_key
            and inside.rule_id = also_inside.rule_id
            and inside.part = also_inside.part
            and outside_item.invoice_id = also_inside.invoice_id
    where also_inside.invoice_id is null
),

final as (
    select
        summed.entry_key,
        summed.company_id,
        summed.customer_id,
        summed.invoice_id,
        summed.invoice_number,
        summed.open_amount,
        summed.amount,
        summed.currency,
        summed.booked_on,
        summed.iban,
        summed.is_declared,
        summed.due_on,
        distinct_sets.rule_id,
        distinct_sets.item_count,
        set_counts.set_count,
        exchangeable.entry_key is not null as is_exchangeable
    from distinct_sets
    inner join set_counts
        on distinct_sets.entry_key = set_counts.entry_key
    inner join supposed
        on
            distinct_sets.entry_key = supposed.entry_key
            and distinct_sets.rule_id = supposed.rule_id
            and distinct_sets.part = supposed.part
    inner join summed
        on
            supposed.entry_key = summed.entry_key
            and supposed.invoice_id = summed.invoice_id
    left join exchangeable
        on
            distinct_sets.entry_key = exchangeable.entry_key
            and distinct_sets.rule_id = exchangeable.rule_id
            and distinct_sets.part = exchangeable.part
    where distinct_sets.place = distinct_sets.first_place
)

select * from final

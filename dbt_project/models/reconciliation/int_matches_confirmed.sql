with match_answers as (
    select * from {{ ref("stg_register__match_answers") }}
),

entries as (
    select * from {{ ref("int_entries_opened") }}
),

items as (
    select * from {{ ref("int_items_opened") }}
),

standing as (
    select * from {{ ref("int_standing_reviewed") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

-- Amounts without their sign: a person may also place a refund on a credit note. Signs must agree.
asked as (
    select
        match_answers.seq,
        match_answers.entry_key,
        entries.company_id,
        entries.booked_on,
        entries.currency,
        items.invoice_id,
        items.invoice_number,
        items.customer_id,
        sign(entries.left_amount) as direction,
        abs(entries.left_amount) as left_amount,
        abs(items.open_amount) as open_amount,
        least(
            abs(coalesce(match_answers.amount, entries.left_amount)), abs(entries.left_amount), abs(items.open_amount)
        ) as asked_amount,
        match_answers.amount as said_amount,
        match_answers.recorded_by,
        match_answers.answered_on
    from match_answers
    inner join entries
        on
            match_answers.entry_key = entries.entry_key
            and match_answers.company_id = entries.company_id
    inner join items
        on
            match_answers.company_id = items.company_id
            and match_answers.invoice_id = items.invoice_id
            and entries.currency = items.currency
            and sign(entries.left_amount) = sign(items.open_amount)
    left join standing
        on
            match_answers.entry_key = standing.entry_key
            and match_answers.company_id = standing.company_id
            and match_answers.invoice_id = standing.invoice_id
            and standing.undone_reason is null
            and standing.rule_id = 'human_confirmed'
    where
        match_answers.answer = 'confirmed'
        and entries.left_amount <> 0
        and items.open_amount <> 0
        and standing.entry_key is null
),

within_entry as (
    select
        asked.*,
        least(
            asked.asked_amount,
            asked.left_amount - coalesce(
                sum(asked.asked_amount) over (
                    partition by asked.entry_key order by asked.seq rows between unbounded preceding and 1 preceding
                ),
                0
            )
        ) as entry_amount
    from asked
),

within_item as (
    select
        within_entry.*,
        least(
            within_entry.entry_amount,
            within_entry.open_amount - coalesce(
                sum(within_entry.entry_amount) over (
                    partition by within_entry.company_id, within_entry.invoice_id
                    order by within_entry.seq rows between unbounded preceding and 1 preceding
                ),
                0
            )
        ) as item_amount
    from within_entry
    where within_entry.entry_amount > 0
),

claims as (
    select
        within_item.entry_key,
        within_item.company_id,
        within_item.customer_id,
        within_item.invoice_id,
        'human_confirmed' as rule_id,
        within_item.direction * within_item.item_amount as amount,
        within_item.currency,
        within_item.recorded_by || ' confirmed on ' || within_item.answered_on || ' that this pays '
        || within_item.invoice_number
        || case
            when within_item.said_amount > within_item.item_amount
                then
                    '; of the ' || within_item.said_amount || ' ' || within_item.currency || ' said only '
                    || cast(within_item.item_amount as decimal(18, 2)) || ' was there to place'
            else ''
        end
        || '.' as evidence,
        within_item.booked_on
    from within_item
    where within_item.item_amount > 0
),

final as (
    select
        {{ match_columns("claims", "rules") }}
    from claims
    inner join rules
        on
            claims.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

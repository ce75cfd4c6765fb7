-- Several invoices at once, from the customer's own account: only one supposition adds up to the payment.
with sets_supposed as (
    select * from {{ ref("int_sets_supposed") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

-- All that is open, or all that is due, leaves nothing to choose. Of the oldest, or of a month, no other item may have
-- the amount of one of them.
proven as (
    select sets_supposed.*
    from sets_supposed
    where
        sets_supposed.set_count = 1
        and sets_supposed.item_count >= 2
        and (
            not sets_supposed.is_exchangeable
            or sets_supposed.rule_id in ('payer_and_full_balance', 'payer_and_all_due')
        )
),

listed as (
    select
        proven.entry_key,
        string_agg(proven.invoice_number, ', ' order by proven.due_on, proven.invoice_number) as numbers
    from proven
    group by proven.entry_key
),

claims as (
    select
        proven.entry_key,
        proven.company_id,
        proven.customer_id,
        proven.invoice_id,
        proven.rule_id,
        proven.open_amount as amount,
        proven.currency,
        'Paid from account ...' || right(proven.iban, 4)
        || case when proven.is_declared then ' of this customer' else ', from which this customer has paid before' end
        || '; the amount is exactly '
        || case proven.rule_id
            when 'payer_and_full_balance' then 'all that was open that day'
            when 'payer_and_all_due' then 'all that was due that day'
            when 'payer_and_oldest_first' then 'the oldest open invoices'
            else 'all open invoices of one month'
        end
        || ' (' || listed.numbers || ') and nothing else fits.' as evidence,
        proven.booked_on
    from proven
    inner join listed
        on proven.entry_key = listed.entry_key
),

{{ settle_whole() }},

final as (
    select
        {{ match_columns("settled", "rules") }}
    from settled
    inner join rules
        on
            settled.rule_id = rules.rule_id
            and rules.is_automatic
)

select * from final

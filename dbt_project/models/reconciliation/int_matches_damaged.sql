-- Numbers that were damaged on the way, and order numbers: never on the text alone, always with an exact amount and a
-- second evidence: the customer's own account, or the other numbers of the same text.
with text_readings as (
    select * from {{ ref("int_text_readings") }}
),

references_resolved as (
    select * from {{ ref("int_references_resolved") }}
),

payer_accounts as (
    select * from {{ ref("int_payer_accounts_learnt") }}
),

customers as (
    select * from {{ ref("stg_billing__customers") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

sent_twice as (
    select * from {{ ref("int_sent_twice") }}
),

{{ left_after(rungs_before("int_matches_damaged")) }},

-- One payment, one meaning: what all readings of its text point to.
meanings as (
    select
        text_readings.entry_key,
        count(distinct text_readings.invoice_id) as invoice_count,
        count(distinct text_readings.customer_id) as customer_count
    from text_readings
    where text_readings.reading not in ('stray_number', 'payer_name')
    group by text_readings.entry_key
),

payer_owners as (
    select
        text_readings.entry_key,
        bool_or(payer_accounts.family_id = coalesce(customers.parent_customer_id, customers.customer_id))
            as is_own_account
    from text_readings
    inner join customers
        on
            text_readings.company_id = customers.company_id
            and text_readings.customer_id = customers.customer_id
    inner join payer_accounts
        on
            text_readings.company_id = payer_accounts.company_id
            and text_readings.counterparty_iban = payer_accounts.iban
            and payer_accounts.is_trusted
    where text_readings.reading = 'order_number'
    group by text_readings.entry_key
),

proofs as (
    select
        text_readings.*,
        case
            when text_readings.reading = 'order_number' and coalesce(payer_owners.is_own_account, true)
                then 'order_number_exact'
            when text_readings.reading = 'order_number' then null
            when text_readings.context = 'among' then 'damaged_among_numbers'
            when text_readings.context = 'alone' then 'damaged_number_exact'
            when text_readings.context = 'foreign' then 'damaged_number_of_other'
        end as rule_id,
        row_number() over (
            partition by text_readings.entry_key
            order by case when text_readings.reading = 'order_number' then 1 else 0 end, text_readings.reading
        ) as proof_rank
    from text_readings
    inner join meanings
        on
            text_readings.entry_key = meanings.entry_key
            and meanings.invoice_count = 1
            and meanings.customer_count = 1
    left join payer_owners
        on text_readings.entry_key = payer_owners.entry_key
    left join sent_twice
        on text_readings.entry_key = sent_twice.entry_key
    where
        sent_twice.entry_key is null
        and text_readings.invoice_id is not null
        and text_readings.is_agreed
        and text_readings.open_amount - text_readings.rest_amount = 0
        and (text_readings.context <> 'nobody' or text_readings.reading = 'order_number')
),

proven as (
    select
        proofs.*,
        'The text "' || proofs.span_text || '"' || case proofs.reading
            when 'order_number' then ' is the order of ' || proofs.invoice_number || ' and of no other open invoice'
            else
                case
                    when proofs.rule_id = 'damaged_number_of_other'
                        then ' is another customer''s document, which this payment does not fit, and'
                    else ''
                end
                || ' can only mean ' || proofs.invoice_number || case proofs.reading
                    when 'look_alikes' then ' (letters for digits)'
                    when 'zeros' then ' (zeros lost)'
                    when 'beginning' then ' (beginning lost)'
                    when 'year' then ' (year lost)'
                    when 'beginning_and_zeros' then ' (beginning and zeros lost)'
                    else ' (one sign wrong, or two swapped)'
                end
        end
        || case
            when proofs.context = 'among'
                then '; with "' || proofs.named_text || '", also named, it adds up to the payment.'
            when proofs.reading = 'order_number' then '; the amount is exact.'
            else
                '; paid from this customer''s own account ...'
                || right(proofs.counterparty_iban, 4) || ', amount exact.'
        end as evidence
    from proofs
    where proofs.proof_rank = 1 and proofs.rule_id is not null
),

-- The damaged number, and the numbers in full beside it.
claims as (
    select
        proven.entry_key,
        proven.company_id,
        proven.customer_id,
        proven.invoice_id,
        proven.rule_id,
        proven.open_amount as amount,
        proven.currency,
        proven.evidence,
        proven.booked_on
    from proven
    union all
    select
        proven.entry_key,
        proven.company_id,
        proven.customer_id,
        items_left.invoice_id,
        proven.rule_id,
        items_left.open_amount as amount,
        proven.currency,
        proven.evidence,
        proven.booked_on
    from proven
    inner join references_resolved
        on
            proven.entry_key = references_resolved.entry_key
            and proven.context = 'among'
    inner join items_left
        on
            references_resolved.company_id = items_left.company_id
            and references_resolved.invoice_id = items_left.invoice_id
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

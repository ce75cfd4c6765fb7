with asked as (
    select * from {{ ref("int_subsets_asked") }}
),

found as (
    select * from {{ ref("int_subsets_found") }}
),

rules as (
    select * from {{ ref("int_rules_in_force") }}
),

members as (
    select
        asked.*,
        found.open_items,
        row_number() over (
            partition by asked.entry_key, asked.is_named order by asked.invoice_number desc, asked.invoice_id desc
        ) as place_from_end
    from found
    inner join asked
        on
            found.entry_key = asked.entry_key
            and found.company_id = asked.company_id
            and found.invoice_id = asked.invoice_id
    where found.verdict = 'certain'
),

listed as (
    select
        members.entry_key,
        string_agg(members.span_text, ', ' order by members.invoice_number, members.invoice_id)
        filter (where members.is_named) as span_text,
        string_agg(
            members.invoice_number
            || case members.place_from_end when 1 then '' when 2 then ' and ' else ', ' end,
            '' order by members.invoice_number, members.invoice_id
        ) filter (where not members.is_named) as numbers,
        count(*) filter (where not members.is_named) as number_count
    from members
    group by members.entry_key
),

matches as (
    select
        members.entry_key,
        members.company_id,
        members.customer_id,
        members.invoice_id,
        'payer_and_only_sum' as rule_id,
        members.open_amount as amount,
        members.currency,
        'Paid from account ...' || right(members.iban, 4)
        || case when members.is_declared then ' of this customer' else ', from which this customer has paid before' end
        || case
            when listed.span_text is null then '; of its '
            else '; with "' || listed.span_text || '" of the text, of its '
        end
        || members.open_items || ' open items only ' || listed.numbers
        || case when listed.number_count = 1 then ' adds up to ' else ' add up to ' end
        || members.amount || ' ' || members.currency || '.' as evidence,
        members.booked_on
    from members
    inner join listed
        on members.entry_key = listed.entry_key
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

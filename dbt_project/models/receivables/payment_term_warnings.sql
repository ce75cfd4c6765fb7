with business_day as (
    select * from {{ ref("stg_control__business_day") }}
),

payment_terms as (
    select * from {{ ref("int_payment_terms") }}
),

caps as (
    select * from {{ ref("payment_term_caps") }}
),

countries as (
    select distinct caps.country
    from caps
),

-- The law is the creditor's; a country without rows of its own has the directive's.
placed as (
    select
        payment_terms.*,
        coalesce(countries.country, 'EU') as law_country
    from payment_terms
    left join countries
        on payment_terms.country = countries.country
),

-- A rule for sizes holds for certain when both are known to be those, and perhaps when one is not known and the other
-- does not contradict it. Nobody is taken for an authority, or a person for a large company, without being told.
weighed as (
    select
        placed.*,
        caps.maximum_days,
        caps.applies_days,
        caps.effect,
        caps.law,
        caps.consequence,
        caps.policy_id,
        caps.creditor_size <> '*' or caps.debtor_size <> '*' as is_special,
        (caps.creditor_size = '*' or coalesce(placed.creditor_size = caps.creditor_size, false))
        and (caps.debtor_size = '*' or coalesce(placed.debtor_size = caps.debtor_size, false))
        and (caps.debtor_size = 'authority' or not placed.is_natural_person) as is_certain
    from placed
    inner join caps
        on
            placed.law_country = caps.country
            and placed.ruled_on between caps.valid_from and caps.valid_to
            and placed.terms_days > caps.maximum_days
            and (
                caps.creditor_size = '*' or placed.creditor_size is null or placed.creditor_size = caps.creditor_size
            )
            and (
                caps.debtor_size = '*'
                or placed.debtor_size = caps.debtor_size
                or (placed.debtor_size is null and caps.debtor_size <> 'authority' and not placed.is_natural_person)
            )
),

-- What is certain leads, and of that what is made for exactly these two.
ranked as (
    select
        weighed.*,
        row_number() over (
            partition by weighed.company_id, weighed.customer_id, weighed.invoice_id
            order by weighed.is_certain desc, weighed.is_special desc, weighed.maximum_days asc
        ) as leading_rank
    from weighed
),

final as (
    select
        business_day.as_of_date,
        ranked.company_id,
        ranked.customer_id,
        ranked.invoice_id,
        ranked.invoice_number,
        case when ranked.invoice_id is null then 'agreed' else 'invoice' end as terms_source,
        case when ranked.is_certain then 'exceeds' else 'unknown' end as verdict,
        case
            when ranked.is_certain then 'cap_' || ranked.effect
            when ranked.is_natural_person then 'natural_person'
            else 'size_unknown'
        end as reason_code,
        ranked.terms_days,
        cast(ranked.maximum_days as bigint) as maximum_days,
        cast(ranked.terms_days - ranked.maximum_days as bigint) as excess_days,
        ranked.effect,
        case
            when ranked.is_certain and ranked.effect = 'void' then cast(ranked.applies_days as bigint)
        end as applies_days,
        case
            when ranked.is_certain and ranked.effect = 'void' then ranked.begins_on + ranked.applies_days
        end as lawful_due_on,
        ranked.law_country,
        ranked.creditor_size,
        ranked.debtor_size,
        ranked.law,
        'A term of ' || cast(ranked.terms_days as varchar) || ' days'
        || case
            when ranked.is_certain then ' exceeds the ' || cast(ranked.maximum_days as varchar) || ' of '
            when ranked.is_natural_person
                then
                    ' exceeds the ' || cast(ranked.maximum_days as varchar)
                    || ' between businesses, if this person buys as one: '
            else
                ' exceeds the ' || cast(ranked.maximum_days as varchar)
                || ' that a large company may take of a smaller one, if that is what the two are (size_class): '
        end
        || ranked.law || '. ' || ranked.consequence as reason,
        ranked.policy_id
    from ranked
    cross join business_day
    where
        ranked.leading_rank = 1
        and (ranked.is_certain or ranked.invoice_id is null)
)

select * from final
